"""The catalog's contract. Read it first: its docstrings are law, and the shipped suite holds every catalog to them.

A catalog is where the graph is found: an index of what journals say (it may be dropped and rebuilt), plus
what people decide (names, notes, tags, pins, deletions). It never writes to a journal and never reads one;
the points of a series it reads through `Blocks`, a port that its owner gives it.

Rules for every method:

* Thread-safe. Several processes may hold a catalog on the same place at once; a method sees all that was
  committed before it was called.
* What is returned is the caller's own: frozen, never changed by a later call.
* A method either takes effect as a whole or not at all.
* It raises only Mendel's errors. Foreign ones (a driver's, the operating system's) are translated at one
  door: a busy or damaged database is a `StoreError` that says what to do.
* Methods are coarse: a caller asks once for many, so that a catalog far away is as good as one at hand.
* Ids that are asked for and not there are left out of an answer that is a mapping, and raise
  `NotFoundError` where a single thing was asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mendel.graph import values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from mendel.graph.digest import BlockKey, BlockPoints, Digest, Position, WriterInfo
    from mendel.graph.lineage import Direction, Event, Node, NodeKind, Subgraph
    from mendel.graph.run import ExperimentRecord, RunRecord, RunState
    from mendel.graph.values import Value


Missing = values.Missing
MISSING = values.MISSING

# -- the points ---------------------------------------------------------------------------------------


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

    Arrays of one length, sorted by step and, within a step, in the order written: repeated steps are all
    there. ``total`` is how many points stand behind them. When ``buckets`` is not None the series was
    downsampled into that many equal ranges of steps, and every array holds, for each range that has
    points, its first, minimum, maximum and last point (each once, by step), and one NaN point if it has any.
    ``values`` is float64, or int64 / bool where every point was logged so.
    """

    run: str
    key: str
    steps: np.ndarray[Any, Any]
    times: np.ndarray[Any, Any]
    values: np.ndarray[Any, Any]
    total: int
    buckets: int | None = None


@dataclass(frozen=True, slots=True)
class SeriesValue:
    """One value that is no number, at a step of a series."""

    key: str
    step: int
    time: float
    value: Value


