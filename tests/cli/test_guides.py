"""The guides of the command line run as they stand; the page of the export names every column."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from front import good, working

from mendel.track.moving.tables import TABLES
from scripts import environment, run_script

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run_line(line: str, folder: Path, path: Path) -> None:
    """Run a line of a shell: plain calls of the program in this process, for speed."""
    if line.startswith("mendel ") and not set("|>") & set(re.sub(r'"[^"]*"', "", line)):
        good(*shlex.split(line)[1:])
        return
    env = environment({"PATH": f"{path}:/usr/bin:/bin"})
    done = subprocess.run(["/bin/bash", "-o", "pipefail", "-c", line], cwd=folder, env=env,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stderr}"


@pytest.mark.parametrize("page", ["command-line", "keep-and-move"])
def test_a_guide_runs_as_it_stands(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "mendel"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m mendel "$@"\n')
    program.chmod(0o755)
    with working(tmp_path, monkeypatch):
        for kind, text in BLOCK.findall((DOCS / "guides" / f"{page}.md").read_text("utf-8")):
            if kind == "python":
                run_script(tmp_path, text)
                continue
            for line in text.splitlines():
                assert line.startswith("$ ")
                run_line(line[2:], tmp_path, program.parent)


def test_every_column_of_an_export_is_described() -> None:
    page = (DOCS / "reference" / "export.md").read_text("utf-8")
    for table, columns in TABLES.items():
        [part] = re.findall(rf"^\*\*{table}\*\*: (.*?)(?=^\*\*|\Z)", page, re.MULTILINE | re.DOTALL)
        missing = [column for column in columns if f"`{column}`" not in part]
        assert not missing, f"{table} does not say {missing}"
