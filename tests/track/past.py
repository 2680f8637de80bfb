"""A past made by hand: runs that tests want to read, in a catalog in memory, without a disk."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mendel.catalog.contract import Catalog, RunQuery
from mendel.catalog.memory import MemoryCatalog
from mendel.graph.clock import new_id
from mendel.graph.digest import (
    START,
    Block,
    BlockKey,
    BlockPoints,
    Digest,
    Fact,
    KeyStats,
    Position,
    WriterInfo,
)
from mendel.graph.errors import NotFoundError
from mendel.track.runs import Runs, Search

BEGIN = 1_700_000_000.0

Points = Sequence[tuple[int, float, Any]]  # step, time, value


class ArrayBlocks:
    """The port to the points, over arrays."""

    def __init__(self) -> None:
        self.kept: dict[BlockKey, BlockPoints] = {}

    def read(
        self, block: BlockKey, keys: Sequence[str], count: int, span: tuple[int, int]
    ) -> BlockPoints:
        del span
        whole = self.kept[block]
        return BlockPoints(
            whole.ordinals[:count],
            whole.steps[:count],
            whole.times[:count],
            {key: whole.values[key][:count] for key in keys},
        )


@dataclass
class Writer:
    """One run's only writer: makes digests of what it is told."""

    info: WriterInfo
    blocks: ArrayBlocks
    position: Position = START
    facts: list[Fact] = field(default_factory=list)
    told: list[Block] = field(default_factory=list)
    ordinal: int = 0
    shapes: int = 0

    def fact(self, kind: str, body: dict[str, Any], time: float = BEGIN) -> None:
        self.facts.append(Fact(self.ordinal, time, kind, body))
        self.ordinal += 1

    def series(self, key: str, points: Points) -> None:
        values = [value for _, _, value in points]
        kinds = set(map(type, values))
        letter, number = {bool: ("?", np.bool_), int: ("q", np.int64)}.get(
            kinds.pop() if len(kinds) == 1 else float, ("d", np.float64)
        )
        steps = np.array([p[0] for p in points], dtype=np.int64)
        times = np.array([p[1] for p in points], dtype=np.float64)
        array: np.ndarray[Any, Any] = np.array(values, dtype=number)
        assert self.info.run is not None
        self.shapes += 1
        place = BlockKey(self.info.run, self.info.id, 0, self.shapes, 0)
        ordinals = np.arange(self.ordinal, self.ordinal + len(points), dtype=np.int64)
        self.blocks.kept[place] = BlockPoints(ordinals, steps, times, {key: array})
        order = np.lexsort((ordinals, times, steps))
        firsts = np.flatnonzero(steps[order] == steps[order[0]])
        low, high = order[firsts[-1]], order[-1]
        number_of = array.astype(np.float64)
        nan = np.isnan(number_of)
        least = int(np.nanargmin(number_of)) if not nan.all() else 0
        most = int(np.nanargmax(number_of)) if not nan.all() else 0
        stats = KeyStats(
            nan_count=int(nan.sum()),
            first=float(number_of[low]),
            last=float(number_of[high]),
            min=float(number_of[least]),
            min_step=int(steps[least]),
            max=float(number_of[most]),
            max_step=int(steps[most]),
            total=float(number_of[np.isfinite(number_of)].sum()),
        )
        self.told.append(
            Block(
                key=place,
                keys=(key,),
                types=letter,
                count=len(points),
                first_ordinal=int(ordinals[0]),
                last_ordinal=int(ordinals[-1]),
                first_step=int(steps[0]),
                last_step=int(steps[-1]),
                min_step=int(steps.min()),
                max_step=int(steps.max()),
                regular_step=None,
                first_time=float(times[0]),
                last_time=float(times[-1]),
                start=0,
                end=0,
                stats=(stats,),
                low=(int(ordinals[low]), float(times[low])),
                high=(int(ordinals[high]), float(times[high])),
            )
        )
        self.ordinal += len(points)

    def digest(self, damage: tuple[str, ...] = ()) -> Digest:
        end = Position(0, self.ordinal * 8, self.ordinal)
        out = Digest(
            self.info.run,
            self.info,
            self.position,
            end,
            tuple(self.facts),
            tuple(self.told),
            damage,
        )
        self.position = end
        self.facts.clear()
        self.told.clear()
        return out


class Past:
    """A place to read from, and the way to put runs into it."""

    def __init__(
        self, folder: Path, catalog: Callable[[ArrayBlocks], Catalog] = MemoryCatalog
    ) -> None:
        self.folder = folder
        self.blocks = ArrayBlocks()
        self.catalog: Catalog = catalog(self.blocks)
        self.pending: list[Digest] = []  # what running processes wrote and no one took in
        self.refreshed = 0
        self._experiments: dict[str, str] = {}
        self._writers: dict[str, Writer] = {}

    # -- a Source --

    def refresh(self, runs: Sequence[str] | None = None) -> None:
        del runs
        self.refreshed += 1
        taken, self.pending = self.pending, []
        self.catalog.ingest(taken)

    def resolve_run(self, text: str) -> str:
        for wanted in (f"id = '{text}'", f"name = '{text}'"):
            found = self.catalog.find_runs(RunQuery(wanted, limit=1)).ids
            if found:
                return found[0]
        raise NotFoundError(f"no run {text!r}")

    def run_folder(self, run_id: str) -> Path:
        return self.folder / run_id

    # -- putting runs into it --

    @property
    def runs(self) -> Runs:
        return Runs(Search(), self)

    def run(
        self,
        name: str,
        *,
        experiment: str = "trial",
        state: str | None = "COMPLETE",
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        series: Mapping[str, Sequence[Any] | Points] | None = None,
        tags: Mapping[str, Any] | None = None,
        capture: Mapping[str, Any] | None = None,
        goals: Mapping[str, str] | None = None,
        facts: Sequence[tuple[str, dict[str, Any]]] = (),
        damage: tuple[str, ...] = (),
    ) -> str:
        """Make a run and take it in; a series is a list of values (steps from 1) or of points."""
        run = new_id()
        of = self._experiments.setdefault(experiment, new_id())
        info = WriterInfo(new_id(), run, "here", 1, None, None, BEGIN)
        writer = self._writers[run] = Writer(info, self.blocks)
        body = {"id": run, "name": name, "experiment": {"id": of, "name": experiment}}
        writer.fact("run", body | {"created": BEGIN + len(self._writers)})
        writer.fact("state", {"state": "RUNNING"})
        for kind, said in (("params", params), ("metrics", metrics), ("tags", tags)):
            if said is not None:
                writer.fact(kind, {"set": dict(said)})
        if capture is not None:
            writer.fact("capture", {"set": dict(capture)})
        for metric, goal in (goals or {}).items():
            writer.fact("define_metric", {"name": metric, "goal": goal})
        for kind, body in facts:
            writer.fact(kind, body)
        for key, values in (series or {}).items():
            writer.series(key, with_steps(values))
        if state not in {None, "RUNNING"}:
            writer.fact("state", {"state": state}, BEGIN + 60)
        self.catalog.ingest([writer.digest(damage)])
        return run

    def more(self, run: str, key: str, points: Points) -> None:
        """Let a running run write on, unseen until somebody refreshes."""
        writer = self._writers[run]
        writer.series(f"{key}", points)
        self.pending.append(writer.digest())


def with_steps(values: Sequence[Any]) -> Points:
    return [v if isinstance(v, tuple) else (i, BEGIN + i, v) for i, v in enumerate(values, start=1)]
