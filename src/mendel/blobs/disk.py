"""Blobs on a local disk: one read-only file each, under the first two digits of its SHA-256.

    blobs/ab/cdef…          a blob
    blobs/.new/<id>         being written (its writer holds a lock on it)
    blobs/.gone/abcdef…     being removed

Writing: a file of its own in ``.new``, hashed while it is copied, ``fsync``, renamed into place,
``fsync`` of the folder. Where the file system can share blocks (Btrfs, XFS, …) the copy costs
nothing: the clone is made first and hashed after, so that what is stored is what was hashed even
while somebody writes to the source. Hard links are not used: a source that is written to later
would change the blob.

Removing beside writers without a lock: the blob is renamed into ``.gone``, and only then its time
is looked at. A writer that finds its bytes there already touches the file's time. If it touched
before the rename, the remover sees a young file and puts it back; if after, the touch fails and the
writer writes anew. `_find` looks into ``.gone`` too, so no reader ever misses a blob that stays.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mendel.blobs.contract import PIECE, Blob, Blobs, Removed, check_sha256, hash_stream
from mendel.graph import clock
from mendel.graph.errors import NotFoundError, ReadOnlyError, StoreError, WrongTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows has no such locks: there leftovers go by age alone
    fcntl = None

_FICLONE = 0x40049409  # Linux: share the blocks of one file with another
_AT_ONCE = 8  # files being stored at once
_LARGE = 64 << 20  # bytes from which a file is hashed before it is copied
_ABANDONED_S = 3600.0  # leftovers whose lock cannot be asked go after this age
_BUCKETS = [f"{i:02x}" for i in range(256)]


class DiskBlobs(Blobs):
    """Blobs under a folder of this machine. The folder is made at the first write."""

    def __init__(self, root: os.PathLike[str] | str) -> None:
        self.root = Path(root)
        self._new = self.root / ".new"
        self._gone = self.root / ".gone"
        self._clones: bool | None = None  # whether the file system shares blocks; asked once

    # -- writing --

    def put(self, source: bytes | os.PathLike[str] | BinaryIO) -> Blob:
        """Store bytes, as `Blobs.put` says."""
        if isinstance(source, bytes | bytearray | memoryview):
            data = bytes(source)
            known = self._touch(hashlib.sha256(data).hexdigest(), len(data))
            return known or self._write(_bytes_filler(data))
        if isinstance(source, os.PathLike):
            with Path(source).open("rb") as stream:
                return self._put_file(stream)
        if not hasattr(source, "read"):
            raise WrongTypeError(
                f"a blob is put from bytes, a path or an open binary file, not "
                f"{type(source).__name__}."
            )
        return self._write(_stream_filler(source))

    def put_all(self, sources: Sequence[bytes | os.PathLike[str]]) -> list[Blob]:
        """Put many at once, as `Blobs.put_all` says."""
        if len(sources) < 2:
            return [self.put(source) for source in sources]
        # Waiting for the disk is what takes the time, and the disk takes several at once.
        with ThreadPoolExecutor(_AT_ONCE, "mendel-blobs") as pool:
            return list(pool.map(self.put, sources))

    def _put_file(self, stream: BinaryIO) -> Blob:
        size = os.fstat(stream.fileno()).st_size
        if size >= _LARGE and not self._can_clone():
            known = self._touch(*hash_stream(stream))
            if known:
                return known
            stream.seek(0)
        return self._write(_clone_filler(stream))

    def _can_clone(self) -> bool:
        """Tell whether a clone is worth trying; found out once for each store."""
        if self._clones is None:
            self._clones = self._try_clone()
        return self._clones

    def _try_clone(self) -> bool:
        if fcntl is None or sys.platform != "linux":
            return False
        with self._translated(), self._fresh() as (_, a), self._fresh() as (_, b):
            a.write(b"\0" * 4096)
            a.flush()
            try:
                fcntl.ioctl(b.fileno(), _FICLONE, a.fileno())
            except OSError:
                return False
        return True

    def _write(self, fill: Callable[[BinaryIO], tuple[str, int]]) -> Blob:
        with self._translated(), self._fresh() as (path, out):
            sha256, size = fill(out)
            known = self._touch(sha256, size)
            if known:
                return known
            out.flush()
            if fcntl is not None:
                os.fchmod(out.fileno(), 0o444)
            os.fsync(out.fileno())
            place = self._place(sha256)
            try:
                path.replace(place)
            except FileNotFoundError:
                self._make(place.parent)
                path.replace(place)
            _fsync_folder(place.parent)
            return Blob(sha256, size, place.stat().st_mtime)

    @contextlib.contextmanager
    def _fresh(self) -> Iterator[tuple[Path, BinaryIO]]:
        """Give an empty, locked file in ``.new``; it is gone afterwards unless it was renamed."""
        if not self._new.is_dir():
            self._make(self._new)
        path = self._new / clock.new_id()
        with path.open("xb+", buffering=PIECE) as out:
            try:
                if fcntl is not None:
                    with contextlib.suppress(OSError):  # no locks here (NFS): leftovers go by age
                        fcntl.flock(out.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield path, out
            finally:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)

    def _touch(self, sha256: str, size: int) -> Blob | None:
        """Return the blob if it is there whole, made young; None if it must be written."""
        place = self._place(sha256)
        try:
            if place.stat().st_size != size:
                return None  # torn by the disk: writing it again heals it
            os.utime(place)
            return Blob(sha256, size, place.stat().st_mtime)
        except OSError:  # gone, or of another user: written anew, which tells what is wrong if any
            return None

    def _make(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _fsync_folder(folder.parent)

    # -- reading --

    def _place(self, sha256: str) -> Path:
        check_sha256(sha256)
        return self.root / sha256[:2] / sha256[2:]

    def _find(self, sha256: str) -> Path | None:
        place = self._place(sha256)
        for path in (place, self._gone / sha256, place):  # again: it may just have been put back
            if path.is_file():
                return path
        return None

    def find(self, sha256: str) -> Blob | None:
        """Return a blob, as `Blobs.find` says."""
        for _ in range(3):  # it may move between being seen and being asked
            path = self._find(sha256)
            if path is None:
                return None
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                return Blob(sha256, status.st_size, status.st_mtime)
        return None

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob, as `Blobs.open` says."""
        for _ in range(3):
            path = self._find(sha256)
            if path is None:
                break
            with contextlib.suppress(FileNotFoundError):
                return path.open("rb")
        raise self._missing(sha256)

    def path(self, sha256: str) -> Path:
        """Return the file that holds a blob, as `Blobs.path` says."""
        path = self._find(sha256)
        if path is None:
            raise self._missing(sha256)
        return path

    def _missing(self, sha256: str) -> NotFoundError:
        return NotFoundError(
            f"the blob {sha256[:12]}… is not in {self.root}: it was never copied here, or it was "
            "cleared away. Copy it from a store that has it; `mendel doctor` lists what is missing."
        )

    def all(self) -> Iterator[Blob]:
        """Yield every blob, as `Blobs.all` says."""
        for bucket in _BUCKETS:
            try:
                entries = list(os.scandir(self.root / bucket))
            except (FileNotFoundError, NotADirectoryError):
                continue
            for entry in entries:
                if len(entry.name) == 62:
                    with contextlib.suppress(FileNotFoundError):
                        status = entry.stat()
                        yield Blob(bucket + entry.name, status.st_size, status.st_mtime)

    # -- removing --

    def remove(self, sha256s: Collection[str], *, put_before: float) -> Removed:
        """Remove blobs, as `Blobs.remove` says."""
        gone: list[str] = []
        kept: list[str] = []
        freed = 0
        with self._translated():
            for sha256 in sha256s:
                size = self._remove(sha256, put_before)
                if size is None:
                    kept.append(sha256)
                elif size >= 0:
                    gone.append(sha256)
                    freed += size
        return Removed(tuple(gone), freed, tuple(kept))

    def _remove(self, sha256: str, put_before: float) -> int | None:
        """Return the bytes freed, None if it is too young, -1 if it was not there."""
        place = self._place(sha256)
        try:
            if place.stat().st_mtime >= put_before:
                return None
        except FileNotFoundError:
            return -1
        self._gone.mkdir(parents=True, exist_ok=True)
        leaving = self._gone / sha256
        with contextlib.suppress(FileNotFoundError):
            place.replace(leaving)
        return self._finish(leaving, put_before)

    def _finish(self, leaving: Path, put_before: float) -> int | None:
        """Unlink a blob in ``.gone``, or put it back if somebody put it again meanwhile."""
        try:
            status = leaving.stat()
            if status.st_mtime >= put_before:
                leaving.replace(self._place(leaving.name))
                return None
            leaving.unlink()
        except FileNotFoundError:  # another remover was faster
            return -1
        return status.st_size

    def leftovers(self) -> int:
        """Return the bytes that killed writers left behind."""
        return sum(size for _, size in self._abandoned())

    def sweep(self) -> int:
        """Clear away what killed writers and removers left, as `Blobs.sweep` says."""
        freed = 0
        with self._translated():
            for path, size in list(self._abandoned()):
                path.unlink(missing_ok=True)
                freed += size
            for leaving in self._entries(self._gone):  # a remover was killed: nothing is lost by
                with contextlib.suppress(FileNotFoundError):  # putting back what it had chosen
                    leaving.replace(self._place(leaving.name))
        return freed

    def _abandoned(self) -> Iterator[tuple[Path, int]]:
        for path in self._entries(self._new):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                if _unlocked(path, clock.now() - status.st_mtime):
                    yield path, status.st_size

    def _entries(self, folder: Path) -> list[Path]:
        try:
            return list(folder.iterdir())
        except FileNotFoundError:
            return []

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the operating system's errors about the store into Mendel's."""
        try:
            yield
        except _SourceError as error:
            raise error.cause from None
        except OSError as error:
            if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
                raise _read_only(self.root, error) from error
            raise StoreError(
                f"a blob could not be stored in {self.root}: {error.strerror or error}. Nothing "
                "was stored. Free some space (`mendel gc --dry-run` says what would go), then try "
                "again."
            ) from error


class _SourceError(Exception):
    """Carries an error of the source past the door that translates the store's errors."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _read_only(root: Path, error: OSError) -> ReadOnlyError:
    return ReadOnlyError(
        f"{root} cannot be written ({error.strerror or error}). Make it writable, or name another "
        "store with MENDEL_STORE."
    )


