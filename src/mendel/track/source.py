"""What a user hands over as an artifact: a file, a folder, an address; and what its bytes are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mendel.graph.errors import InvalidError, WrongTypeError
from mendel.graph.values import shorten

if TYPE_CHECKING:
    from mendel.blobs.contract import Blobs

TYPES = {
    "artifact": "system.Artifact",
    "dataset": "system.Dataset",
    "model": "system.Model",
    "metrics": "system.Metrics",
}


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes: where they are, and what is known of them (sizes in bytes)."""

    uri: str
    name: str
    sha256: str | None = None
    size: int | None = None
    files: int | None = None  # of a folder

    def metadata(self) -> dict[str, object]:
        """Return what an artifact's metadata tells of it."""
        told = {"sha256": self.sha256, "size": self.size, "files": self.files}
        return {name: value for name, value in told.items() if value is not None}


def schema_title(word: str | None) -> str:
    """Return the schema title of a short word (dataset, model, …), or a title as it is.

    Raises:
        WrongTypeError, InvalidError: no text, or empty.
    """
    if word is None:
        return TYPES["artifact"]
    if not isinstance(word, str):
        raise WrongTypeError(f"type must be text such as 'dataset', not {type(word).__name__}.")
    if not word.strip():
        raise InvalidError("type is empty; 'dataset' and 'model' are two, and your own will do.")
    return TYPES.get(word.lower(), word)


def is_address(source: object) -> bool:
    """Tell whether a source is text that names bytes somewhere: ``s3://…``, ``blob:…``."""
    return isinstance(source, str) and ("://" in source or source.startswith("blob:"))


def as_path(source: object, verb: str) -> Path:
    """Return the file or folder that is meant.

    Raises:
        WrongTypeError: no path at all.
        FileNotFoundError: nothing is there.
    """
    if not isinstance(source, str | os.PathLike):
        raise WrongTypeError(
            f"{verb} takes a path, an address (s3://…) or an Artifact, not "
            f"{type(source).__name__}. Tables, images and dicts go to log_table, log_image and "
            "log_dict; other objects to a file first."
        )
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"there is no file or folder {shorten(str(path), 300)!r}.")
    return path


def store(blobs: Blobs, path: Path) -> Content:
    """Copy a file or a folder into the store.

    Raises:
        InvalidError: the folder holds something that cannot be kept.
        OSError: something cannot be read.
        StoreError, ReadOnlyError: the store does not take it.
    """
    from mendel.blobs.contract import Address
    from mendel.blobs.folder import put_folder

    if path.is_dir():
        address, manifest = put_folder(blobs, path)
        return Content(address.uri, _name(path), address.sha256, manifest.size, len(manifest.files))
    blob = blobs.put(path)
    return Content(Address(blob.sha256).uri, _name(path), blob.sha256, blob.size)


def refer(path: Path) -> Content:
    """Return what is known of a file or a folder that stays where it is."""
    from mendel.blobs.contract import hash_stream
    from mendel.blobs.folder import describe

    uri = path.absolute().as_uri()
    if path.is_dir():
        address, manifest = describe(path)
        return Content(uri, _name(path), address.sha256, manifest.size, len(manifest.files))
    with path.open("rb") as stream:
        sha256, size = hash_stream(stream)
    return Content(uri, _name(path), sha256, size)


def elsewhere(uri: str) -> Content:
    """Return what is known of bytes that an address names."""
    return Content(uri, uri.rstrip("/").rpartition("/")[2] or uri)


def id_of(sha256: str) -> str:
    """Return the id of the artifact that stands for bytes which lie somewhere outside of the store.

    It follows from the bytes, so processes that know nothing of each other mean the same one.
    """
    return f"sha256-{sha256}"


def name_of(source: object) -> str:
    """Return what a file, a folder or an address is called by itself."""
    if is_address(source):
        return elsewhere(str(source)).name
    return _name(Path(str(source)))


def _name(path: Path) -> str:
    return path.name or path.resolve().name or str(path)
