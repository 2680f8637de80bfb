"""A run to look at: what searches and comparisons hand out. It reads; it never writes.

`Source` is what reading needs of a store, so that everything here also works over a catalog in
memory.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from mendel.graph.errors import NotFoundError, WrongTypeError, did_you_mean
from mendel.graph.lineage import EventKind
from mendel.graph.query_run import metric_value
from mendel.graph.query_text import name_text
from mendel.graph.values import MISSING, Missing, flatten
from mendel.track import show
from mendel.track.series import RunSeries, history_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pandas as pd

    from mendel.catalog.contract import Catalog
    from mendel.graph.lineage import Node
    from mendel.graph.run import RunRecord, RunState
    from mendel.graph.values import Value

SHOWN_ROWS = 12
SYSTEM = "system/"  # series of the machine; a search finds them, tables show them when asked


class Source(Protocol):
    """Where runs are read: a store, or anything that has these."""

    @property
    def catalog(self) -> Catalog:
        """The index of the runs."""
        ...

    def refresh(self, runs: Sequence[str] | None = None) -> None:
        """Take in what running processes wrote since."""
        ...

    def resolve_run(self, text: str) -> str:
        """Return the id of a run from an id, an id's beginning, ``experiment/name`` or a name."""
        ...

    def run_folder(self, run_id: str) -> Path:
        """Return where a run's own files lie."""
        ...


def here() -> Source:
    """Return the store that this process works with."""
    from mendel.track.session import current_store

    return current_store()


def is_system(name: str) -> bool:
    """Tell whether a series (or its field) is of the machine and not of the experiment."""
    return name.removeprefix("metrics.").startswith(SYSTEM)


def metric_values(record: RunRecord) -> dict[str, Value]:
    """Return a run's metrics as searches see them; not those of the machine (``system/…``)."""
    keys = dict.fromkeys(k for k in record.series if not is_system(k))
    keys |= dict.fromkeys(key for key, _ in flatten(record.metrics))
    found = ((key, metric_value(record.metrics, record.series, key)) for key in sorted(keys))
    return {key: value for key, value in found if not isinstance(value, Missing)}


