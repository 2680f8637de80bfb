"""The code as git knows it: commit, branch, remote, and what is not committed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from mendel.track.capture.secrets import without_credentials
from mendel.track.capture.source import Archive

if TYPE_CHECKING:
    from mendel.graph.values import Value

TIMEOUT_S = 20.0
DIFF_BYTES = 20 << 20  # a larger diff is named with its size, not kept


class NoGitError(Exception):
    """Not a git repository, no git, or git did not answer in time."""


def capture(folder: Path, files: Path) -> dict[str, Value]:
    """Return what git says of the repository around a folder; save the diff and untracked sources.

    Saves ``files/code/diff.patch`` (against the commit, staged and unstaged, binary files included;
    apply it with ``git apply``) and ``files/code/untracked.zip`` (see `source.Archive` for its
    limits).

    Raises:
        NoGitError: the folder is in no repository, or git does not answer.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    found: dict[str, Value] = {"root": str(top), "commit": _maybe(top, "rev-parse", "HEAD")}
    found["branch"] = _maybe(top, "symbolic-ref", "--short", "-q", "HEAD")
    remote = _maybe(top, "remote", "get-url", "origin")
    found["remote"] = without_credentials(remote) if remote else None
    status = _git(top, "status", "--porcelain=v1", "-z", "--untracked-files=all")
    entries = [entry for entry in status.split("\0") if entry]
    untracked = sorted(entry[3:] for entry in entries if entry.startswith("?? "))
    found["dirty"] = bool(entries)
    if found["commit"] and len(entries) > len(untracked):
        found["diff"] = _save_diff(top, files)
    if untracked:
        archive = Archive(files / "code" / "untracked.zip")
        archive.add(top, [top / name for name in untracked])
        found["untracked"] = archive.close()
    return found


def _save_diff(top: Path, files: Path) -> dict[str, Value]:
    patch = _run(top, "diff", "--binary", "--no-color", "--no-ext-diff", "HEAD")
    if len(patch) > DIFF_BYTES:
        return {"bytes": len(patch), "kept": False, "why": f"larger than {DIFF_BYTES} bytes"}
    place = files / "code" / "diff.patch"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(patch)
    return {"bytes": len(patch), "kept": True, "path": "code/diff.patch"}


def _run(folder: Path, *arguments: str) -> bytes:
    # Never takes git's locks, never asks for a password, never runs the user's hooks or pager.
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    inherited = {k: v for k, v in os.environ.items() if k not in {"GIT_DIR", "GIT_WORK_TREE"}}
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-c", "core.quotepath=off", *arguments],
            cwd=folder,
            env={**inherited, **quiet},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NoGitError(str(error)) from error
    return done.stdout


def _git(folder: Path, *arguments: str) -> str:
    return _run(folder, *arguments).decode("utf-8", "surrogateescape")


def _maybe(folder: Path, *arguments: str) -> str | None:
    try:
        return _git(folder, *arguments).strip() or None
    except NoGitError:
        return None
