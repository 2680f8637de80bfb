"""What a run is, as the catalog tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mendel.graph.state import Goal, RunState

if TYPE_CHECKING:
    from mendel.graph.values import Value

__all__ = [
    "ExperimentRecord",
    "Goal",
    "MetricDefinition",
    "Rewind",
    "RunRecord",
    "RunState",
    "SeriesSummary",
]


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """What is known of one series without reading its points. Steps are training steps.

    ``count`` includes NaN points; ``min``, ``max`` and ``mean`` are over the others (None where
    all are NaN).
    ``first`` and ``last`` are by step (the later logged of two with one step); ``last_time`` is
    when ``last`` was logged, in seconds since 1970. Numbers are ints where ``integral``, bools
    where ``boolean``.
    """

    count: int
    nan_count: int
    first: float
    first_step: int
    last: float
    last_step: int
    min: float | None
    min_step: int | None
    max: float | None
    max_step: int | None
    mean: float | None
    last_time: float
    integral: bool = False  # every point was logged as an int
    boolean: bool = False  # every point was logged as a bool


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """What `define_metric` said of a metric: its goal and the metric that is its x axis."""

    name: str
    goal: Goal | None = None
    step_metric: str | None = None


@dataclass(frozen=True, slots=True)
class Rewind:
    """Points with a step above ``step`` are hidden in the writers named, up to an ordinal."""

    step: int
    before: dict[str, int]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run, whole: what it wrote down and what people decided. Times: seconds since 1970."""

    id: str
    name: str
    experiment_id: str
    experiment: str
    state: RunState
    created: float
    started: float | None = None
    ended: float | None = None
    updated: float | None = None
    user: str | None = None
    host: str | None = None
    parent: str | None = None  # id of the parent run
    group: str | None = None
    job_type: str | None = None
    params: dict[str, Value] = field(default_factory=dict)  # nested as logged
    metrics: dict[str, Value] = field(default_factory=dict)  # log_metrics and run.summary
    series: dict[str, SeriesSummary] = field(default_factory=dict)
    tags: dict[str, Value] = field(default_factory=dict)
    definitions: dict[str, MetricDefinition] = field(default_factory=dict)
    rewinds: tuple[Rewind, ...] = ()
    capture: dict[str, Value] = field(
        default_factory=dict
    )  # git, command, environment, hardware, …
    note: str | None = None  # Markdown, by people
    pinned: bool = False
    archived: bool = False
    deleted: float | None = None  # when it was put in the trash
    end: dict[str, Value] = field(
        default_factory=dict
    )  # reason, traceback, exit_code, signal of the last state
    alerts: tuple[dict[str, Value], ...] = ()
    lost_points: int = 0  # points that the disk could not take
    damage: tuple[str, ...] = ()  # places in its journals that could not be read

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None while it runs."""
        if self.started is None or self.ended is None:
            return None
        return self.ended - self.started


@dataclass(frozen=True, slots=True)
class ExperimentRecord:
    """An experiment: a named set of runs. A name may be a path: ``team/churn/gbdt``."""

    id: str
    name: str
    created: float
    description: str | None = None
    updated: float | None = None
    run_count: int = 0
    last_activity: float | None = None
    deleted: float | None = None
