"""The disk is full, or takes nothing: training goes on, and what is lost is counted and told."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from mendel.graph.run import RunState
from scripts import environment, run_script, the_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.crash

FILL = """
    import errno, os, sys, time, mendel
    disk = os.environ["DISK"]
    def fill(but=0):
        with open(f"{disk}/filler", "ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC
            if but:
                file.truncate(file.tell() - but)
    def free():
        os.unlink(f"{disk}/filler")
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 8 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.call(command, stderr=subprocess.DEVNULL):
        pytest.skip("NOT TESTED HERE: a real full disk; mounting a tmpfs needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def train(
    disk: Path, text: str, *, expect: int = 0, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a script whose store is on the disk; it must not take long."""
    began = time.monotonic()
    done = run_script(
        disk.parent,
        FILL + text,
        env={"DISK": str(disk), "MENDEL_STORE": str(disk / "store"), "MENDEL_QUIET": ""} | env,
        expect=expect,
    )
    assert time.monotonic() - began < 40
    return done


def mendel_says(disk: Path, *args: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "mendel", *args],
        env=environment({"MENDEL_STORE": str(disk / "store")}),
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "defect in Mendel" not in said
    return done.returncode, said


def test_training_goes_on_and_what_waited_is_written_when_there_is_room(disk: Path) -> None:
    done = train(
        disk,
        """
    run = mendel.start_run("r", experiment="e", capture="none")
    for step in range(1000):
        run.log({"loss": 1.0}, step)
    fill()
    slowest = 0.0
    for step in range(1000, 100_000):
        began = time.monotonic()
        run.log({"loss": 1.0}, step)
        slowest = max(slowest, time.monotonic() - began)
    run.log_params({"a": 1})
    run.set_tags({"t": "x"})
    free()
    deadline = time.monotonic() + 20
    while run._recorder.writer.waiting and time.monotonic() < deadline:
        time.sleep(0.05)
    run.end_run()
    assert slowest < 2, slowest
    """,
    )
    assert done.stderr.count("cannot be written") == 1
    record = the_record(disk / "store")
    assert record.series["loss"].count == 100_000
    assert record.params == {"a": 1}
    assert record.tags == {"t": "x"}
    assert record.lost_points == 0
    assert record.state is RunState.COMPLETE


def test_what_no_room_was_ever_found_for_is_counted_and_told(disk: Path) -> None:
    done = train(
        disk,
        """
    run = mendel.start_run("r", experiment="e", capture="none")
    for step in range(1000):
        run.log({"loss": 1.0}, step)
    fill()
    for step in range(1000, 60_000):
        run.log({"loss": 1.0}, step)
    run.end_run()
    """,
    )
    assert "points are lost" in done.stderr
    assert "other records" in done.stderr
    (disk / "filler").unlink()
    record = the_record(disk / "store")
    kept = record.series["loss"].count
    assert kept >= 1000
    lost = 60_000 - kept
    assert f"{lost:,}" in done.stderr or str(lost) in done.stderr
    assert record.state is RunState.LOST, "its last word did not fit either"


def test_strict_raises_on_a_full_disk_and_nothing_else_changes(disk: Path) -> None:
    train(
        disk,
        """
    mendel.init(experiment="e", strict=True)
    run = mendel.start_run("r", capture="none")
    fill()
    try:
        for step in range(60_000):
            run.log({"loss": 1.0}, step)
    except mendel.StoreError as error:
        assert "room" in str(error), error
    else:
        raise SystemExit("nothing was raised")
    free()
    time.sleep(0.2)
    deadline = time.monotonic() + 10
    while True:
        try:
            run.log({"loss": 2.0}, step)
            break
        except mendel.StoreError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    print(step + 1)
    """,
    )
    assert the_record(disk / "store").series["loss"].last == 2.0


VERBS = """
    import pathlib
    pathlib.Path("file.bin").write_bytes(b"x" * 300_000)
    os.makedirs("folder", exist_ok=True)
    pathlib.Path("folder/a.txt").write_text("a" * 5000)
    def every_verb(run):
        yield lambda: run.log({"loss": 1.0, "text": "x" * 10_000})
        yield lambda: run.log_params({"big": "x" * 200_000})
        yield lambda: run.log_metrics({"auc": 0.5})
        yield lambda: run.log_time_series_metrics({"auc": 0.5})
        yield lambda: run.set_tags({"a": "b"})
        yield lambda: run.set_note("note")
        yield lambda: run.define_metric("auc", goal="maximize")
        yield lambda: run.alert("title", "text")
        yield lambda: run.log_text("text " * 20_000, "text.txt")
        yield lambda: run.log_dict({"a": [1] * 20_000}, "dict")
        yield lambda: run.log_html("<p>" * 20_000, "page")
        yield lambda: run.log_histogram([1.0, 2.0, 3.0], "weights")
        yield lambda: run.log_table([{"a": 1}] * 1000, "table")
        yield lambda: run.log_image([[0, 255], [255, 0]], "image")
        yield lambda: run.log_classification_metrics(
            labels=["a", "b"], matrix=[[1, 2], [3, 4]], display_name="m")
        yield lambda: run.log_artifact("file.bin", type="model")
        yield lambda: run.log_artifact("folder", name="folder", type="dataset")
        yield lambda: run.config.update({"lr": 0.1})
        yield lambda: run.summary.update({"best": 1})
"""


def test_no_verb_raises_or_stalls_training_on_a_full_disk(disk: Path) -> None:
    done = train(
        disk,
        VERBS
        + """
    run = mendel.start_run("r", experiment="e")
    run.log({"loss": 1.0}, 0)
    fill()
    for number, verb in enumerate(every_verb(run)):
        began = time.monotonic()
        try:
            verb()
        except Exception as error:
            print(number, type(error).__name__, error)
        took = time.monotonic() - began
        assert took < 3, (number, took)
    run.end_run()
    print("end")
    """,
    )
    assert done.stdout == "end\n"
    (disk / "filler").unlink()
    assert the_record(disk / "store").series["loss"].count >= 1


def test_a_run_is_begun_on_a_full_disk_or_it_is_said_why_not(disk: Path) -> None:
    done = train(
        disk,
        """
    mendel.init(experiment="e")
    with mendel.start_run("first"):
        pass
    fill()
    try:
        with mendel.start_run("second") as run:
            for step in range(1000):
                run.log({"loss": 1.0}, step)
    except mendel.StoreError as error:
        assert "pace" in str(error) or "room" in str(error), error
    print("end")
    """,
    )
    assert done.stdout == "end\n"


def test_readers_of_a_full_disk_say_so_and_lose_nothing(disk: Path) -> None:
    train(
        disk,
        """
    mendel.init(experiment="e")
    for name in range(8):
        with mendel.start_run(f"r{name}", capture="none") as run:
            run.log_params({f"p{i}": "x" * 100 for i in range(100)})
    mendel.Store.open().refresh()
    for name in range(8, 16):
        run = mendel.start_run(f"r{name}", capture="none")
        run.log_params({f"q{name}{i}": "y" * 100 for i in range(100)})
        run.log({"a": 1.0}, 1)
        run.flush()
        run.end_with_process({"state": "COMPLETE"}, quick=True)
    fill()
    """,
    )
    for command in (["runs"], ["show", "r3"], ["rebuild"], ["doctor"]):
        code, said = mendel_says(disk, *command)
        assert code == 0 or "full" in said or "pace" in said or "room" in said, said
    (disk / "filler").unlink()
    code, said = mendel_says(disk, "runs", "--json", "--limit", "100")
    if code:
        assert "rebuild" in said
        assert mendel_says(disk, "rebuild")[0] == 0
        code, said = mendel_says(disk, "runs", "--json", "--limit", "100")
    assert code == 0, said
    assert all(f'"r{n}"' in said for n in range(16))


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES])
def test_no_verb_raises_whatever_the_disk_answers(tmp_path: Path, code: int) -> None:
    done = run_script(
        tmp_path,
        "    import os, sys, time, mendel\n"
        + VERBS
        + f"""
    mendel.init(experiment="e")
    run = mendel.start_run("r", capture="none")
    run.log({{"loss": 1.0}}, 0)
    import builtins, io, pathlib
    code = {code}
    here = os.path.abspath(".mendel")
    def refuse(*args, **more):
        raise OSError(code, os.strerror(code))
    plain = os.posix_fallocate, os.mkdir, io.open, os.open, os.replace
    os.posix_fallocate = os.pwrite = os.mkdir = os.replace = os.link = os.fsync = refuse
    os.fdatasync = refuse
    def opening(file, mode="r", *args, **more):
        if set("wxa+") & set(mode) and str(file).startswith(here):
            refuse()
        return plain[2](file, mode, *args, **more)
    builtins.open = io.open = opening
    for number, verb in enumerate(every_verb(run)):
        began = time.monotonic()
        try:
            verb()
        except Exception as error:
            print(number, type(error).__name__, error)
        assert time.monotonic() - began < 3, number
    for step in range(30_000):
        run.log({{"loss": 1.0}}, step)
    run.end_run()
    print("end")
    """,
        env={"MENDEL_QUIET": ""},
    )
    assert done.stdout == "end\n", done.stdout
