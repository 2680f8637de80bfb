"""A folder as a blob: a manifest that lists its files, whose bytes are blobs of their own.

The manifest is JSON with sorted paths and no spaces, so the same folder always has the same
address, and two folders that share files share their bytes:

    {"files":[{"path":"a/b.csv","sha256":"…","size":12},…],"format":1,"kind":"mendel folder"}

A file that may be executed has ``"executable":true``; a folder with nothing in it stands in
``"empty"``. Links are followed; what is neither file nor folder (a socket, a pipe) is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mendel.blobs.contract import PIECE, Address, hash_stream
from mendel.graph import clock
from mendel.graph.errors import CorruptError, InvalidError, NotFoundError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mendel.blobs.contract import Blobs

_KIND = "mendel folder"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of a folder: ``path`` is relative, with ``/``; ``size`` in bytes."""

    path: str
    sha256: str
    size: int
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder holds: its files by path, and its empty folders."""

    files: tuple[FileEntry, ...]
    empty: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(entry.size for entry in self.files)

    def dumps(self) -> bytes:
        """Return it as the bytes of a blob; equal manifests give equal bytes."""
        files = []
        for entry in sorted(self.files, key=lambda entry: entry.path):
            line: dict[str, Any] = {"path": entry.path, "sha256": entry.sha256, "size": entry.size}
            if entry.executable:
                line["executable"] = True
            files.append(line)
        body: dict[str, Any] = {"files": files, "format": 1, "kind": _KIND}
        if self.empty:
            body["empty"] = sorted(self.empty)
        return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def loads(cls, data: bytes) -> Manifest:
        """Return the manifest that `dumps` wrote.

        Raises:
            CorruptError: it is none, or a path in it would lead out of the folder.
        """
        try:
            body = json.loads(data)
            if body["kind"] != _KIND:
                raise CorruptError("this blob is no folder's manifest.")
            files = tuple(
                FileEntry(
                    _inside(line["path"]),
                    line["sha256"],
                    int(line["size"]),
                    bool(line.get("executable", False)),
                )
                for line in body["files"]
            )
            return cls(files, tuple(_inside(path) for path in body.get("empty", ())))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptError(f"this blob is no folder's manifest ({error}).") from error


def put_folder(blobs: Blobs, folder: Path) -> tuple[Address, Manifest]:
    """Store a folder with all that is in it; return its address and what it holds.

    Raises:
        InvalidError: it holds something that is neither file nor folder, or a link to itself.
        OSError: something in it cannot be read.
        StoreError, ReadOnlyError: as `Blobs.put`.
    """
    files, empty = walk(folder)
    stored = blobs.put_all([folder / path for path, _ in files])
    manifest = Manifest(
        tuple(
            FileEntry(path, blob.sha256, blob.size, executable)
            for (path, executable), blob in zip(files, stored, strict=True)
        ),
        tuple(empty),
    )
    return Address(blobs.put(manifest.dumps()).sha256, ""), manifest


def describe(folder: Path) -> tuple[Address, Manifest]:
    """Return the address that a folder would have, and what it holds, without storing anything.

    Raises:
        InvalidError, OSError: as `put_folder`.
    """
    files, empty = walk(folder)
    entries = []
    for path, executable in files:
        with (folder / path).open("rb") as stream:
            sha256, size = hash_stream(stream)
        entries.append(FileEntry(path, sha256, size, executable))
    manifest = Manifest(tuple(entries), tuple(empty))
    return Address(hashlib.sha256(manifest.dumps()).hexdigest(), ""), manifest


def walk(folder: Path) -> tuple[list[tuple[str, bool]], list[str]]:
    """Return a folder's files (relative path, executable) and its empty folders, by path."""
    files: list[tuple[str, bool]] = []
    empty: list[str] = []
    _walk(folder, PurePosixPath(), files, empty, (os.path.realpath(folder),))
    return sorted(files), sorted(empty)


def _walk(
    folder: Path,
    inside: PurePosixPath,
    files: list[tuple[str, bool]],
    empty: list[str],
    above: tuple[str, ...],
) -> None:
    entries = list(os.scandir(folder))
    if not entries and above[1:]:
        empty.append(str(inside))
    for entry in entries:
        path = inside / entry.name
        status = entry.stat()  # follows links; a broken one raises FileNotFoundError by name
        if stat.S_ISDIR(status.st_mode):
            real = os.path.realpath(entry.path)
            if real in above:
                raise InvalidError(f"{entry.path} is a link to a folder that it stands in.")
            _walk(Path(entry.path), path, files, empty, (*above, real))
        elif stat.S_ISREG(status.st_mode):
            files.append((str(path), bool(status.st_mode & stat.S_IXUSR)))
        else:
            raise InvalidError(f"{entry.path} is neither a file nor a folder; leave it out.")


def read_manifest(blobs: Blobs, sha256: str) -> Manifest:
    """Return a folder's manifest, checked.

    Raises:
        NotFoundError: it is not in the store.
        CorruptError: its bytes are no manifest, or not what was put.
    """
    return Manifest.loads(blobs.read(sha256))


def find_file(blobs: Blobs, address: Address) -> str:
    """Return the SHA-256 of the file that an address names, within a folder or alone.

    Raises:
        InvalidError: it is a whole folder.
        NotFoundError: no such blob, or no such file in the folder.
    """
    if address.inner is None:
        return address.sha256
    if address.folder:
        raise InvalidError(f"{address.uri} is a folder; name a file in it, or fetch it whole.")
    manifest = read_manifest(blobs, address.sha256)
    for entry in manifest.files:
        if entry.path == address.inner:
            return entry.sha256
    known = [entry.path for entry in manifest.files]
    raise NotFoundError(
        f"the folder has no file {address.inner!r}{did_you_mean(address.inner, known)}"
    )


def fetch(blobs: Blobs, address: Address, target: Path) -> Path:
    """Copy a blob, a folder, or a file of a folder to ``target``, checked; return ``target``.

    A file appears whole or not at all. Into a folder that is there the files are added; a file of
    the same name is replaced.

    Raises:
        NotFoundError, CorruptError: as `Blobs.read`.
        OSError: the target cannot be written.
    """
    if not address.folder:
        _fetch_file(blobs, find_file(blobs, address), target, executable=False)
        return target
    manifest = read_manifest(blobs, address.sha256)
    target.mkdir(parents=True, exist_ok=True)
    for path in manifest.empty:
        (target / path).mkdir(parents=True, exist_ok=True)
    for entry in manifest.files:
        _fetch_file(blobs, entry.sha256, target / entry.path, executable=entry.executable)
    return target


def _fetch_file(blobs: Blobs, sha256: str, target: Path, *, executable: bool) -> None:
    blobs.check(sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name[:100]}.{clock.new_id()}")
    try:
        with blobs.open(sha256) as source, partial.open("xb") as out:
            shutil.copyfileobj(source, out, PIECE)
        if executable:
            partial.chmod(partial.stat().st_mode | 0o111)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def reachable(blobs: Blobs, address: Address) -> Iterator[str]:
    """Yield the SHA-256 of every blob that an address needs: itself, and a folder's files.

    A manifest that is missing or damaged yields itself only.
    """
    yield address.sha256
    if address.inner is None:
        return
    try:
        manifest = read_manifest(blobs, address.sha256)
    except (NotFoundError, CorruptError):
        return
    for entry in manifest.files:
        yield entry.sha256


def _inside(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or "\0" in path or any(part in {"", ".", ".."} for part in parts):
        raise CorruptError(f"the path {path!r} in a folder's manifest leads out of the folder.")
    return path
