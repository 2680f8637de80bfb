"""What a run captures by itself: whole, safe, without secrets, and never in the run's way."""

import io
import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mendel.graph.errors import InvalidError, WrongTypeError
from mendel.graph.values import Value, dumps, loads
from mendel.track import seeds
from mendel.track.capture import environment, git, hardware, secrets, source
from mendel.track.capture.console import Console
from mendel.track.capture.session import CaptureSession
from mendel.track.capture.settings import NONE, CaptureSettings, settings


class Notebook:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.facts: list[tuple[str, dict[str, Value]]] = []
        self.points: list[tuple[int | None, dict[str, float]]] = []

    def fact(self, kind: str, body: dict[str, Value]) -> None:
        loads(dumps(body))  # it can be written down
        self.facts.append((kind, body))

    def log(self, data: dict[str, float], step: int | None = None) -> None:
        self.points.append((step, data))

    def captured(self) -> dict[str, Value]:
        out: dict[str, Value] = {}
        for kind, body in self.facts:
            if kind == "capture":
                found = body["set"]
                assert isinstance(found, dict)
                out.update(found)
        return out


def repository(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.py").write_text("print('one')\n")
    (folder / "old.py").write_text("old = 1\n")
    for line in (
        "init -q -b trunk",
        "config user.email a@b.c",
        "config user.name A",
        "remote add origin https://me:hush@example.com/r.git",
        "add .",
        "commit -q -m first",
    ):
        subprocess.run(["git", *line.split()], cwd=folder, check=True)
    return folder


def test_a_clean_repository_is_named_by_its_commit(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    found = git.capture(repo, tmp_path / "files")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repo, capture_output=True, text=True, check=True
    )
    assert found["commit"] == head.stdout.strip()
    assert found["branch"] == "trunk"
    assert found["dirty"] is False
    assert found["remote"] == "https://***@example.com/r.git"
    assert not (tmp_path / "files").exists()


def test_diff_and_untracked_sources_bring_the_working_tree_back(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    (repo / "train.py").write_text("print('two')\n")
    (repo / "old.py").unlink()
    (repo / "staged.bin").write_bytes(bytes(range(256)))
    subprocess.run(["git", "add", "staged.bin"], cwd=repo, check=True)
    (repo / "päckage").mkdir()
    (repo / "päckage" / "new module.py").write_text("x = 1\n")
    files = tmp_path / "files"
    found = git.capture(repo, files)
    assert found["dirty"] is True

    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(repo), str(clone)], check=True)
    subprocess.run(["git", "apply", str(files / "code" / "diff.patch")], cwd=clone, check=True)
    with zipfile.ZipFile(files / "code" / "untracked.zip") as archive:
        archive.extractall(clone)
    for path in ("train.py", "staged.bin", "päckage/new module.py"):
        assert (clone / path).read_bytes() == (repo / path).read_bytes()
    assert not (clone / "old.py").exists()


def test_secrets_and_big_files_are_named_but_not_kept(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo")
    (repo / ".env").write_text("PASSWORD=1\n")
    (repo / "weights.pt").write_bytes(b"0" * 10)
    (repo / "huge.py").write_bytes(b"#" * (source.FILE_BYTES + 1))
    (repo / "small.py").write_text("x = 1\n")
    found = git.capture(repo, tmp_path / "files")["untracked"]
    assert isinstance(found, dict)
    assert found["files"] == 1
    assert found["left_out"] == [".env", "huge.py", "weights.pt"]
    with zipfile.ZipFile(tmp_path / "files" / "code" / "untracked.zip") as archive:
        assert archive.namelist() == ["small.py"]


def test_the_same_sources_make_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = 1\n")
    places = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for place in places:
        archive = source.Archive(place)
        archive.add(tmp_path, [tmp_path / "a.py"])
        archive.close()
        os.utime(tmp_path / "a.py", (1, 1))
    assert places[0].read_bytes() == places[1].read_bytes()


def test_no_repository_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(git.NoGitError):
        git.capture(tmp_path, tmp_path / "files")


def test_a_fresh_repository_without_a_commit_is_captured(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "trunk"], cwd=tmp_path, check=True)
    (tmp_path / "train.py").write_text("x = 1\n")
    found = git.capture(tmp_path, tmp_path / "files")
    assert found["commit"] is None
    assert found["branch"] == "trunk"
    assert found["dirty"] is True


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [
        (["--lr=0.1", "--api-key=abc"], ["--lr=0.1", "--api-key=***"]),
        (["--password", "hush", "--epochs", "3"], ["--password", "***", "--epochs", "3"]),
        (["--token", "--verbose"], ["--token", "--verbose"]),
        (["db.password=hush", "+hf_token=x"], ["db.password=***", "+hf_token=***"]),
        (["--max-tokens", "512", "--tokenizer=bert"], ["--max-tokens", "512", "--tokenizer=bert"]),
        (
            ["--author", "Ada", "--authorization", "x"],
            ["--author", "Ada", "--authorization", "***"],
        ),
        (["a token=b", "auth", "x"], ["a token=b", "auth", "x"]),
        (["https://me:pw@host/x"], ["https://***@host/x"]),
        (["--data", "s3://bucket/a@b"], ["--data", "s3://bucket/a@b"]),
    ],
)
def test_secrets_in_arguments_are_masked_in_place(arguments: list[str], masked: list[str]) -> None:
    assert secrets.masked_arguments(arguments) == masked


