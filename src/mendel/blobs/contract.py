"""The contract of a blob store: its docstrings are law; the shipped suite holds every store to it.

A blob is bytes that are never changed, known by their SHA-256: the same bytes are stored once,
however many runs save them. A store knows nothing of runs or artifacts; who refers to a blob keeps
its address.

Rules for every method:

* Thread-safe, and safe beside other processes on the same store; two may put the same bytes.
* A blob is there as a whole or not at all, also after ``kill -9`` or power loss.
* Bytes pass through in pieces of at most a few MiB: a blob may be larger than memory.
* Only Mendel's errors are raised, but for an unreadable *source*: that OSError is the caller's.
"""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO

from mendel.graph.errors import CorruptError, InvalidError

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

PIECE = 1 << 20  # bytes read, hashed and written at a time

_URI = re.compile(r"blob:sha256/([0-9a-f]{64})(?:(/)(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """Where bytes are: ``blob:sha256/<hex>``, a folder ``blob:sha256/<hex>/``, or a file in it.

    A folder is a blob too: its manifest (see ``folder.py``). ``inner`` is the path of a file within
    a folder, ``""`` for the folder itself, None for a plain blob.
    """

    sha256: str
    inner: str | None = None

    @property
    def folder(self) -> bool:
        """Whether it is a whole folder."""
        return self.inner == ""

    @property
    def uri(self) -> str:
        """Its text."""
        return f"blob:sha256/{self.sha256}" + ("" if self.inner is None else f"/{self.inner}")


def is_blob_uri(uri: str | None) -> bool:
    """Tell whether a text is the address of a blob."""
    return uri is not None and _URI.fullmatch(uri) is not None


def parse_uri(uri: str) -> Address:
    """Return the address that a text names.

    Raises:
        InvalidError: it is no blob's address.
    """
    found = _URI.fullmatch(uri)
    if found is None:
        raise InvalidError(
            f"{uri!r} is no address of a blob; one is blob:sha256/ and 64 hexadecimal digits."
        )
    return Address(found[1], found[3] if found[2] else None)


def addresses_in(text: str) -> Iterator[str]:
    """Yield the SHA-256 of every blob whose address stands in a text."""
    for found in _URI.finditer(text) if "blob:sha256/" in text else ():
        yield found[1]


def check_sha256(sha256: str) -> str:
    """Return a SHA-256 as given, if it has the form of one.

    Raises:
        InvalidError: it has not.
    """
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise InvalidError(f"{sha256!r} is no SHA-256: 64 lower-case hexadecimal digits.")
    return sha256


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob that is in a store: ``size`` in bytes, ``put``: when last put (seconds since 1970)."""

    sha256: str
    size: int
    put: float


@dataclass(frozen=True, slots=True)
class Removed:
    """What `Blobs.remove` did: blobs that went, the bytes they freed, those kept as too young."""

    gone: tuple[str, ...]
    bytes: int
    kept: tuple[str, ...]


class Blobs(ABC):
    """See the top of this file."""

    @abstractmethod
    def put(self, source: bytes | os.PathLike[str] | BinaryIO) -> Blob:
        """Store bytes, a file, or what a stream gives; return once they are safe on disk.

        Putting bytes that are there already stores nothing, but makes the blob young again, so that
        a `remove` that runs meanwhile keeps it.

        Raises:
            ReadOnlyError: the store cannot be written.
            StoreError: the disk is full or failed; nothing was stored.
            OSError: the source cannot be read; nothing was stored.
        """

    @abstractmethod
    def find(self, sha256: str) -> Blob | None:
        """Return a blob, or None if it is not there."""

    @abstractmethod
    def open(self, sha256: str) -> BinaryIO:
        """Return a stream over a blob's bytes, seekable, for the caller to close.

        Raises:
            NotFoundError: it is not there.
        """

    @abstractmethod
    def path(self, sha256: str) -> Path | None:
        """Return the read-only file that holds a blob on this machine; None where there is none.

        Raises:
            NotFoundError: the blob is not there.
        """

    @abstractmethod
    def all(self) -> Iterator[Blob]:
        """Yield every blob, in no order; those that come or go meanwhile may be in it or not."""

    @abstractmethod
    def remove(self, sha256s: Collection[str], *, put_before: float) -> Removed:
        """Remove blobs for ever, but keep those last put at ``put_before`` or later.

        A blob that is not there is passed over. Killed midway, a later `remove` finishes the work.

        Raises:
            ReadOnlyError: the store cannot be written.
        """

    @abstractmethod
    def leftovers(self) -> int:
        """Return the bytes that killed writers left behind."""

    @abstractmethod
    def sweep(self) -> int:
        """Clear away what killed writers and removers left behind; return the bytes freed."""

    # -- what follows from the above --

    def put_all(self, sources: Sequence[bytes | os.PathLike[str]]) -> list[Blob]:
        """Put many, as fast as the store can; return their blobs in the order given.

        Raises:
            as `put`. What was stored before the error stays; putting it again costs little.
        """
        return [self.put(source) for source in sources]

    def read(self, sha256: str) -> bytes:
        """Return a blob's bytes, checked.

        Raises:
            NotFoundError: it is not there.
            CorruptError: the bytes are not what was put.
        """
        with self.open(sha256) as stream:
            data = stream.read()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise _corrupt(sha256)
        return data

    def check(self, sha256: str) -> int:
        """Read a blob through and return its size in bytes, if it is what was put.

        Raises:
            NotFoundError: it is not there.
            CorruptError: the bytes are not what was put.
        """
        size = 0
        hasher = hashlib.sha256()
        with self.open(sha256) as stream:
            while piece := stream.read(PIECE):
                hasher.update(piece)
                size += len(piece)
        if hasher.hexdigest() != sha256:
            raise _corrupt(sha256)
        return size


def hash_stream(stream: IO[bytes]) -> tuple[str, int]:
    """Return the SHA-256 and the size in bytes of what remains in a stream."""
    size = 0
    hasher = hashlib.sha256()
    while piece := stream.read(PIECE):
        hasher.update(piece)
        size += len(piece)
    return hasher.hexdigest(), size


def _corrupt(sha256: str) -> CorruptError:
    return CorruptError(
        f"the blob {sha256[:12]}… no longer holds the bytes that were put: the disk or a program "
        "changed them. Restore it from a copy of the store (putting the same bytes again heals it)."
    )
