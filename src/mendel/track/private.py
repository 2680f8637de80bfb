"""A catalog of one's own for a store that cannot be written, so that it is searched too."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path


def private_copy(root: Path, catalog: str) -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """Return a temporary folder with a copy of the store's catalog in it, if it has one.

    The caller keeps the first and cleans it up. What the copy lacks is taken in from the journals.
    """
    folder = tempfile.TemporaryDirectory(prefix="mendel-", ignore_cleanup_errors=True)
    for suffix in ("", "-wal"):
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(root / f"{catalog}{suffix}", Path(folder.name) / f"{catalog}{suffix}")
    return folder, Path(folder.name)
