"""The catalog's contract. Read it first: its docstrings are law, and the shipped suite keeps it.

A catalog is where the graph is found: an index of what journals say (it may be dropped and
rebuilt), plus what people decide (names, notes, tags, pins, deletions). It never writes to a
journal and never reads one; the points of a series it reads through `Blocks`, a port that its
owner gives.

Rules for every method:

* Thread-safe. Several processes may hold a catalog on the same place at once; a method sees all
  that was committed before it was called.
* What is returned is the caller's own: frozen, never changed by a later call.
* A method either takes effect as a whole or not at all.
* It raises only Mendel's errors. Foreign ones (a driver's, the operating system's) are translated
  at one door: a busy or damaged database is a `StoreError` that says what to do.
* Methods are coarse: a caller asks once for many, so that a catalog far away is as good as one at
  hand.
* Ids that are asked for and not there are left out of an answer that is a mapping or a list, and
  raise `NotFoundError` where a single thing was asked for.

What is told does not depend on the order in which journals were taken in. Wherever several facts
speak of one thing (a param, a tag, the state, a field of a node), the newest by *(time, writer,
ordinal)* holds; points are in order by *(step, time, writer, ordinal)*. Dicts of a record are
sorted by key.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mendel.graph import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from mendel.graph.digest import BlockKey, BlockPoints, Digest, Position, WriterInfo
    from mendel.graph.lineage import Direction, Event, Node, NodeKind, Subgraph
    from mendel.graph.run import ExperimentRecord, RunRecord, RunState
    from mendel.graph.values import Value


Missing = values.Missing
MISSING = values.MISSING

# -- the points -----------------------------------------------------------------------------------


class Blocks(Protocol):
    """Reads blocks out of the journals."""

    def read(
        self, block: BlockKey, keys: Sequence[str], count: int, span: tuple[int, int]
    ) -> BlockPoints:
        """Return the first ``count`` point records of a block.

        ``span`` is the block's byte range in its unsealed segment, as its digest told it.

        Raises:
            NotFoundError: its segment is gone.
            CorruptError: its bytes are not what was written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Series:
    """One key of one run, whole or downsampled.

    Arrays of one length, sorted by step and, within a step, in the order written (by time, then
    writer, then ordinal): repeated steps are all there. ``total`` is how many points stand behind
    them. When ``buckets`` is not None the series was downsampled into that many equal ranges of
    steps, and every array holds, for each range that has points, its first, minimum, maximum and
    last point (each once, by step), and one NaN point if it has any. ``values`` is float64, or
    int64 / bool where every point was logged so.

    Times may be given as a function that makes them: a chart over steps does not look at them, and
    they take as long to unpack as the values. They are made when they are first looked at, which
    then raises CorruptError where they are damaged.
    """

    run: str
    key: str
    steps: np.ndarray[Any, Any]
    _times: np.ndarray[Any, Any] | Callable[[], np.ndarray[Any, Any]]
    values: np.ndarray[Any, Any]
    total: int
    buckets: int | None = None

    @property
    def times(self) -> np.ndarray[Any, Any]:
        """When the points were logged, in seconds since 1970."""
        if callable(self._times):
            object.__setattr__(self, "_times", self._times())
        assert not callable(self._times)  # noqa: S101 - made above
        return self._times


@dataclass(frozen=True, slots=True)
class SeriesValue:
    """One value that is no number, at a step of a series."""

    key: str
    step: int
    time: float
    value: Value


# -- finding --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs, in which order, and how many.

    Attributes:
        filter: the search language (docs/reference/search.md); empty takes all.
        experiments: experiment names; None takes all experiments. A name ending in ``/`` takes the
            folder.
        order_by: terms such as ``"metrics.loss asc"``; runs without a value come last either way;
            ties and an empty order are by creation, newest first, then by id.
        deleted: False leaves out runs in the trash, True takes only them, None takes both. A run is
            in the trash by its own deletion or its experiment's.
        limit: at most so many; None takes all.
        cursor: the `RunPage.cursor` of the page before, for the same query.
    """

    filter: str = ""
    experiments: tuple[str, ...] | None = None
    order_by: tuple[str, ...] = ()
    deleted: bool | None = False
    limit: int | None = 100
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of runs: their ids in order, and how many match in all.

    ``cursor`` is where the next page begins; None where this one is the last.
    """

    ids: tuple[str, ...]
    total: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One field of many runs: ``values[i]`` belongs to the i-th id; `MISSING` where it has none."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A column that runs have: its full name (``params.lr``), how many have it and its types.

    Columns are the leaves of params, metrics and tags, and series (``metrics.<key>``). ``types``
    are Python's names (``bool float int str list dict datetime NoneType``), sorted.
    """

    name: str
    runs: int
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The runs that share values of some fields, with aggregates over *all* its members.

    ``stats`` maps a field to (n, mean, sample standard deviation, min, max); numbers only, NaN left
    out of all but not hidden: n counts what the mean is over. The deviation is NaN where n < 2.
    """

    values: tuple[Any, ...]
    count: int
    stats: dict[str, tuple[int, float, float, float, float]]


