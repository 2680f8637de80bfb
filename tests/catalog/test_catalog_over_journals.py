"""Over real journals, one that reads statistics tells what one that reads every point tells."""

from __future__ import annotations

import dataclasses
import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from mendel.catalog.memory import MemoryCatalog
from mendel.catalog.sql.catalog import SqlCatalog
from mendel.journal.blocks import JournalBlocks
from mendel.journal.read import Journal
from mendel.journal.write import Writer
from mendel.testing.catalog_case import RUN

if TYPE_CHECKING:
    from pathlib import Path

    from mendel.graph.run import SeriesSummary


def _write(folder: Path, dice: random.Random, *, jumpy: bool) -> None:
    writers = [Writer(folder, run=RUN) for _ in range(3)]
    for writer in writers:
        for i in range(dice.randrange(1, 1500)):
            step = dice.choice([i, i, i // 7, dice.randrange(50)] if jumpy else [i] * 20 + [i - 3])
            data: dict[str, Any] = dice.choice(
                [
                    {"a": dice.random()},
                    {"a": dice.choice([1.0, math.nan, math.inf]), "b": dice.randrange(9)},
                    {"c": dice.random() > 0.5},
                    {"b": 2**60 + i},
                ]
            )
            time = dice.choice([None, 1000.0 + dice.randrange(5)])
            writer.log(data, step=max(step, 0), time=time)
    if dice.random() < 0.5:
        writers.append(Writer(folder, run=RUN))
        before: dict[str, Any] = dict(Journal(folder).counts())
        writers[-1].fact("rewind", {"step": 20, "before": before})
    for writer in writers:
        writer.close()


def _said(summary: SeriesSummary) -> list[str]:
    """Return what a summary says; a mean may differ in its last digits, as sums of blocks do."""
    said = dataclasses.asdict(summary)
    mean = said["mean"]
    if isinstance(mean, float) and math.isfinite(mean):
        said["mean"] = f"{mean:.12g}"
    return [f"{name}={value!r}" for name, value in said.items()]


@pytest.mark.parametrize("seed", range(8))
def test_statistics_tell_what_the_points_tell(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    folder = tmp_path / "journal"
    folder.mkdir()
    _write(folder, dice, jumpy=bool(seed % 2))
    blocks = JournalBlocks(lambda _: folder)
    model, catalog = MemoryCatalog(blocks), SqlCatalog(tmp_path / "c.sqlite", blocks)
    digests = list(Journal(folder).digests({}))
    dice.shuffle(digests)
    for one in (model, catalog):
        one.ingest(digests)
    expected, told = (one.get_runs([RUN])[RUN].series for one in (model, catalog))
    assert {k: _said(s) for k, s in told.items()} == {k: _said(s) for k, s in expected.items()}
    for buckets in (None, 7):
        pairs = zip(
            model.series([RUN], buckets=buckets),
            catalog.series([RUN], buckets=buckets),
            strict=True,
        )
        for a, b in pairs:
            assert (a.key, a.total) == (b.key, b.total)
            for name in ("steps", "times", "values"):
                assert repr(getattr(a, name).tolist()) == repr(getattr(b, name).tolist())
    catalog.close()
