"""Where a store is: found upward from the working directory, as git finds its folder.

Also what makes a folder a store: its format marker, made once however many processes start at once.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mendel.graph import clock
from mendel.graph.errors import InvalidError, NewerStoreError, NotFoundError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = ".mendel"
MARKER = "store.json"
FORMAT = 1
ENVIRONMENT = "MENDEL_STORE"
TABLE = "[tool.mendel]"


def find(location: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the folder of the store that is meant, or None where none is named or found.

    A location that is given wins, then ``MENDEL_STORE``; then the nearest folder upward from the
    working directory that has a ``.mendel/`` or a ``pyproject.toml`` with ``[tool.mendel]
    store = "…"`` (relative to that file). A location that is named need not be there yet.
    """
    named = location if location is not None else os.environ.get(ENVIRONMENT)
    if named:
        path = Path(named).expanduser()
        inside = path / FOLDER
        return (inside if inside.is_dir() and not _is_store(path) else path).absolute()
    for folder in _upward(Path.cwd()):
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
        configured = settings_of(folder).get("store")
        if isinstance(configured, str) and configured:
            return (folder / Path(configured).expanduser()).absolute()
    return None


def settings() -> dict[str, Any]:
    """Return the nearest ``[tool.mendel]`` table upward from the working directory, or {}."""
    for folder in _upward(Path.cwd()):
        table = settings_of(folder)
        if table:
            return table
    return {}


def settings_of(folder: Path) -> dict[str, Any]:
    """Return the ``[tool.mendel]`` table of the folder's ``pyproject.toml``, or {}.

    Raises:
        InvalidError: the file speaks of Mendel and is not valid TOML.
    """
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    if TABLE not in text:  # spares most projects the parser's import
        return {}
    import tomllib

    try:
        table = tomllib.loads(text)["tool"]["mendel"]
    except tomllib.TOMLDecodeError as error:
        raise InvalidError(
            f"{folder / 'pyproject.toml'} cannot be read: {error}. Mend it, or name the store "
            f"with {ENVIRONMENT}."
        ) from error
    except (KeyError, TypeError):
        return {}  # the words stand in a comment or a string
    return dict(table) if isinstance(table, dict) else {}


def _upward(start: Path) -> Iterator[Path]:
    yield start
    yield from start.parents


def _is_store(folder: Path) -> bool:
    return (folder / MARKER).is_file() or (folder / "runs").is_dir()


def _may_be_store(folder: Path) -> bool:
    """Tell a store from any other folder: a wrong word must not turn a project into a store."""
    signs = ("ledger", "catalog.sqlite", "decisions.jsonl")
    return (
        folder.name == FOLDER
        or _is_store(folder)
        or any((folder / sign).exists() for sign in signs)
    )


def prepare(root: Path, *, create: bool) -> bool:
    """Make a folder a store, or check that this Mendel reads it; tell if it is writable.

    Raises:
        NotFoundError: there is none, and ``create`` is False.
        NewerStoreError: a newer Mendel made it.
        StoreError: it cannot be made or read.
    """
    if not create and not (root.is_dir() and _may_be_store(root)):
        but = ", though there is a folder" if root.is_dir() else ""
        raise NotFoundError(
            f"there is no store at {root}{but}. Log a first run there, or name another with "
            f"{ENVIRONMENT} or {TABLE} store = … in pyproject.toml."
        )
    if not root.is_dir():
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"a store cannot be made at {root}: {error.strerror}. Name a folder that can be "
                f"written with {ENVIRONMENT}."
            ) from error
    writable = os.access(root, os.W_OK | os.X_OK)
    marker = root / MARKER
    if not marker.exists() and writable:
        _make(root, marker)
    _check(marker)
    return writable


def _make(root: Path, marker: Path) -> None:
    """Write the marker whole or not at all; of processes that start at once, one wins."""
    text = json.dumps({"format": FORMAT, "id": clock.new_id(), "created": clock.iso(clock.now())})
    mine = root / f".{clock.new_id()}.tmp"
    try:
        if _may_be_store(root) or not any(root.iterdir()):  # never hide other things from git
            with contextlib.suppress(FileExistsError), (root / ".gitignore").open("x") as ignore:
                ignore.write("*\n")
        (root / "open").mkdir(exist_ok=True)
        mine.write_text(text + "\n", encoding="utf-8")
        try:
            os.link(mine, marker)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links: the last of them wins, all are alike
            mine.replace(marker)
    except OSError as error:
        raise StoreError(
            f"a store cannot be made at {root}: {error.strerror}. Free some space, or name "
            f"another folder with {ENVIRONMENT}."
        ) from error
    finally:
        mine.unlink(missing_ok=True)


def _check(marker: Path) -> None:
    try:
        found = json.loads(marker.read_bytes())
        number = int(found["format"])
    except FileNotFoundError:
        return  # read-only, and older than its marker or put together by hand: runs/ tells
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f'{marker} is damaged ({error}). It should read {{"format": {FORMAT}}}; if nobody '
            "edited it, check the disk, then remove the file: it is made again."
        ) from error
    if number > FORMAT:
        raise NewerStoreError(
            f"the store {marker.parent} was written by a newer Mendel (store format {number}; "
            f"this one knows {FORMAT}). Nothing was touched. Upgrade with: pip install -U mendel"
        )