# -- deciding -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that a person decided.

    ``what`` and ``body`` are one of:

    ==================== ===========================================================================
    rename_run           name
    note_run             note (Markdown; None removes it)
    tag_run              set {key: value}, remove [key]   (wins over tags that the run logs)
    pin_run              pinned
    archive_run          archived
    delete_run           (to the trash; refused with ProtectedError while pinned)
    restore_run          (from the trash; StateError while its experiment is there)
    purge_run            (for ever: its rows go; the caller deletes its folder first; ProtectedError
                         while pinned; its journal, should it come back, is a new arrival)
    rename_experiment    name (AlreadyExistsError when taken)
    describe_experiment  description
    delete_experiment    (its runs go to the trash with it; ProtectedError while one is pinned; its
                         name is free for a new one)
    restore_experiment   (its runs that went with it come back; AlreadyExistsError when its name was
                         taken meanwhile)
    update_node          metadata {} (merged one level), description?, display_name?, state?, uri?,
                         etag? (stale: ConflictError)
    delete_node          (its events go with it; a newer fact makes it anew)
    ==================== ===========================================================================

    ``target`` is the id of the run, experiment or node. ``id`` is a ULID: taking a decision again
    that was taken already changes nothing.
    """

    id: str
    what: str
    target: str
    body: dict[str, Value]
    time: float
    actor: str


class Ledger(Protocol):
    """Where decisions are kept beside the catalog, so that a lost catalog loses none."""

    def append(self, decisions: Sequence[Decision]) -> None:
        """Keep decisions for ever; called inside the transaction that takes them."""
        ...


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since a cursor: ids of runs (new, changed or gone), and the new cursor."""

    runs: tuple[str, ...]
    cursor: int


@dataclass(frozen=True, slots=True)
class NodeQuery:
    """Which nodes of one kind: AIP-160 filter, order ("create_time desc"), page."""

    kind: NodeKind
    filter: str = ""
    order_by: str = ""
    limit: int | None = 100
    cursor: str | None = None


