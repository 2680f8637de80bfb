"""What is different in the code of two runs: the captured patches and sources, file by file.

A run keeps its commit, the patch of what was not committed, and small sources that git does not
know (or, outside git, the script and its modules). Two runs of one commit differ in exactly these
files.
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mendel.graph.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mendel.graph.run import RunRecord
    from mendel.graph.values import Missing, Value

MAX_LINES = 20_000  # of a file that is compared line by line: the method is quadratic at worst
_ARCHIVES = ("untracked.zip", "source.zip")


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file whose uncommitted state differs between the baseline and a run.

    ``change`` is one of ``only in baseline``, ``only here``, ``different``; ``diff`` is a unified
    diff. For a file that git knows, what is compared are the two patches against the commit.
    """

    path: str
    change: str
    diff: str


@dataclass(frozen=True)
class Code:
    """The code of one run. ``files`` maps a path to its part of the patch, or to its content."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    @cached_property
    def files(self) -> dict[str, str]:
        """What is not committed, read from the run's folder when first asked for."""
        found: dict[str, str] = {}
        if self.folder is None:
            return found
        patch = self.folder / "diff.patch"
        if patch.is_file():
            found.update(patched_files(patch.read_bytes().decode("utf-8", "surrogateescape")))
        for archive in _ARCHIVES:
            found.update(_archived(self.folder / archive))
        return found

    @cached_property
    def digest(self) -> str | Missing:
        """A short name of what is not committed: equal for equal files, missing for none."""
        if not self.files:
            return MISSING
        whole = hashlib.sha256()
        for path, text in sorted(self.files.items()):
            for part in (path, text):
                data = part.encode("utf-8", "surrogateescape")
                whole.update(len(data).to_bytes(8, "big") + data)
        n = len(self.files)
        return f"{n} file{'' if n == 1 else 's'}, {whole.hexdigest()[:10]}"


def code_of(record: RunRecord, folder: Path) -> Code:
    """Return the code of a run; ``folder`` is the run's own."""
    capture = record.capture
    code = _dict(capture.get("code"))
    git = _dict(capture.get("git")) or _dict(code.get("git"))
    command = _dict(capture.get("command"))
    facts: dict[str, Value | Missing] = {
        f"git.{name}": git.get(name, MISSING) for name in ("commit", "branch", "remote")
    }
    facts["script"] = code.get("script", command.get("script", MISSING))
    facts["arguments"] = command.get("arguments", MISSING)
    return Code(record.name, facts, folder / "files" / "code")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def patched_files(patch: str) -> Iterator[tuple[str, str]]:
    """Yield the files of a patch that ``git diff`` made, each with its part of the patch."""
    lines = [f"{line}\n" for line in patch.removesuffix("\n").split("\n")]
    starts = [i for i, line in enumerate(lines) if line.startswith("diff --git ")]
    for begin, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        part = lines[begin:end]
        # The index line tells the blobs' ids, which say nothing that the lines do not.
        yield _path(part), "".join(line for line in part if not line.startswith("index "))


def _path(part: list[str]) -> str:
    for line in part:
        if line.startswith("@@"):
            break
        if line.startswith(("+++ b/", "--- a/", "rename to ")) and "/dev/null" not in line:
            path = line.rstrip("\n").removeprefix("rename to ")
            return path.removeprefix("+++ b/").removeprefix("--- a/").rstrip("\t")
    return part[0].rstrip("\n").rpartition(" b/")[2]


def _archived(place: Path) -> Iterator[tuple[str, str]]:
    import zipfile

    if not place.is_file():
        return
    try:
        with zipfile.ZipFile(place) as archive:
            for name in archive.namelist():
                yield name, archive.read(name).decode("utf-8", "surrogateescape")
    except (zipfile.BadZipFile, OSError) as error:
        yield f"{place.name} (damaged)", f"{type(error).__name__}: {error}\n"


def file_changes(before: Code, after: Code) -> list[FileChange]:
    """Return the files whose uncommitted state is not the same, by path."""
    out = []
    for path in sorted(before.files.keys() | after.files.keys()):
        old, new = before.files.get(path), after.files.get(path)
        if old == new:
            continue
        change = "different"
        if old is None or new is None:
            change = "only here" if old is None else "only in baseline"
        text = unified(old or "", new or "", f"{before.name}: {path}", f"{after.name}: {path}")
        out.append(FileChange(path, change, text))
    return out


def unified(before: str, after: str, name_before: str, name_after: str) -> str:
    """Return the unified diff of two texts; where they are too long for one, that is said."""
    # Not splitlines: a carriage return or a missing last newline is a difference too.
    old, new = before.split("\n"), after.split("\n")
    if max(len(old), len(new)) > MAX_LINES:
        return (
            f"--- {name_before}\n+++ {name_after}\n"
            f"(different; {len(old):,} and {len(new):,} lines are too many to compare here)\n"
        )
    lines = difflib.unified_diff(old, new, name_before, name_after, lineterm="")
    text = "".join(f"{line}\n" for line in lines)
    return text.encode("utf-8", "replace").decode()
