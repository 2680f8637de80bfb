"""What a run's facts and points come to, worked out anew each time: the model of every catalog.

Nothing here is clever. All facts of a run are put in order and told one after the other; all points
of a run are read, put in order, and looked at. That is what makes it the measure of faster ways.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mendel.catalog.contract import Series, SeriesValue
from mendel.catalog.facts import KEPT, RUN_TEXTS, Stamp
from mendel.graph import clock
from mendel.graph.run import Goal, MetricDefinition, Rewind, RunState, SeriesSummary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from mendel.catalog.contract import Blocks
    from mendel.graph.digest import Block, BlockKey, Fact, Position, WriterInfo
    from mendel.graph.values import Value

MAX_BUCKET_SHARE = 4  # a series of up to so many points a bucket is not downsampled


@dataclass(slots=True)
class Writer:
    """How far one writer's journal was taken in."""

    info: WriterInfo
    position: Position
    closed: bool = False
    last_time: float | None = None


@dataclass(slots=True)
class Run:
    """All that was taken in of one run, or of the ledger."""

    id: str
    writers: dict[str, Writer] = field(default_factory=dict)
    facts: list[tuple[Stamp, Fact]] = field(default_factory=list)
    blocks: dict[BlockKey, Block] = field(default_factory=dict)
    damage: set[str] = field(default_factory=set)
    observed: tuple[Stamp | None, RunState] | None = None  # the state it was found instead of
    changed: int = 0

    def ordered(self, *kinds: str) -> list[tuple[Stamp, Fact]]:
        """Return the facts of some kinds by (time, writer, ordinal)."""
        return sorted((f for f in self.facts if f[1].kind in kinds), key=lambda f: f[0])

    def last_seen(self) -> float | None:
        """Return when the newest record was written."""
        times = [w.last_time for w in self.writers.values() if w.last_time is not None]
        return max(times, default=None)


@dataclass(slots=True)
class Told:
    """What the facts of a run come to, people's decisions aside."""

    name: str
    created: float
    experiment: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    drawers: dict[str, dict[str, Value]] = field(
        default_factory=lambda: {"params": {}, "metrics": {}, "tags": {}, "capture": {}}
    )
    definitions: dict[str, MetricDefinition] = field(default_factory=dict)
    state: RunState = RunState.NEW
    said: Stamp | None = None  # when it said its state
    started: float | None = None
    end: dict[str, Value] = field(default_factory=dict)
    rewinds: list[Rewind] = field(default_factory=list)
    lost_points: int = 0


def tell(run: Run) -> Told:
    """Return what the facts of a run come to."""
    told = Told(run.id, clock.id_time(run.id) if clock.is_id(run.id) else 0.0)
    births = [f.body["created"] for _, f in run.ordered("run")]
    if births:
        told.created = min(births)  # type: ignore[type-var,assignment]
    for stamp, fact in sorted(run.facts, key=lambda f: f[0]):
        _tell_one(told, stamp, fact)
    said_running = [s.time for s, f in run.ordered("state") if f.body["state"] == RunState.RUNNING]
    told.started = min(said_running, default=None)
    return told


def _tell_one(told: Told, stamp: Stamp, fact: Fact) -> None:
    body: dict[str, Any] = fact.body
    match fact.kind:
        case "run":
            told.name, told.experiment = body["name"], body["experiment"]["id"]
            told.texts |= {k: body[k] for k in RUN_TEXTS if body.get(k) is not None}
        case "state":
            told.state, told.said = RunState(body["state"]), stamp
            told.end = {k: v for k, v in body.items() if k != "state" and v is not None}
        case "params" | "metrics" | "capture":
            told.drawers[fact.kind] |= body["set"]
        case "tags":
            told.drawers["tags"] |= body.get("set") or {}
            for key in body.get("remove") or []:
                told.drawers["tags"].pop(key, None)
        case "define_metric":
            _define(told.definitions, body)
        case "rewind":
            told.rewinds.append(Rewind(body["step"], dict(body["before"])))
        case "lost_points":
            told.lost_points += body["count"]


def _define(definitions: dict[str, MetricDefinition], body: dict[str, Any]) -> None:
    name = body["name"]
    known = definitions.get(name, MetricDefinition(name))
    goal = known.goal if body.get("goal") is None else Goal(body["goal"])
    step_metric = known.step_metric if body.get("step_metric") is None else body["step_metric"]
    definitions[name] = MetricDefinition(name, goal, step_metric)


def state_of(run: Run, told: Told) -> RunState:
    """Return where a run stands: by its own word, unless it was found dead since."""
    if run.observed is not None and run.observed[0] == told.said:
        return run.observed[1]
    return told.state


def kept(run: Run, kinds: Sequence[str]) -> list[dict[str, Value]]:
    """Return facts that are kept whole."""
    wanted = [kind for kind in kinds if kind in KEPT]
    return [
        {**fact.body, "kind": fact.kind, "time": stamp.time} for stamp, fact in run.ordered(*wanted)
    ]


# -- points ---------------------------------------------------------------------------------------