class LineageCatalog(ABC):
    """The part of `Catalog` that is about artifacts, executions, contexts and events."""

    @abstractmethod
    def get_nodes(self, ids: Sequence[str]) -> dict[str, Node]:
        """Return nodes of any kind; a run's id gives its execution node."""

    @abstractmethod
    def find_nodes(self, query: NodeQuery) -> tuple[list[Node], str | None]:
        """Return the matching nodes and the cursor of the next page (None: nowhere).

        Newest first unless ordered; ties by id, largest first. Runs are not among the executions.

        Raises:
            QueryError: the filter or the order cannot be read.
        """

    @abstractmethod
    def events(self, nodes: Sequence[str]) -> list[Event]:
        """Return the events that touch any of the nodes, by (time, execution, artifact, kind).

        An execution and an artifact have at most one event of a kind: a newer one replaces it.
        """

    @abstractmethod
    def lineage(
        self, node: str, direction: Direction, *, hops: int | None = None, limit: int | None = None
    ) -> Subgraph:
        """Return what is reached from a node.

        ``hops`` counts artifact-to-artifact steps through an execution: 0 is the node itself (and,
        for an execution, its own artifacts), None all. ``limit`` bounds the nodes; nearer ones come
        first, of equally near ones those with smaller ids. Artifacts and executions are nearest
        first, then by id; events those between them, ordered as by `events`.

        Raises:
            NotFoundError: no such artifact or execution.
            InvalidError: hops or limit is negative.
        """

    @abstractmethod
    def members(self, context: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Return a context's nodes, child contexts and parent contexts, by id.

        A run's id works too: its nodes are those it made or touched; its children are its child
        runs; its parents are its experiment and its parent run. So does an experiment's: its
        children are its runs. What was said with `member` facts is added.

        Raises:
            NotFoundError: no such context, run or experiment.
        """


class Catalog(LineageCatalog):
    """See the top of this file."""

    # -- what happened --

    @abstractmethod
    def positions(
        self, runs: Sequence[str | None] | None = None
    ) -> dict[str | None, dict[str, Position]]:
        """Return how far each writer's journal has been taken in, by run and writer.

        The ledger stands under None. ``runs=None`` asks for all runs that the catalog knows, and
        the ledger.
        """

    @abstractmethod
    def ingest(self, digests: Sequence[Digest]) -> None:
        """Take in what journals say, in one transaction.

        A digest whose ``start`` is not the writer's position is skipped as a whole: it was taken in
        before, or one before it is missing. So taking a digest again changes nothing. Digests of
        one writer in one call are taken in order. Facts of different writers of one run may come in
        any order; the result is the same as if they came by (time, writer, ordinal). A fact that
        cannot be understood is noted in the run's ``damage`` and hides nothing else.

        A run is known from its first digest on, also before its ``run`` fact came: until then its
        name is its id, and its experiment is the nameless one (id and name ``""``).

        Raises:
            ReadOnlyError: the store cannot be written.
        """

    @abstractmethod
    def observe(self, states: Mapping[str, RunState]) -> None:
        """Note what was found out about runs that say they are RUNNING: LOST, or RUNNING again.

        A run that has ended by its own word is left as it is; a state that a run says later holds.
        """

    @abstractmethod
    def open_runs(self) -> dict[str, tuple[WriterInfo, ...]]:
        """Return the runs that are RUNNING or LOST, with their writers that did not close.

        For the lease; writers are by id.
        """

    @abstractmethod
    def last_seen(self, runs: Sequence[str]) -> dict[str, float]:
        """Return when each run's newest record was written, in seconds since 1970."""

    # -- finding runs --

    @abstractmethod
    def find_runs(self, query: RunQuery) -> RunPage:
        """Return the runs that match.

        Raises:
            QueryError: the filter or an order term cannot be read.
            InvalidError: the cursor is of another query, or the limit is negative.
        """

    @abstractmethod
    def get_runs(self, ids: Sequence[str]) -> dict[str, RunRecord]:
        """Return runs, whole, in the order asked for."""

    @abstractmethod
    def columns(self, ids: Sequence[str], names: Sequence[str]) -> list[Column]:
        """Return some fields of many runs, by the search language's names (``params.lr``)."""

    @abstractmethod
    def sheet(self, ids: Sequence[str], drawers: Sequence[str]) -> list[Column]:
        """Return all that many runs have in some drawers: the columns that any of them fills.

        Drawers are ``params``, ``summary`` (the metrics that were logged as such), ``series`` (the
        last value of each series, typed as logged) and ``tags``. Columns are named
        ``<drawer>.<name>``, in the order of the drawers, then of names; nested values are dotted.

        Raises:
            InvalidError: no such drawer.
        """

    @abstractmethod
    def keys(
        self,
        query: RunQuery | None = None,
        *,
        containing: str = "",
        prefix: str = "",
        limit: int | None = None,
    ) -> list[KeyInfo]:
        """Return the columns that the runs of a query have, by name.

        None is every run that is not in the trash; limit and cursor of the query are ignored.
        ``prefix`` and ``containing`` are of the full name; ``containing`` ignores case.
        """

    @abstractmethod
    def group(self, query: RunQuery, by: Sequence[str], fields: Sequence[str]) -> list[Group]:
        """Group all matching runs and aggregate fields over the members.

        Limit and cursor of the query are ignored.
        """

    @abstractmethod
    def series(
        self,
        runs: Sequence[str],
        keys: Sequence[str] | None = None,
        *,
        buckets: int | None = None,
        steps: tuple[int | None, int | None] = (None, None),
    ) -> list[Series]:
        """Return series in the order of runs, then keys (None: all keys, by name).

        Absent ones are left out. ``steps`` is an inclusive range. With ``buckets`` a series with
        more than 4 × buckets points in range is downsampled as `Series` tells: no minimum or
        maximum is ever lost. Points that a rewind hid are out.
        """

    @abstractmethod
    def series_values(self, run: str, keys: Sequence[str] | None = None) -> list[SeriesValue]:
        """Return the values of a run's series that are no numbers, in the order of points.

        Those that a rewind hid are out. Values of one record are by key.
        """

    @abstractmethod
    def facts(self, run: str, kinds: Sequence[str]) -> list[dict[str, Value]]:
        """Return what a run logged of some kinds, in order of time.

        The kinds that are kept whole are classification, media, file and alert. Each is the fact's
        body with its ``kind`` and ``time`` beside it.
        """

    # -- experiments --

    @abstractmethod
    def experiments(self, *, deleted: bool | None = False) -> list[ExperimentRecord]:
        """Return all experiments by name.

        Experiments that were made under one name by processes that did not know of each other are
        one: the earliest id is its id, all of them find it. Its run count and last activity are of
        the runs that are not in the trash; those of an experiment in the trash are of all its runs.
        """

    @abstractmethod
    def get_experiment(self, id_or_name: str) -> ExperimentRecord:
        """Return an experiment that is not in the trash.

        Raises:
            NotFoundError: there is none.
        """

    # -- deciding and living --

    @abstractmethod
    def decide(self, decisions: Sequence[Decision]) -> None:
        """Take decisions, in order, all or none.

        Raises:
            NotFoundError: a target is not there.
            AlreadyExistsError, ConflictError, ProtectedError, StateError: see `Decision`.
            InvalidError: unknown ``what``, or a body that does not fit.
            ReadOnlyError: the store cannot be written.
        """

    @abstractmethod
    def replay(self, decisions: Sequence[Decision]) -> None:
        """Take decisions again that a ledger kept, in its order, before journals are taken in.

        They are not checked against what is there (they were when they were taken), not appended to
        the ledger, and those about things that are not there yet wait for them. One that cannot be
        understood is skipped.
        """

    @abstractmethod
    def changes(self, cursor: int) -> Changes:
        """Return what changed since a cursor; 0 is the beginning. It may tell too much, never less.

        A cursor of the future (of a catalog that was rebuilt since) counts as 0.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections. A closed catalog raises StateError."""
