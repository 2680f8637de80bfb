"""Every benchmark runs, small and without peers; what it measures is never asserted here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROMISES = sorted(path.stem for path in (ROOT / "benchmarks" / "promises").glob("p*.py"))


def bench(*words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.story
@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_is_measured(promise: str, tmp_path: Path) -> None:
    bench(promise, "--quick", "--peers", "none", "--out", str(tmp_path))
    told = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    measures: list[dict[str, Any]] = told["promises"][promise]["measures"]
    assert measures
    for measure in measures:
        found = measure["samples"].get("mendel_") or measure["words"].get("mendel_")
        assert found, f"{measure['name']}: {told['promises'][promise]['remarks']}"
    page = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert told["promises"][promise]["title"] in page
    assert "The figures mean nothing" in page


def test_the_promises_are_listed() -> None:
    assert bench("--list").split() == PROMISES