def test_the_command_tells_the_script_and_its_arguments(tmp_path: Path) -> None:
    script = tmp_path / "go.py"
    script.write_text(
        "import json, pathlib\nfrom mendel.track.capture import command\n"
        "print(json.dumps(command.capture(pathlib.Path.cwd())))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), "--lr", "0.1"], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["arguments"] == ["--lr", "0.1"]
    assert found["script"] == str(script)
    assert found["line"][-3:] == [str(script), "--lr", "0.1"]


def test_packages_are_those_installed() -> None:
    found = dict(environment.packages())
    assert found["numpy"] == np.__version__
    assert "click" in found


def test_only_allowed_variables_are_taken_and_never_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    monkeypatch.setenv("HOME_SWEET", "x")
    monkeypatch.setenv("MY_SETTING", "y")
    monkeypatch.setenv("MY_TOKEN", "hush")
    monkeypatch.setenv("AIP_SECRET", "hush")
    monkeypatch.setenv("MENDEL_CAPTURE_ENV", "MY_*")
    found = dict(environment.variables())
    assert found["RANK"] == "3"
    assert found["TOKENIZERS_PARALLELISM"] == "false"
    assert found["MY_SETTING"] == "y"
    assert not {"HOME_SWEET", "MY_TOKEN", "AIP_SECRET"} & set(found)


def test_hardware_has_sizes() -> None:
    found = hardware.capture()
    cpus = found["cpus_usable"]
    memory = found["memory_bytes"]
    assert isinstance(cpus, int | float)
    assert 0 < cpus <= (os.cpu_count() or 1)
    assert isinstance(memory, int)
    assert memory > 1 << 20


def test_everything_gathered_can_be_written_down(tmp_path: Path) -> None:
    book, samples = Notebook(), Notebook()
    session = CaptureSession(CaptureSettings(), book, lambda: samples, tmp_path)
    session.begin()
    session.gather()
    session.sample()
    assert not samples.points
    session.sample()
    session.end()
    code = {"git", "source", "script"}  # which of them depends on where the tests run
    assert set(book.captured()) - code == {"command", "hardware", "environment"}
    assert set(book.captured()) & code
    [(step, values)] = samples.points
    assert step == 0
    assert values["system/memory_bytes"] > 0
    assert values["system/process_memory_bytes"] > 0
    assert all(isinstance(value, float) for value in values.values())


def test_nothing_is_captured_when_all_is_off(tmp_path: Path) -> None:
    book = Notebook()
    session = CaptureSession(NONE, book, Notebook, tmp_path)
    session.begin()
    session.gather()
    session.sample()
    session.sample()
    session.end()
    assert book.facts == []
    assert book.points == []


def test_a_capture_that_fails_is_noted_and_hides_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> dict[str, Value]:
        raise OSError("no such luck")

    monkeypatch.setattr(hardware, "capture", fail)
    book = Notebook()
    CaptureSession(CaptureSettings(), book, Notebook, tmp_path).gather()
    found = book.captured()
    assert found["hardware"] == {"error": "OSError: no such luck"}
    assert isinstance(found["environment"], dict)
    assert "packages" in found["environment"]


@pytest.mark.parametrize(
    ("wanted", "console", "system", "code"),
    [
        (None, False, True, True),
        (True, False, True, True),
        (False, False, False, False),
        ("none", False, False, False),
        ("all", True, True, True),
        ("console,-system", True, False, True),
        (["none", "console"], True, False, False),
        ({"console": True, "code": False}, True, True, False),
    ],
)
def test_settings_say_what_they_mean(
    *, wanted: object, console: bool, system: bool, code: bool
) -> None:
    found = settings(wanted)
    assert (found.console, found.system, found.code) == (console, system, code)


def test_the_environment_switches_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENDEL_CAPTURE", "-code, console")
    assert settings() == CaptureSettings(code=False, console=True)
    assert settings(False) == NONE


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(InvalidError, match="did you mean 'console'"):
        settings("consol")
    with pytest.raises(WrongTypeError, match="a dict, a text or a list"):
        settings(3)


def test_what_is_printed_is_printed_and_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    copied: list[tuple[str, str]] = []
    console = Console(lambda stream, text: copied.append((stream, text)))
    console.start()
    sys.stdout.write("one\ntw")
    sys.stdout.write("o\n")
    sys.stdout.write("10 %\r50 %\r")
    sys.stdout.write("100 %\nunfinished")
    console.stop()
    assert sys.stdout is screen
    assert screen.getvalue() == "one\ntwo\n10 %\r50 %\r100 %\nunfinished"
    lines = [text for _, text in copied]
    assert lines == ["one\n", "two\n", "100 %\n", "unfinished"]


def test_printing_goes_on_when_the_copy_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)

    def fail(stream: str, text: str) -> None:
        raise RuntimeError(stream + text)

    console = Console(fail)
    console.start()
    sys.stdout.write("one\n")
    sys.stdout.write("two\n")
    console.stop()
    assert screen.getvalue() == "one\ntwo\n"


def test_somebody_who_wrapped_the_stream_later_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    copied: list[str] = []
    console = Console(lambda _, text: copied.append(text))
    console.start()
    later = sys.stdout  # somebody kept ours
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    console.stop()
    later.write("through\n")
    assert screen.getvalue() == "through\n"
    assert copied == []


def test_a_seed_makes_libraries_repeat_themselves() -> None:
    drawn = []
    for _ in range(2):
        assert set(seeds.set_seeds(7)) >= {"random", "numpy"}
        drawn.append((random.random(), np.random.rand()))
    assert drawn[0] == drawn[1]
    with pytest.raises(WrongTypeError):
        seeds.set_seeds(True)
    with pytest.raises(InvalidError):
        seeds.set_seeds(-1)
