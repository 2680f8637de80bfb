"""Runs scripts as a user would: each in a process and a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import mendel
from mendel.track.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mendel.graph.run import RunRecord

SOURCE = str(Path(mendel.__file__).parents[1])


def environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without Mendel's variables, but for those given."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MENDEL_", "AIP_", "SLURM"))}
    return {**kept, "PYTHONPATH": SOURCE, "MENDEL_QUIET": "1", "MENDEL_CAPTURE": "none"} | dict(
        env or {}
    )


def start_script(
    folder: Path,
    text: str,
    *args: str,
    env: Mapping[str, str] | None = None,
    python: tuple[str, ...] = (),
) -> subprocess.Popen[str]:
    """Start a script in a folder; its output is piped."""
    script = folder / "script.py"
    wanted = textwrap.dedent(text)
    if not script.exists() or script.read_text(encoding="utf-8") != wanted:
        script.write_text(wanted, encoding="utf-8")  # once, or many that start at once read half
    return subprocess.Popen(
        [sys.executable, *python, str(script), *args],
        cwd=folder,
        env=environment(env),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run_script(
    folder: Path,
    text: str,
    *args: str,
    env: Mapping[str, str] | None = None,
    python: tuple[str, ...] = (),
    expect: int | None = 0,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder to its end; ``expect`` is its exit status (None: any)."""
    with start_script(folder, text, *args, env=env, python=python) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"the script hangs:\n{out}\n{err}") from None
    assert expect is None or process.returncode == expect, f"{process.returncode}\n{out}\n{err}"
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def records(folder: Path) -> list[RunRecord]:
    """Return all runs of the store in a folder, oldest first."""
    store = Store.open(folder, create=False)
    try:
        return records_of(store)
    finally:
        store.close()


def records_of(store: Store) -> list[RunRecord]:
    """Return all runs of a store, oldest first."""
    from mendel.catalog.contract import RunQuery

    store.refresh()
    ids = store.catalog.find_runs(RunQuery(deleted=None, limit=None)).ids
    return sorted(store.catalog.get_runs(ids).values(), key=lambda run: (run.created, run.id))


def the_record(folder: Path) -> RunRecord:
    """Return the only run of the store in a folder."""
    [record] = records(folder)
    return record
