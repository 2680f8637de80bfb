"""Makes the golden files anew; only for a new format, for old ones must be readable for ever."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path

from mendel.journal.seal import seal
from mendel.journal.write import Writer

FOLDER = Path(__file__).parent
READER = FOLDER.parents[2] / "docs" / "reference" / "read_journal.py"


def main() -> None:
    """Write a journal of two segments with every kind of record, and seal them."""
    raw, sealed = FOLDER / "raw", FOLDER / "sealed-single"
    writer = Writer(raw, run="01ARZ3NDEKTSV4RRFFQ69G5FAV", rank=0)
    start = 1795415627.0
    writer.fact("run", {"name": "käfer", "experiment": {"name": "golden"}}, time=start)
    writer.fact("params", {"set": {"lr": 1e-3, "layers": [64, 32], "seed": 2**80}}, time=start)
    for step in range(40):
        writer.log({"loss": 1 / (step + 1)}, step, time=start + step / 8)
        if step % 10 == 9:
            values = {"val/loss": 0.5, "correct": step * 3, "best": step == 39}
            writer.log(values, step, time=start + step / 8)
    for value in (math.inf, -math.inf, math.nan, -0.0, 5e-324):
        writer.log({"loss": value}, 40, time=start + 6)
    writer.log({"loss": 2**63 - 1, "note": "late ✓", "nothing": None}, -1, time=start + 7)
    writer._roll(writer._seg, 64)
    for step in range(41, 43):
        writer.log({"loss": 0.25}, step, time=start + step)
    writer.fact("state", {"state": "COMPLETE"}, time=start + 50)
    writer.close()
    command = [sys.executable, str(READER), *map(str, sorted(raw.glob("*.mdj")))]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (FOLDER / "expected.jsonl").write_text(lines)
    for path in raw.glob("*.mdj"):
        shutil.copy(path, sealed)
    seal(sealed)


if __name__ == "__main__":
    main()
