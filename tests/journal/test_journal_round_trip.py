"""What is logged is what is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.graph.digest import Position
from mendel.journal.read import Journal, JournalBlocks
from mendel.journal.write import Writer

if TYPE_CHECKING:
    from pathlib import Path

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def test_points_and_facts_come_back_as_they_went_in(tmp_path: Path) -> None:
    writer = Writer(tmp_path, run=RUN)
    writer.fact("params", {"set": {"lr": 0.1}})
    for step in range(10_000):
        writer.log({"loss": step / 2}, step=step)
    writer.log({"loss": 1, "note": "end"}, step=10_000)
    writer.close()
    digest = Journal(tmp_path).digest(writer.id)
    assert digest.closed
    assert digest.damage == ()
    assert [fact.kind for fact in digest.facts] == ["params", "values"]
    assert [(b.count, b.types, b.regular_step) for b in digest.blocks][-1] == (1, "q", None)
    assert sum(b.count for b in digest.blocks) == 10_001
    assert digest.end.ordinal == 10_003
    blocks = JournalBlocks(lambda _: tmp_path)
    steps: list[int] = []
    for block in digest.blocks:
        points = blocks.read(block.key, ["loss"], block.count, (block.start, block.end))
        steps += points.steps.tolist()
        assert points.values["loss"].tolist()[0] == block.stats[0].first
    assert steps == list(range(10_001))


def test_a_live_journal_is_read_piece_by_piece(tmp_path: Path) -> None:
    writer = Writer(tmp_path, run=RUN)
    journal = Journal(tmp_path)
    position = Position()
    for part in range(5):
        writer.log({"loss": 0.5}, step=part)
        writer.fact("heartbeat", {})
        [digest] = journal.digests({writer.id: position})
        assert [fact.kind for fact in digest.facts] == ["heartbeat"]
        assert [block.count for block in digest.blocks] == [part + 1]
        position = digest.end
        assert list(journal.digests({writer.id: position})) == []
