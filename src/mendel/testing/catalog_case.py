"""What a test of a catalog starts from: an empty catalog, journals on paper, a ledger in a list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import pytest

from mendel.catalog.contract import Decision
from mendel.testing.catalog_journals import PaperJournals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mendel.catalog.contract import Blocks, Catalog, Ledger
    from mendel.graph.run import RunRecord
    from mendel.graph.values import Value
    from mendel.testing.catalog_journals import PaperWriter

RUN, OTHER = "01HZZZZZZZZZZZZZZZZZZZZZZA", "01HZZZZZZZZZZZZZZZZZZZZZZB"


class PaperLedger:
    """Keeps decisions in a list; ``broken`` makes it fail, as a full disk would."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.broken: Exception | None = None

    def append(self, decisions: Sequence[Decision]) -> None:
        """Keep decisions."""
        if self.broken is not None:
            raise self.broken
        self.decisions += decisions


class CatalogCase(ABC):
    """Inherit it and make your catalog."""

    @abstractmethod
    def make(self, folder: Path, blocks: Blocks, ledger: Ledger) -> Catalog:
        """Return the catalog in a folder: an empty one in an empty folder, else what is there."""

    @pytest.fixture
    def journals(self) -> PaperJournals:
        return PaperJournals()

    @pytest.fixture
    def ledger(self) -> PaperLedger:
        return PaperLedger()

    @pytest.fixture
    def catalog(
        self, tmp_path: Path, journals: PaperJournals, ledger: PaperLedger
    ) -> Iterator[Catalog]:
        catalog = self.make(tmp_path, journals, ledger)
        yield catalog
        catalog.close()


def begin(
    journals: PaperJournals,
    run: str = RUN,
    writer: str = "w1",
    *,
    name: str = "first",
    experiment: str = "churn",
    time: float = 1.0,
    params: Mapping[str, Value] | None = None,
) -> PaperWriter:
    """Return a writer that began a run: its ``run`` fact, RUNNING, and params."""
    body: dict[str, Any] = {
        "id": run,
        "name": name,
        "experiment": {"id": f"id-of-{experiment}", "name": experiment},
        "created": time,
    }
    pen = journals.writer(run, writer).fact("run", body, time)
    pen.fact("state", {"state": "RUNNING"}, time)
    if params:
        pen.fact("params", {"set": dict(params)}, time)
    return pen


def take(catalog: Catalog, *writers: PaperWriter) -> None:
    """Let a catalog take in all that is new of some writers' journals."""
    known = {w: p for own in catalog.positions().values() for w, p in own.items()}
    catalog.ingest(
        [w.digest(known[w.info.id]) if w.info.id in known else w.digest() for w in writers]
    )


def told(catalog: Catalog, run: str = RUN) -> RunRecord:
    """Return what a catalog tells of a run that is there."""
    return catalog.get_runs([run])[run]


_made = [0]


def decision(what: str, target: str = RUN, *, time: float = 5.0, **body: Any) -> Decision:
    """Return a new decision."""
    _made[0] += 1
    return Decision(f"decision-{_made[0]:05}", what, target, body, time, "somebody")
