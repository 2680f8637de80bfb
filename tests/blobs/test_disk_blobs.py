"""Blobs on a local disk: the shipped suite, and what only a disk can do wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from mendel.blobs.disk import DiskBlobs
from mendel.blobs.folder import put_folder
from mendel.graph import clock
from mendel.graph.errors import CorruptError, InvalidError, ReadOnlyError, StoreError
from mendel.testing.blob_suite import BlobSuite, make_folder, sha256

if TYPE_CHECKING:
    from pathlib import Path


class TestDiskBlobs(BlobSuite):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> DiskBlobs:
        return DiskBlobs(tmp_path / "store" / "blobs")


@pytest.fixture
def blobs(tmp_path: Path) -> DiskBlobs:
    return DiskBlobs(tmp_path / "blobs")


def test_a_blob_is_one_read_only_file_under_its_digits(blobs: DiskBlobs) -> None:
    blob = blobs.put(b"x")
    path = blobs.path(blob.sha256)
    assert path == blobs.root / blob.sha256[:2] / blob.sha256[2:]
    assert path.stat().st_mode & 0o222 == 0


def test_flipped_bytes_are_noticed_and_healed_by_putting_the_blob_again(blobs: DiskBlobs) -> None:
    blob = blobs.put(b"precious")
    path = blobs.path(blob.sha256)
    path.chmod(0o644)
    path.write_bytes(b"previous!")
    with pytest.raises(CorruptError, match="no longer holds"):
        blobs.read(blob.sha256)
    with pytest.raises(CorruptError):
        blobs.check(blob.sha256)
    blobs.put(b"precious")
    assert blobs.read(blob.sha256) == b"precious"


def test_a_change_of_the_source_leaves_the_blob_alone(blobs: DiskBlobs, tmp_path: Path) -> None:
    source = tmp_path / "data"
    source.write_bytes(b"before")
    blob = blobs.put(source)
    source.write_bytes(b"after!")
    assert blobs.read(blob.sha256) == b"before"


def test_a_large_file_that_is_there_is_not_copied_again(
    blobs: DiskBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mendel.blobs.disk._LARGE", 10)
    source = tmp_path / "data"
    source.write_bytes(b"0123456789abc")
    first = blobs.put(source)
    inode = blobs.path(first.sha256).stat().st_ino
    assert blobs.put(source).sha256 == first.sha256
    assert blobs.path(first.sha256).stat().st_ino == inode


def test_what_a_killed_writer_left_is_counted_and_swept(blobs: DiskBlobs) -> None:
    blobs.put(b"kept")
    left = blobs.root / ".new" / clock.new_id()
    left.write_bytes(b"12345")
    os.utime(left, (clock.now() - 60, clock.now() - 60))
    assert blobs.leftovers() == 5
    assert blobs.sweep() == 5
    assert not left.exists()
    assert blobs.leftovers() == 0


def test_a_writer_at_work_is_not_swept_away(blobs: DiskBlobs) -> None:
    script = """
        import sys, time
        from mendel.blobs.disk import DiskBlobs
        blobs = DiskBlobs(sys.argv[1])
        with blobs._fresh() as (path, out):
            out.write(b"half"); out.flush()
            print("ready", flush=True)
            sys.stdin.readline()
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(blobs.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout
    assert child.stdin
    assert child.stdout.readline() == b"ready\n"
    [path] = (blobs.root / ".new").iterdir()
    os.utime(path, (clock.now() - 7200, clock.now() - 7200))
    assert blobs.leftovers() == 0
    child.kill()
    child.wait()
    child.stdout.close()
    child.stdin.close()
    assert blobs.leftovers() == 4
    assert blobs.sweep() == 4


def test_a_blob_that_a_killed_remover_had_taken_is_read_and_put_back(blobs: DiskBlobs) -> None:
    blob = blobs.put(b"between")
    gone = blobs.root / ".gone" / blob.sha256
    gone.parent.mkdir()
    blobs.path(blob.sha256).rename(gone)
    assert blobs.read(blob.sha256) == b"between"
    assert blobs.find(blob.sha256)
    assert blobs.sweep() == 0
    assert blobs.path(blob.sha256) != gone
    assert not gone.exists()


def test_odd_things_in_a_folder_are_refused_or_followed(blobs: DiskBlobs, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "odd")
    (folder / "link.txt").symlink_to("a.txt")
    _, manifest = put_folder(blobs, folder)
    assert "link.txt" in [entry.path for entry in manifest.files]
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    with pytest.raises(InvalidError, match="stands in"):
        put_folder(blobs, folder)
    (folder / "loop").unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidError, match="neither a file nor a folder"):
        put_folder(blobs, folder)
    (folder / "pipe").unlink()
    (folder / "broken").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError, match="broken"):
        put_folder(blobs, folder)


def test_file_names_that_are_no_text_come_back(blobs: DiskBlobs, tmp_path: Path) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    odd = os.fsdecode(b"caf\xe9.bin")
    (folder / odd).write_bytes(b"1")
    _, manifest = put_folder(blobs, folder)
    assert manifest.files[0].path == odd
    assert type(manifest).loads(manifest.dumps()) == manifest


def test_a_full_disk_is_told_and_leaves_nothing(
    blobs: DiskBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs.put(b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"No space left.*Nothing was stored"):
        blobs.put(b"too much")
    monkeypatch.undo()
    assert blobs.find(sha256(b"too much")) is None
    assert list((blobs.root / ".new").iterdir()) == []


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(StoreError):
        DiskBlobs(tmp_path / "file").put(b"x")


def test_a_read_only_disk_is_told(blobs: DiskBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(_: int) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "fsync", read_only)
    with pytest.raises(ReadOnlyError, match="cannot be written"):
        blobs.put(b"x")


@pytest.mark.crash
def test_kill_9_while_writing_leaves_whole_blobs_only(tmp_path: Path) -> None:
    """Forty seeds: several writers of the same and of other bytes, killed at random moments."""
    script = """
        import random, sys
        from mendel.blobs.disk import DiskBlobs
        blobs = DiskBlobs(sys.argv[1])
        rng = random.Random(int(sys.argv[2]))
        print("ready", flush=True)
        while True:
            seed = rng.randrange(12)
            blob = blobs.put(bytes([seed]) * (seed * 150_000 + 1))
            print(blob.sha256, flush=True)
    """
    blobs = DiskBlobs(tmp_path / "blobs")
    for seed in range(20):
        children = [
            subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(script), str(blobs.root), str(seed * 2 + k)],
                stdout=subprocess.PIPE,
            )
            for k in range(2)
        ]
        promised: set[str] = set()
        for child in children:
            assert child.stdout
            assert child.stdout.readline() == b"ready\n"
            for _ in range(seed % 5):
                child.stdout.readline()
        for child in children:
            child.send_signal(signal.SIGKILL)
            out, _ = child.communicate()
            promised |= {line for line in out.decode().split("\n")[:-1] if len(line) == 64}
        there = {blob.sha256 for blob in blobs.all()}
        assert promised <= there
        for one in there:
            blobs.check(one)
    blobs.put(b"after")
    blobs.sweep()
