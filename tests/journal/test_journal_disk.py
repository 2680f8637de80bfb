"""A disk that takes nothing: training goes on, what can be kept is kept, the rest is counted."""

from __future__ import annotations

import errno
import mmap
import os
import resource
import shutil
import subprocess
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mendel.graph.errors import StoreError
from mendel.journal import segment, waiting, write
from mendel.journal.read import Journal
from mendel.journal.segment import Unmapped
from mendel.journal.write import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch, error: int = errno.ENOSPC) -> Iterator[None]:
    """Let nothing be reserved any more."""

    def refuse(*_args: object) -> None:
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as patch:
        patch.setattr(segment, "_allocate", refuse)
        yield


def count(writer: Writer) -> int:
    digest = Journal(writer.folder).digest(writer.id)
    assert digest.damage == ()
    return sum(block.count for block in digest.blocks)


@pytest.mark.parametrize(
    "error", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENOSYS]
)
def test_points_wait_and_are_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    told: list[str] = []
    writer = Writer(tmp_path, run=RUN, on_problem=told.append)
    with full_disk(monkeypatch, error):
        for step in range(2000):
            writer.log({"a": float(step)}, step)
        writer.fact("tags", {"set": {"x": 1}})
        writer.log({"a": 1.0, "note": "text"}, 2000)
        assert writer.waiting == 2003
        assert len(told) == 1
        assert str(tmp_path) in told[0]
    writer._retry_at = 0.0
    writer.pump()
    assert writer.waiting == 0
    assert writer.lost == 0
    writer.close()
    digest = Journal(tmp_path).digest(writer.id)
    assert [fact.kind for fact in digest.facts] == ["tags", "values"]
    assert [fact.ordinal for fact in digest.facts] == [2000, 2002]
    assert count(writer) == 2001


def test_calls_that_come_later_bring_back_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "_FIRST_RETRY_S", 0.0)
    monkeypatch.setattr(write, "_LAST_RETRY_S", 0.0)
    writer = Writer(tmp_path, run=RUN, on_problem=lambda _: None)
    with full_disk(monkeypatch):
        for step in range(3000):
            writer.log({"a": float(step)}, step)
    for step in range(3000, 3010):
        writer.log({"a": float(step)}, step)
    assert writer.waiting == 0
    assert count(writer) == 3010
    writer.close()


def test_what_memory_cannot_hold_is_counted_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_RECORDS", 1000)
    told: list[str] = []
    writer = Writer(tmp_path, run=RUN, on_problem=told.append)
    with full_disk(monkeypatch):
        for step in range(1500):
            writer.log({"a": float(step), "b": 1.0}, step)
    assert writer.lost == 2 * 500
    assert len(told) == 2
    writer._retry_at = 0.0
    writer.pump()
    writer.close()
    assert count(writer) == 1000
    [fact] = Journal(tmp_path).digest(writer.id).facts
    assert fact.kind == "lost_points"
    assert fact.body == {"count": 1000, "reason": os.strerror(errno.ENOSPC)}


def test_points_that_wait_at_the_end_are_counted_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    writer = Writer(tmp_path, run=RUN, on_problem=told.append)
    with full_disk(monkeypatch):
        for step in range(10):
            writer.log({"a": float(step)}, step)
        writer.close()
    assert writer.lost == 10
    assert "10 waiting points are lost" in told[-1]


def test_a_strict_writer_raises_and_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(tmp_path, run=RUN, strict=True)
    with full_disk(monkeypatch), pytest.raises(StoreError, match="No space left"):
        writer.log({"a": 1.0}, 0)
    writer._retry_at = 0.0
    writer.log({"a": 1.0}, 1)
    assert count(writer) == 1
    writer.close()