def is_hidden(rewinds: Sequence[Rewind], writer: str, ordinal: int, step: int) -> bool:
    """Tell whether a rewind hid a point."""
    return any(step > r.step and ordinal < r.before.get(writer, 0) for r in rewinds)


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a series; ``type`` as in `Block`."""

    step: int
    time: float
    writer: str
    ordinal: int
    value: float
    type: str


def points(run: Run, told: Told, blocks: Blocks) -> dict[str, list[Point]]:
    """Return all points of a run that no rewind hid, by key, in their order."""
    out: dict[str, list[Point]] = {}
    for block in run.blocks.values():
        for key, point in _points_of(block, blocks):
            if not is_hidden(told.rewinds, point.writer, point.ordinal, point.step):
                out.setdefault(key, []).append(point)
    for series in out.values():
        series.sort(key=lambda p: (p.step, p.time, p.writer, p.ordinal))
    return dict(sorted(out.items()))


def _points_of(block: Block, blocks: Blocks) -> Iterator[tuple[str, Point]]:
    read = blocks.read(block.key, block.keys, block.count, (block.start, block.end))
    for i in range(block.count):
        for key, letter in zip(block.keys, block.types, strict=True):
            yield (
                key,
                Point(
                    int(read.steps[i]),
                    float(read.times[i]),
                    block.key.writer,
                    int(read.ordinals[i]),
                    read.values[key][i].item(),
                    letter,
                ),
            )


def summary(series: Sequence[Point]) -> SeriesSummary:
    """Return what is known of a series that has points."""
    numbers = [p for p in series if not math.isnan(p.value)]
    low = min(numbers, key=lambda p: (p.value, p.step), default=None)
    high = min(numbers, key=lambda p: (-p.value, p.step), default=None)
    lowest_step = [p for p in series if p.step == series[0].step]
    first, last = lowest_step[-1], series[-1]
    types = {p.type for p in series}
    exact = {"q": int, "?": bool}.get(types.pop(), float) if len(types) == 1 else float
    return SeriesSummary(
        count=len(series),
        nan_count=len(series) - len(numbers),
        first=exact(first.value),
        first_step=first.step,
        last=exact(last.value),
        last_step=last.step,
        min=None if low is None else exact(low.value),
        min_step=None if low is None else low.step,
        max=None if high is None else exact(high.value),
        max_step=None if high is None else high.step,
        mean=mean([p.value for p in numbers]),
        last_time=last.time,
        integral=exact is int,
        boolean=exact is bool,
    )


def mean(values: Sequence[float]) -> float | None:
    """Return the mean of numbers that are not NaN; with ±Inf among them what arithmetic says."""
    if not values:
        return None
    infinite = {v for v in values if math.isinf(v)}
    if infinite:
        return sum(infinite)
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        return math.fsum(v / len(values) for v in values)


def series(
    run: str,
    key: str,
    all_points: Sequence[Point],
    buckets: int | None,
    steps: tuple[int | None, int | None],
) -> Series | None:
    """Return a series, of the points in a range of steps; None where there are none."""
    low, high = steps
    inside = [
        p for p in all_points if (low is None or p.step >= low) and (high is None or p.step <= high)
    ]
    if not inside:
        return None
    total = len(inside)
    if buckets is not None and total > MAX_BUCKET_SHARE * buckets:
        arrays = _arrays(_thin(inside, buckets), all_points)
        return Series(run, key, *arrays, total, buckets)
    return Series(run, key, *_arrays(inside, all_points), total)


def _thin(inside: Sequence[Point], buckets: int) -> list[Point]:
    """Return of each bucket the first, minimum, maximum and last point, and one NaN."""
    start, stop = inside[0].step, inside[-1].step + 1
    chosen: list[Point] = []
    members: dict[int, list[Point]] = {}
    for point in inside:
        members.setdefault((point.step - start) * buckets // (stop - start), []).append(point)
    for bucket in sorted(members):
        numbers = [p for p in members[bucket] if not math.isnan(p.value)]
        nans = [p for p in members[bucket] if math.isnan(p.value)]
        ends = [members[bucket][0], members[bucket][-1]]
        extremes = [min(numbers, key=_value), max(numbers, key=_value)] if numbers else []
        wanted = {id(p) for p in (*ends, *extremes, *nans[:1])}
        chosen += [p for p in members[bucket] if id(p) in wanted]
    return chosen


def _value(point: Point) -> float:
    return point.value


def _arrays(
    chosen: Sequence[Point], all_points: Sequence[Point]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return steps, times and values."""
    import numpy as np

    types = {p.type for p in all_points}
    kind: type[np.generic] = np.float64
    if types == {"q"}:
        kind = np.int64
    elif types == {"?"}:
        kind = np.bool_
    return (
        np.array([p.step for p in chosen], np.int64),
        np.array([p.time for p in chosen], np.float64),
        np.array([p.value for p in chosen], kind),
    )


def series_values(run: Run, told: Told, keys: Sequence[str] | None) -> list[SeriesValue]:
    """Return the values that are no numbers."""
    found: list[tuple[tuple[int, Stamp, str], SeriesValue]] = []
    for stamp, fact in run.ordered("values"):
        body: dict[str, Any] = fact.body
        if is_hidden(told.rewinds, stamp.writer, stamp.ordinal, body["step"]):
            continue
        for key, value in body["set"].items():
            if keys is None or key in keys:
                where = (body["step"], stamp, key)
                found.append((where, SeriesValue(key, body["step"], stamp.time, value)))
    return [value for _, value in sorted(found, key=lambda pair: pair[0])]