def moment(seconds: float | None) -> datetime | None:
    """Return a time of the record as a datetime in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def need_text(text: object, what: str) -> str:
    """Return a text, or raise WrongTypeError."""
    if not isinstance(text, str):
        raise WrongTypeError(f"{what} must be text, not {type(text).__name__} {text!r}.")
    return text


def field_name(text: object, what: str) -> str:
    """Return the full name of a field that a user wrote.

    Raises:
        QueryError: it cannot be read.
        WrongTypeError: it is no text.
    """
    from mendel.graph.query import parse_field

    return parse_field(need_text(text, what))


def columns(source: Source, ids: Sequence[str], fields: Iterable[str]) -> dict[str, Sequence[Any]]:
    """Return fields of runs by their full names, which are spelled for the catalog here."""
    names = list(fields)
    found = source.catalog.columns(ids, [name_text(name) for name in names])
    return {name: column.values for name, column in zip(names, found, strict=True)}


class RunView:
    """A run as the record tells it, at the moment it was read; `refresh` reads it again.

    Attributes:
        record: everything that is known of the run (`mendel.graph.run.RunRecord`).
    """

    __slots__ = ("_source", "record")

    def __init__(self, source: Source, record: RunRecord) -> None:
        self._source = source
        self.record = record

    @property
    def id(self) -> str:
        """The run's id: unique, for ever the same."""
        return self.record.id

    @property
    def name(self) -> str:
        """The name to show; several runs may share one."""
        return self.record.name

    @property
    def experiment(self) -> str:
        """The name of its experiment."""
        return self.record.experiment

    @property
    def state(self) -> RunState:
        """Where it stands: RUNNING, COMPLETE, FAILED, CANCELLED, LOST, …."""
        return self.record.state

    @property
    def params(self) -> dict[str, Value]:
        """Its params, nested and typed as logged."""
        return dict(self.record.params)

    @property
    def metrics(self) -> dict[str, Value]:
        """Its metrics as searches see them: as `log_metrics` set them, else a series' last."""
        return metric_values(self.record)

    @property
    def tags(self) -> dict[str, Value]:
        """Its tags."""
        return dict(self.record.tags)

    @property
    def note(self) -> str | None:
        """What people wrote about it (Markdown)."""
        return self.record.note

    @property
    def started(self) -> datetime | None:
        """When it began, in UTC."""
        return moment(self.record.started)

    @property
    def ended(self) -> datetime | None:
        """When it ended, in UTC; None while it runs."""
        return moment(self.record.ended)

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None while it runs."""
        return self.record.duration

    @property
    def series_keys(self) -> tuple[str, ...]:
        """The names of its series, sorted."""
        return tuple(sorted(self.record.series))

    def refresh(self) -> RunView:
        """Read the run again, with what it wrote meanwhile; returns itself."""
        self._source.refresh([self.id])
        found = self._source.catalog.get_runs([self.id])
        if self.id not in found:
            raise NotFoundError(f"run {self.name!r} ({self.id}) is no longer in the store.")
        self.record = found[self.id]
        return self

    def series(
        self,
        key: str,
        *,
        buckets: int | None = None,
        steps: tuple[int | None, int | None] = (None, None),
    ) -> RunSeries:
        """Return one series: every point, exactly as logged, unless ``buckets`` asks for fewer.

        Args:
            key: the metric's name.
            buckets: at most so many ranges of steps, each with its first, min, max and last point;
                a picture's width in pixels is a good number. The result says that it was
                downsampled.
            steps: inclusive range of steps; None leaves an end open.

        Raises:
            NotFoundError: the run has no series of that name.
        """
        self._look_again()
        found = self._source.catalog.series([self.id], [key], buckets=buckets, steps=steps)
        if found:
            return RunSeries(self._source, found[0], self.record, steps)
        if key in self.record.series:
            return RunSeries.empty(self._source, self.record, key)
        raise NotFoundError(
            f"run {self.name!r} has no series {key!r}"
            + (did_you_mean(key, self.record.series) or " yet: nothing was logged to it.")
        )

    def history(self, keys: Sequence[str] | None = None) -> pd.DataFrame:
        """Return its series side by side: step, wall_time, a column a metric (all, or ``keys``).

        One row per (step, wall_time); a point logged twice at the same moment gets a row of its
        own. Values that are no numbers (text at a step) are columns too. Never sampled. Series of
        the machine (``system/…``), which have steps of their own, come when named.
        """
        self._look_again()
        return history_frame(self._source, self.record, keys)

    def inputs(self) -> list[Node]:
        """Return the artifacts that the run read, by itself or in its executions."""
        self._look_again()
        return run_artifacts(self._source.catalog, [self.id], EventKind.INPUT)[self.id]

    def outputs(self) -> list[Node]:
        """Return the artifacts that the run made."""
        self._look_again()
        return run_artifacts(self._source.catalog, [self.id], EventKind.OUTPUT)[self.id]

    def classification_metrics(self) -> list[dict[str, Value]]:
        """Return what `log_classification_metrics` logged, in order of time."""
        self._look_again()
        return self._source.catalog.facts(self.id, ["classification"])

    def _look_again(self) -> None:
        if not self.record.state.ended:
            self._source.refresh([self.id])

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, RunView) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<run {self.name!r} of {self.experiment!r}: {self.state}, id {self.id}>"

    def _repr_html_(self) -> str:
        note = f"{self.experiment}, id {self.id}"
        return show.html_table([self.name, ""], _rows(self), note=note)


def _rows(run: RunView) -> list[tuple[str, Any]]:
    record = run.record
    rows: list[tuple[str, Any]] = [
        ("state", str(record.state)),
        ("started", moment(record.started) or MISSING),
        ("duration", show.span(record.duration)),
    ]
    for drawer, values in (
        ("params", flatten(record.params)),
        ("metrics", run.metrics.items()),
    ):
        shown = sorted(values)
        rows += [(f"{drawer}.{key}", value) for key, value in shown[:SHOWN_ROWS]]
        if len(shown) > SHOWN_ROWS:
            rows.append((f"{drawer}.…", f"{len(shown) - SHOWN_ROWS} more"))
    return rows


def run_artifacts(catalog: Catalog, runs: Sequence[str], kind: EventKind) -> dict[str, list[Node]]:
    """Return the artifacts that runs read or made, by run, each once, in order of time.

    What an execution of a run read or made counts as the run's own.
    """
    owner: dict[str, str] = {}
    for run in runs:
        owner |= dict.fromkeys((run, *catalog.members(run)[0]), run)
    seen: dict[str, dict[str, None]] = {run: {} for run in runs}
    for event in catalog.events(list(owner)):
        if event.kind == kind and event.execution in owner:
            seen[owner[event.execution]][event.artifact] = None
    nodes = catalog.get_nodes(list(dict.fromkeys(a for found in seen.values() for a in found)))
    return {run: [nodes[a] for a in found if a in nodes] for run, found in seen.items()}


def run_id(source: Source, run: object) -> str:
    """Return the id of a run given as id, name, view, active run or record.

    Raises:
        NotFoundError: there is none.
        WrongTypeError: that is no run.
    """
    if isinstance(run, str):
        return source.resolve_run(run)
    for attribute in ("id", "run_id"):
        found = getattr(run, attribute, None)
        if isinstance(found, str):
            return found
    raise WrongTypeError(
        f"{run!r} is no run; give a run, its id, its name or 'experiment/name', or mendel.runs(…)."
    )