def _bytes_filler(data: bytes) -> Callable[[BinaryIO], tuple[str, int]]:
    def fill(out: BinaryIO) -> tuple[str, int]:
        out.write(data)
        return hashlib.sha256(data).hexdigest(), len(data)

    return fill


def _stream_filler(stream: BinaryIO) -> Callable[[BinaryIO], tuple[str, int]]:
    def fill(out: BinaryIO) -> tuple[str, int]:
        hasher = hashlib.sha256()
        size = 0
        while True:
            try:
                piece = stream.read(PIECE)
            except OSError as error:
                raise _SourceError(error) from error
            if not piece:
                return hasher.hexdigest(), size
            if not isinstance(piece, bytes):
                raise WrongTypeError("a blob is put from a file opened in binary mode ('rb').")
            hasher.update(piece)
            size += len(piece)
            out.write(piece)

    return fill


def _clone_filler(stream: BinaryIO) -> Callable[[BinaryIO], tuple[str, int]]:
    copy = _stream_filler(stream)

    def fill(out: BinaryIO) -> tuple[str, int]:
        if fcntl is not None and sys.platform == "linux":
            try:
                fcntl.ioctl(out.fileno(), _FICLONE, stream.fileno())
                return hash_stream(out)
            except OSError:  # another file system, or one that shares no blocks
                out.seek(0)
                out.truncate()
        return copy(out)

    return fill


def _unlocked(path: Path, age_s: float) -> bool:
    """Tell whether nobody writes a file in ``.new`` any more."""
    if fcntl is None or age_s > 24 * _ABANDONED_S:
        return age_s > _ABANDONED_S
    try:
        with path.open("rb") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            return age_s > 1.0  # a writer takes its lock right after making the file
    except BlockingIOError:
        return False
    except OSError:
        return age_s > _ABANDONED_S


def _fsync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # pragma: no cover - folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
