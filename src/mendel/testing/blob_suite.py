"""The suite that every blob store inherits: it holds a store to every word of the contract.

class TestMine(BlobSuite):
    @pytest.fixture
    def blobs(self, tmp_path):
        return MyBlobs(tmp_path / "blobs")
"""

from __future__ import annotations

import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from mendel.blobs.contract import PIECE, Address, addresses_in, is_blob_uri, parse_uri
from mendel.blobs.folder import fetch, find_file, put_folder, reachable, read_manifest
from mendel.graph import clock
from mendel.graph.errors import (
    CorruptError,
    InvalidError,
    NotFoundError,
    WrongTypeError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from mendel.blobs.contract import Blobs

ABSENT = "0" * 64
LATER_S = 10.0  # added to the clock for "older than now", whatever the store's resolution of time


def sha256(data: bytes) -> str:
    """Return the address that some bytes must get."""
    return hashlib.sha256(data).hexdigest()


class BlobSuite:
    """Inherit it and give a ``blobs`` fixture: an empty store."""

    @pytest.mark.parametrize("size", [0, 1, 4096, PIECE - 1, PIECE, 3 * PIECE + 7])
    def test_bytes_files_and_streams_come_back_as_they_went_in(
        self, blobs: Blobs, tmp_path: Path, size: int
    ) -> None:
        data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        file = tmp_path / "source"
        file.write_bytes(data)
        for source in (data, file, io.BytesIO(data)):
            blob = blobs.put(source)
            assert (blob.sha256, blob.size) == (sha256(data), size)
        assert blobs.read(blob.sha256) == data
        assert blobs.check(blob.sha256) == size
        with blobs.open(blob.sha256) as stream:
            stream.seek(size // 2)
            assert stream.read() == data[size // 2 :]

    def test_the_same_bytes_are_stored_once(self, blobs: Blobs) -> None:
        first = blobs.put(b"same")
        assert blobs.put(b"same").sha256 == first.sha256
        assert [blob.sha256 for blob in blobs.all()] == [first.sha256]

    def test_an_absent_blob_is_none_to_find_and_an_error_to_open(self, blobs: Blobs) -> None:
        assert blobs.find(ABSENT) is None
        for ask in (blobs.open, blobs.read, blobs.check, blobs.path):
            with pytest.raises(NotFoundError, match="not in"):
                ask(ABSENT)

    def test_what_is_no_sha256_is_refused(self, blobs: Blobs) -> None:
        for wrong in ("", "abc", "../" * 20 + "etc/passwd", "A" * 64, "g" * 64):
            with pytest.raises(InvalidError):
                blobs.find(wrong)

    def test_a_source_that_cannot_be_read_stores_nothing(
        self, blobs: Blobs, tmp_path: Path
    ) -> None:
        with pytest.raises(FileNotFoundError):
            blobs.put(tmp_path / "absent")
        with pytest.raises(WrongTypeError, match="not int"):
            blobs.put(7)  # type: ignore[arg-type]
        with pytest.raises(WrongTypeError, match="binary"):
            blobs.put(io.StringIO("text"))  # type: ignore[arg-type]

        class Broken(io.RawIOBase):
            def read(self, size: int = -1) -> bytes:
                raise OSError(5, f"the cable is out ({size})")

        with pytest.raises(OSError, match="cable"):
            blobs.put(Broken())  # type: ignore[arg-type]
        assert list(blobs.all()) == []
        assert blobs.leftovers() == 0

    def test_many_are_put_in_the_order_given(self, blobs: Blobs, tmp_path: Path) -> None:
        file = tmp_path / "f"
        file.write_bytes(b"from a file")
        sources: list[bytes | Path] = [b"%d" % i for i in range(40)]
        sources[7] = file
        stored = blobs.put_all(sources)
        assert stored[7].sha256 == sha256(b"from a file")
        assert [blob.sha256 for blob in stored[8:]] == [sha256(b"%d" % i) for i in range(8, 40)]
        assert blobs.put_all([]) == []

    def test_removing_frees_what_is_old_and_keeps_what_is_young(self, blobs: Blobs) -> None:
        old, young = blobs.put(b"old one"), blobs.put(b"young")
        kept = blobs.remove([young.sha256], put_before=young.put - LATER_S)
        assert (kept.gone, kept.bytes, kept.kept) == ((), 0, (young.sha256,))
        gone = blobs.remove([old.sha256, ABSENT], put_before=clock.now() + LATER_S)
        assert (gone.gone, gone.bytes, gone.kept) == ((old.sha256,), 7, ())
        assert blobs.find(old.sha256) is None
        assert [blob.sha256 for blob in blobs.all()] == [young.sha256]
        assert blobs.remove([old.sha256], put_before=clock.now() + LATER_S).gone == ()
        blobs.put(b"old one")
        assert blobs.read(old.sha256) == b"old one"

    def test_many_threads_put_the_same_and_different_bytes_at_once(self, blobs: Blobs) -> None:
        datas = [b"%d" % (i % 5) * 10_000 for i in range(40)]
        start = threading.Barrier(8)

        def put(data: bytes) -> str:
            if not start.broken:
                start.wait(5)
            return blobs.put(data).sha256

        with ThreadPoolExecutor(8) as pool:
            stored = list(pool.map(put, datas))
        assert stored == [sha256(data) for data in datas]
        assert {blob.sha256 for blob in blobs.all()} == set(stored)
        assert all(blobs.check(one) == 10_000 for one in set(stored))

    def test_a_blob_put_while_it_is_removed_is_there_afterwards(self, blobs: Blobs) -> None:
        """Whoever wins, a put that has returned has its bytes in the store: it made them young."""
        for number in range(60):
            data = b"contended %d" % number
            first = blobs.put(data)
            begin = threading.Barrier(2)
            # Between the old time and the new one, as a gc that planned a moment ago.
            planned = first.put + 1e-6

            def remove(at: threading.Barrier, sha256: str, put_before: float) -> None:
                at.wait(5)
                blobs.remove([sha256], put_before=put_before)

            thread = threading.Thread(target=remove, args=(begin, first.sha256, planned))
            thread.start()
            begin.wait(5)
            again = blobs.put(data)
            thread.join()
            if again.put >= planned:
                assert blobs.read(first.sha256) == data

    def test_a_folder_comes_back_as_it_was(self, blobs: Blobs, tmp_path: Path) -> None:
        source = make_folder(tmp_path / "source")
        address, manifest = put_folder(blobs, source)
        assert address.folder
        assert [entry.path for entry in manifest.files] == ["a.txt", "b/run.sh", "b/ü 漢字.bin"]
        assert manifest.size == 5 + 300_000 + 10
        assert read_manifest(blobs, address.sha256) == manifest
        target = fetch(blobs, address, tmp_path / "target")
        assert (target / "a.txt").read_bytes() == b"hello"
        assert (target / "b/ü 漢字.bin").read_bytes() == b"\1\2\3" * 100_000
        assert (target / "b/run.sh").stat().st_mode & 0o100
        assert (target / "empty/inside").is_dir()
        again, _ = put_folder(blobs, target)
        assert again == address

    def test_a_file_of_a_folder_is_found_by_its_address(self, blobs: Blobs, tmp_path: Path) -> None:
        address, _ = put_folder(blobs, make_folder(tmp_path / "source"))
        inner = parse_uri(f"{address.uri}b/run.sh")
        assert blobs.read(find_file(blobs, inner)) == b"#!/bin/sh\n"
        assert fetch(blobs, inner, tmp_path / "one").read_bytes() == b"#!/bin/sh\n"
        with pytest.raises(NotFoundError, match="did you mean 'a"):
            find_file(blobs, Address(address.sha256, "a.text"))
        with pytest.raises(InvalidError, match="is a folder"):
            find_file(blobs, address)

    def test_all_that_a_folder_needs_is_reachable(self, blobs: Blobs, tmp_path: Path) -> None:
        address, manifest = put_folder(blobs, make_folder(tmp_path / "source"))
        needed = {address.sha256, *(entry.sha256 for entry in manifest.files)}
        assert set(reachable(blobs, address)) == needed == {blob.sha256 for blob in blobs.all()}
        blobs.remove([address.sha256], put_before=clock.now() + LATER_S)
        assert list(reachable(blobs, address)) == [address.sha256]

    def test_a_manifest_that_leads_out_of_its_folder_is_refused(
        self, blobs: Blobs, tmp_path: Path
    ) -> None:
        one = sha256(b"")
        for path in ("../evil", "/etc/evil", "a/../../evil", "a//b", "", "a\\u0000b"):
            line = f'{{"path":"{path}","sha256":"{one}","size":0}}'
            body = f'{{"files":[{line}],"format":1,"kind":"mendel folder"}}'
            evil = blobs.put(body.encode())
            with pytest.raises(CorruptError):
                fetch(blobs, Address(evil.sha256, ""), tmp_path / "target")
        plain = blobs.put(b"no manifest")
        with pytest.raises(CorruptError, match="no folder's manifest"):
            read_manifest(blobs, plain.sha256)

    def test_an_address_is_read_as_it_is_written(self, blobs: Blobs) -> None:
        blob = blobs.put(b"x")
        for inner in (None, "", "a/b c.txt"):
            address = Address(blob.sha256, inner)
            assert parse_uri(address.uri) == address
            assert is_blob_uri(address.uri)
            assert list(addresses_in(f"see {address.uri}!")) == [blob.sha256]
        for wrong in ("", "blob:sha256/abc", "s3://bucket/key", "blob:md5/" + "0" * 64):
            assert not is_blob_uri(wrong)
            with pytest.raises(InvalidError):
                parse_uri(wrong)


def make_folder(folder: Path) -> Path:
    """Make a folder with nested, executable, large and empty things in it."""
    (folder / "b").mkdir(parents=True)
    (folder / "empty/inside").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"hello")
    (folder / "b/ü 漢字.bin").write_bytes(b"\1\2\3" * 100_000)
    script = folder / "b/run.sh"
    script.write_bytes(b"#!/bin/sh\n")
    script.chmod(0o755)
    return folder
