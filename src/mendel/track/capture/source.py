"""Small source files in a zip: the untracked ones of a repository, or a script's own."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from mendel.track.capture.command import main_script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mendel.graph.values import Value

FILE_BYTES = 1 << 20  # a larger file is named, not kept
TOTAL_BYTES = 16 << 20
SUFFIXES = frozenset({
    ".bash", ".c", ".cc", ".cfg", ".conf", ".cpp", ".cu", ".cuh", ".cxx", ".go", ".h", ".hpp",
    ".ini", ".ipynb", ".java", ".jl", ".js", ".json", ".jsonnet", ".lua", ".m", ".md", ".pbtxt",
    ".proto", ".py", ".pyi", ".pyx", ".r", ".rs", ".rst", ".scala", ".sh", ".sql", ".toml", ".ts",
    ".txt", ".yaml", ".yml",
})  # fmt: skip
NAMES = frozenset({"Makefile", "Dockerfile", "Justfile", "Snakefile", "environment.yml"})
_MOMENT = (1980, 1, 1, 0, 0, 0)  # one time for all, so that the same sources make the same bytes


class Archive:
    """A zip of small source files; what is left out is counted and named, never silently.

    A file is kept when its name is a source's (`SUFFIXES`, `NAMES`), it has at most `FILE_BYTES`,
    and all together have at most `TOTAL_BYTES`. Hidden files (``.env`` …) are never kept: they may
    hold secrets.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.kept: dict[str, bytes] = {}
        self.left_out: list[str] = []
        self.total = 0

    def add(self, root: Path, paths: Iterable[Path]) -> None:
        """Take in files below a root, under their names relative to it."""
        for path in paths:
            name = path.relative_to(root).as_posix()
            data = self._read(path, name)
            if data is None:
                self.left_out.append(name)
            else:
                self.kept[name] = data
                self.total += len(data)

    def _read(self, path: Path, name: str) -> bytes | None:
        hidden = any(part.startswith(".") for part in Path(name).parts)
        if hidden or (path.suffix.lower() not in SUFFIXES and path.name not in NAMES):
            return None
        try:
            size = path.stat().st_size
            if path.is_symlink() or size > FILE_BYTES or self.total + size > TOTAL_BYTES:
                return None
            return path.read_bytes()
        except OSError:
            return None

    def close(self) -> dict[str, Value]:
        """Write the zip, if there is anything to keep, and tell what it holds and lacks."""
        found: dict[str, Value] = {"files": len(self.kept), "bytes": self.total}
        if self.left_out:
            found["left_out"] = list(sorted(self.left_out)[:100])
            found["left_out_count"] = len(self.left_out)
        if self.kept:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(self.place, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, data in sorted(self.kept.items()):
                    archive.writestr(zipfile.ZipInfo(name, _MOMENT), data, zipfile.ZIP_DEFLATED)
            found["path"] = f"code/{self.place.name}"
        return found


def snapshot(files: Path) -> dict[str, Value] | None:
    """Save the running script and the modules it imported from beside it: code outside git.

    Returns None where there is no script (an interactive session).
    """
    script = main_script()
    if script is None or not script.exists():
        return None
    root = script.parent
    archive = Archive(files / "code" / "source.zip")
    archive.add(root, sorted({script, *own_modules(root)}))
    return {**archive.close(), "root": str(root), "script": script.name}


def own_modules(root: Path) -> set[Path]:
    """Return the files of imported modules that lie below a folder and were not installed there."""
    found = set()
    prefix = f"{root}{os.sep}"
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if isinstance(name, str) and name.startswith(prefix) and "site-packages" not in name:
            found.add(Path(name))
    return found