def test_a_warning_that_is_an_error_does_not_stop_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = Writer(tmp_path, run=RUN)
    with full_disk(monkeypatch), warnings.catch_warnings():
        warnings.simplefilter("error")
        writer.log({"a": 1.0}, 0)
    assert "cannot be written" in capsys.readouterr().err
    writer._retry_at = 0.0
    writer.close()
    assert count(writer) == 1


def test_a_listener_that_raises_does_not_stop_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listener(_problem: str) -> None:
        raise ZeroDivisionError

    writer = Writer(tmp_path, run=RUN, on_problem=listener)
    with full_disk(monkeypatch):
        writer.log({"a": 1.0}, 0)
    writer._retry_at = 0.0
    writer.close()
    assert count(writer) == 1


def test_a_nearly_full_disk_gives_small_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = segment._allocate

    def sparing(fd: int, size: int) -> None:
        if size > 1 << 16:
            raise OSError(errno.ENOSPC, "full")
        plain(fd, size)

    monkeypatch.setattr(segment, "_allocate", sparing)
    writer = Writer(tmp_path, run=RUN, strict=True)
    for step in range(10_000):
        writer.log({"a": float(step)}, step)
    writer.close()
    assert count(writer) == 10_000


def test_a_folder_that_cannot_be_made_is_no_end(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    writer = Writer(tmp_path / "runs" / "journal", run=RUN, on_problem=lambda _: None)
    writer.log({"a": 1.0}, 0)
    writer.log({"a": 1.0})
    assert writer.waiting == 2
    (tmp_path / "runs").unlink()
    writer._retry_at = 0.0
    writer.close()
    assert count(writer) == 2


def test_a_folder_that_cannot_be_mapped_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> None:
        raise OSError(errno.ENODEV, "no mappings here")

    monkeypatch.setattr(mmap, "mmap", refuse)
    writer = Writer(tmp_path, run=RUN)
    for step in range(5000):
        writer.log({"a": float(step)}, step)
        if step % 1000 == 0:
            assert count(writer) == step + 1
    refused = 3
    plain = os.pwrite

    def flaky(fd: int, data: bytes, offset: int) -> int:
        nonlocal refused
        if refused:
            refused -= 1
            raise OSError(errno.EIO, "broken")
        return plain(fd, data[: max(1, len(data) // 2)], offset)

    monkeypatch.setattr(os, "pwrite", flaky)
    for step in range(5000, 5010):
        writer.log({"a": float(step)}, step)
    assert isinstance(writer._seg.mem, Unmapped)
    writer.close()
    monkeypatch.undo()
    assert count(writer) == 5010


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if not shutil.which("mount") or subprocess.call(command):
        pytest.skip("NOT TESTED HERE: a real full disk; mounting a tmpfs needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.crash
def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    writer = Writer(small_disk / "journal", run=RUN, on_problem=lambda _: None)
    for step in range(60_000):
        writer.log({"a": float(step)}, step)
    assert writer.waiting > 10_000
    assert writer.lost == 0
    on_disk = count(writer)
    assert on_disk + writer.waiting == 60_000
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    writer._retry_at = 0.0
    writer.pump()
    writer.close()
    assert count(writer) == 60_000


@pytest.mark.crash
def test_a_disk_that_is_read_only(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    writer = Writer(small_disk / "journal", run=RUN, on_problem=lambda _: None)
    writer.log({"a": 1.0})
    assert writer.waiting == 1
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    writer._retry_at = 0.0
    writer.close()
    assert count(writer) == 1


@pytest.mark.crash
def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mendel.journal.write import Writer\n"
        "w = Writer(Path(sys.argv[1]), run=None, on_problem=lambda p: None)\n"
        "for i in range(20000): w.log({'a': 1.0}, i)\n"
        "assert w.waiting == 0 and w.lost == 0; w.close()"
    )

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    command = [sys.executable, "-c", code, str(tmp_path)]
    subprocess.run(command, check=True, preexec_fn=limit)
    journal = Journal(tmp_path)
    assert list(journal.counts().values()) == [20_000]