# -- finding ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs, in which order, and how many.

    Attributes:
        filter: the search language (docs/reference/search.md); empty takes all.
        experiments: experiment names; None takes all experiments. A name ending in ``/`` takes the folder.
        order_by: terms such as ``"metrics.loss asc"``; runs without a value come last either way; ties and
            an empty order are by creation, newest first, then by id.
        deleted: False leaves out runs in the trash, True takes only them, None takes both.
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
    """A page of runs: their ids in order, how many match in all, and where the next page begins (None: nowhere)."""

    ids: tuple[str, ...]
    total: int
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One field of many runs: ``values[i]`` belongs to the i-th id asked for; ``MISSING`` where it has none."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A column that runs have: its full name (``params.lr``), the number of runs and the types seen."""

    name: str
    runs: int
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The runs that share values of some fields, with aggregates over *all* its members.

    ``stats`` maps a field to (n, mean, sample standard deviation, min, max); numbers only, NaN left out of
    all but not hidden: n counts what the mean is over. The deviation is NaN where n < 2.
    """

    values: tuple[Any, ...]
    count: int
    stats: dict[str, tuple[int, float, float, float, float]]


# -- deciding -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that a person decided.

    ``what`` and ``body`` are one of:

    ==================== ==================================================================
    rename_run           name
    note_run             note (Markdown; None removes it)
    tag_run              set {key: value}, remove [key]   (wins over tags that the run logs)
    pin_run              pinned
    archive_run          archived
    delete_run           (to the trash; refused with ProtectedError while pinned)
    restore_run          (from the trash)
    purge_run            (for ever: its rows go; the caller deletes its folder first)
    rename_experiment    name (AlreadyExistsError when taken)
    describe_experiment  description
    delete_experiment    (its runs go to the trash with it)
    restore_experiment   (its runs that went with it come back)
    update_node          metadata {} (merged one level), description?, display_name?, state?, etag? (stale: ConflictError)
    delete_node          (its events go with it)
    ==================== ==================================================================

    ``target`` is the id of the run, experiment or node. ``id`` is a ULID: taking a decision again that was
    taken already changes nothing.
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


class Catalog(ABC):
    """See the top of this file."""

    # -- what happened --

    @abstractmethod
    def positions(
        self, runs: Sequence[str | None] | None = None
    ) -> dict[str | None, dict[str, Position]]:
        """Return how far each writer's journal has been taken in, by run (None: the ledger) and writer.

        ``runs=None`` asks for all runs that the catalog knows, and the ledger.
        """

    @abstractmethod
    def ingest(self, digests: Sequence[Digest]) -> None:
        """Take in what journals say, in one transaction.

        A digest whose ``start`` is not the writer's position is skipped as a whole: it was taken in before,
        or one before it is missing. So taking a digest again changes nothing. Digests of one writer in one
        call are taken in order. Facts of different writers of one run may come in any order; the result is
        the same as if they came by (time, writer, ordinal) for params, metrics, tags and states.
        A fact that cannot be understood is noted in the run's ``damage`` and hides nothing else.
        """

    @abstractmethod
    def observe(self, states: Mapping[str, RunState]) -> None:
        """Note what was found out about runs that say they are RUNNING: LOST, or RUNNING again.

        A run that has ended by its own word is left as it is.
        """

    @abstractmethod
    def open_runs(self) -> dict[str, tuple[WriterInfo, ...]]:
        """Return the runs that are RUNNING or LOST, with their writers that did not close, for the lease."""

    @abstractmethod
    def last_seen(self, runs: Sequence[str]) -> dict[str, float]:
        """Return when each run's newest record was written, in seconds since 1970."""

    # -- finding runs --

    @abstractmethod
    def find_runs(self, query: RunQuery) -> RunPage:
        """Return the runs that match.

        Raises:
            QueryError: the filter or an order term cannot be read.
        """

    @abstractmethod
    def get_runs(self, ids: Sequence[str]) -> dict[str, RunRecord]:
        """Return runs, whole."""

    @abstractmethod
    def columns(self, ids: Sequence[str], names: Sequence[str]) -> list[Column]:
        """Return some fields of many runs. Names are those of the search language (``params.lr``, ``state``)."""

    @abstractmethod
    def keys(
        self,
        query: RunQuery | None = None,
        *,
        containing: str = "",
        prefix: str = "",
        limit: int | None = None,
    ) -> list[KeyInfo]:
        """Return the columns that the runs of a query have, by name; ``containing`` ignores case."""

    @abstractmethod
    def group(self, query: RunQuery, by: Sequence[str], fields: Sequence[str]) -> list[Group]:
        """Group all matching runs (limit and cursor are ignored) and aggregate fields over the members."""

    @abstractmethod
    def series(
        self,
        runs: Sequence[str],
        keys: Sequence[str] | None = None,
        *,
        buckets: int | None = None,
        steps: tuple[int | None, int | None] = (None, None),
    ) -> list[Series]:
        """Return series in the order of runs, then keys (None: all keys, by name); absent ones are left out.

        ``steps`` is an inclusive range. With ``buckets`` a series with more than 4 × buckets points in range
        is downsampled as `Series` tells: no minimum or maximum is ever lost. Points that a rewind hid are out.
        """

    @abstractmethod
    def series_values(self, run: str, keys: Sequence[str] | None = None) -> list[SeriesValue]:
        """Return the values of a run's series that are no numbers, by (step, time, order written)."""

    @abstractmethod
    def facts(self, run: str, kinds: Sequence[str]) -> list[dict[str, Value]]:
        """Return what a run logged of some kinds (classification, media, file, alert), in order of time."""

    # -- experiments --

    @abstractmethod
    def experiments(self, *, deleted: bool | None = False) -> list[ExperimentRecord]:
        """Return all experiments by name."""

    @abstractmethod
    def get_experiment(self, id_or_name: str) -> ExperimentRecord:
        """Return an experiment that is not in the trash.

        Raises:
            NotFoundError: there is none.
        """

    # -- lineage --

    @abstractmethod
    def get_nodes(self, ids: Sequence[str]) -> dict[str, Node]:
        """Return nodes of any kind; a run's id gives its execution node."""

    @abstractmethod
    def find_nodes(self, query: NodeQuery) -> tuple[list[Node], str | None]:
        """Return the matching nodes and the cursor of the next page (None: nowhere). Newest first unless ordered."""

    @abstractmethod
    def events(self, nodes: Sequence[str]) -> list[Event]:
        """Return the events that touch any of the nodes, by (time, execution, artifact)."""

    @abstractmethod
    def lineage(
        self, node: str, direction: Direction, *, hops: int | None = None, limit: int | None = None
    ) -> Subgraph:
        """Return what is reached from a node.

        ``hops`` counts artifact-to-artifact steps through an execution: 0 is the node itself, None all. ``limit`` bounds the nodes;
        nearer ones come first.

        Raises:
            NotFoundError: no such node.
            InvalidError: hops is negative.
        """

    @abstractmethod
    def members(self, context: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        """Return a context's nodes, child contexts and parent contexts, by id. A run or experiment id works too."""

    # -- deciding and living --

    @abstractmethod
    def decide(self, decisions: Sequence[Decision]) -> None:
        """Take decisions, in order, all or none.

        Raises:
            NotFoundError: a target is not there.
            AlreadyExistsError, ConflictError, ProtectedError: see `Decision`.
            InvalidError: unknown ``what``, or a body that does not fit.
        """

    @abstractmethod
    def changes(self, cursor: int) -> Changes:
        """Return what changed since a cursor; 0 is the beginning."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and connections. A closed catalog raises StateError."""
