"""`import mendel` stays light, its names are sorted and there, and a run needs Python alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mendel
from scripts import SOURCE, environment, the_record


def python(code: str, folder: Path, *flags: str) -> str:
    done = subprocess.run(
        [sys.executable, *flags, "-c", code],
        cwd=folder,
        env=environment(),
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_public_names_are_sorted_and_each_is_there() -> None:
    assert mendel.__all__ == sorted(mendel.__all__)
    assert sorted({**mendel._HOMES, **mendel._MODULES}) == mendel.__all__
    for name in mendel.__all__:
        assert getattr(mendel, name) is not None
        assert name in dir(mendel)


def test_no_public_name_hides_a_package() -> None:
    packages = {path.name for path in Path(mendel.__file__).parent.iterdir() if path.is_dir()}
    assert not packages & set(mendel.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(mendel, "no_such_name")


def test_type_checkers_are_told_of_every_name() -> None:
    text = Path(mendel.__file__).read_text(encoding="utf-8")
    told = {line.rsplit(" as ", 1)[1] for line in text.splitlines() if " as " in line[:120]}
    assert set(mendel.__all__) <= told


def test_import_loads_nothing_but_the_package_itself(tmp_path: Path) -> None:
    loaded = python(
        "import sys; before = set(sys.modules); import mendel; "
        "print(*sorted(set(sys.modules) - before))",
        tmp_path,
        "-S",
    )
    assert loaded.split() == ["__future__", "mendel"] or loaded.split() == ["mendel"]


def test_a_run_loads_nothing_heavy(tmp_path: Path) -> None:
    loaded = python(
        "import sys, mendel\n"
        "run = mendel.start_run('r', capture=False)\n"
        "run.log({'loss': 1.0}, 1)\n"
        "run.log_params({'a': 1})\n"
        "heavy = 'numpy pandas sqlite3 click rich psutil asyncio http urllib.request ssl'.split()\n"
        "print(*[name for name in heavy if name in sys.modules])\n",
        tmp_path,
    )
    assert loaded.split() == []


def test_a_whole_run_needs_the_standard_library_only(tmp_path: Path) -> None:
    said = python(
        f"import sys; sys.path.insert(0, {SOURCE!r})\n"
        "import mendel\n"
        "with mendel.start_run('r', params={'a': [1]}, tags=['t']) as run:\n"
        "    for step in range(1000):\n"
        "        run.log({'loss': 1.0 / (step + 1), 'acc': 0.5}, step)\n"
        "    run.summary['best'] = 1\n"
        "print('numpy' in sys.modules)\n",
        tmp_path,
        "-S",
        "-I",
    )
    assert said == "False\n"
    record = the_record(tmp_path)
    assert record.series["loss"].count == 1000
    assert record.state.value == "COMPLETE"
