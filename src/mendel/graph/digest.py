"""What a stretch of one journal says, in the form that a catalog takes in.

The journal room makes digests, the catalog room takes them; neither knows the other.

A *writer* is one process (or one attempt of it) that writes to one run, or to the ledger (see
below). Its journal is a row of records numbered from 0: the *ordinal*. A record is either a *fact*
(a kind and a JSON body) or a *point record* (one `log` call: step, time and one number for each key
of its shape). Point records of one shape that stand in one segment are grouped, in order, into
*blocks* of at most `BLOCK_POINTS` records; a block is addressed by ``(run, writer, segment, shape,
number)`` for ever, also after its segment was sealed (compressed).

The *ledger* is the journal of what happens outside of any run (an artifact made by hand, an
experiment created); its digests carry ``run = None``.

Facts and their bodies (a reader ignores kinds and fields that it does not know):

============== ====================================================================================
kind           body
============== ====================================================================================
run            id, name, experiment {id, name}, created, parent?, group?, job_type?, user?, host?
experiment     id, name, description?, created
state          state, reason?, traceback?, exit_code?, signal?
params         set {key: value} (a key that is there is replaced)
metrics        set {key: value}: summary metrics, of any value type
tags           set {key: value}, remove [key]
define_metric  name, goal?, step_metric?
values         step, set {key: value}: what is no number (text, None, list, dict, big ints) at a
               step
classification id, display_name, labels?, matrix?, fpr?, tpr?, threshold?
media          key, step?, type (image text table figure histogram html audio video json), path,
               caption?, meta?
file           path, size, sha256?: a file that the run saved under its ``files/``
artifact       id, schema_title, schema_version, display_name, uri?, state, description?,
               metadata {}, create?: merged into the node
execution      as artifact, without uri
context        as artifact, without uri and state; parents [id]?
event          execution, artifact, kind INPUT | OUTPUT, labels?
member         context, nodes [id]?, children [id]?: artifacts and executions of a context, child
               contexts
capture        set {what: value}: git, command, environment, hardware, … (merged by what)
rewind         step, before {writer: ordinal}
alert          title, text?, level INFO | WARN | ERROR
lost_points    count, reason: points that the disk could not take
heartbeat      (empty)
console        stream stdout | stderr, text: kept in the journal only, a catalog does not index it
============== ====================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mendel.graph.values import Value

BLOCK_POINTS = 8192


class Position(NamedTuple):
    """How far a journal has been read: the next byte, and the number of records before it."""

    segment: int = 0
    offset: int = 0
    ordinal: int = 0


START = Position()


@dataclass(frozen=True, slots=True)
class WriterInfo:
    """Who writes a journal.

    ``pid_start`` (seconds since the boot) tells a process from a later one with the same pid.
    ``boot`` is the id of the machine's boot where known, so that a restart of the machine is seen.
    Times are seconds since 1970; ``rank`` is the process's rank in a distributed job, if any.
    """

    id: str
    run: str | None
    host: str
    pid: int
    pid_start: float | None
    boot: str | None
    opened: float
    rank: int | None = None
    aside: bool = False  # its series are about the machine: their steps are no training steps


@dataclass(frozen=True, slots=True)
class Fact:
    """A record that is no point. ``time`` is when it was written, in seconds since 1970."""

    ordinal: int
    time: float
    kind: str
    body: dict[str, Value]


class BlockKey(NamedTuple):
    """The address of a block within a store."""

    run: str
    writer: str
    segment: int
    shape: int
    number: int


@dataclass(frozen=True, slots=True)
class KeyStats:
    """Statistics of one key in one block; min, max and their steps are over points that are no NaN.

    ``first`` and ``last`` are the values of the block's `Block.low` and `Block.high` records; of
    equal minima or maxima the one with the lowest step is told. ``total`` is the sum of the finite
    points. Numbers of an int64 or bool key may be told as Python ints, so that none loses digits.
    ``min_time`` and ``max_time`` are when the points told as ``min`` and ``max`` were logged (of
    several with that step and value the earliest); None where nobody looked.
    """

    nan_count: int
    first: float
    last: float
    min: float  # NaN where every point is NaN
    min_step: int
    max: float
    max_step: int
    total: float
    min_time: float | None = None
    max_time: float | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Up to `BLOCK_POINTS` point records of one shape, in the order they were written.

    A digest's block tells the *whole* block as far as it is known now, not only what is new: taking
    it in replaces what was known of the block before. ``types`` has a letter for each key (``d``
    float64, ``q`` int64, ``?`` bool). ``start``, ``end``: byte offsets in the unsealed segment.
    ``first_…`` and ``last_…`` are by position.

    ``low`` and ``high`` are (ordinal, time) of the records that come first and last by (step, time,
    ordinal), except that of several records with the lowest step ``low`` is the last one. None
    where they stand at the block's first and last position, as they do when steps only grow.
    """

    key: BlockKey
    keys: tuple[str, ...]
    types: str
    count: int
    first_ordinal: int
    last_ordinal: int
    first_step: int
    last_step: int
    min_step: int
    max_step: int
    regular_step: int | None  # the difference between neighbouring steps, where always the same
    first_time: float
    last_time: float
    start: int
    end: int
    stats: tuple[KeyStats, ...]  # one for each of keys
    low: tuple[int, float] | None = None
    high: tuple[int, float] | None = None


class BlockPoints:
    """The points of one block, for some of its keys: NumPy arrays of one length, as written.

    ordinals and steps are int64, times float64 (seconds since 1970); values has an array for each
    key that was asked for: float64 for types ``d``, int64 for ``q``, bool for ``?``. A column may
    be given as a function that makes it; then it is made when it is first looked at, which may
    raise what `mendel.catalog.contract.Blocks.read` raises.
    """

    __slots__ = ("_ordinals", "_steps", "_times", "values")

    def __init__(self, ordinals: Any, steps: Any, times: Any, values: dict[str, Any]) -> None:
        self._ordinals = ordinals
        self._steps = steps
        self._times = times
        self.values = values

    @property
    def is_packed(self) -> bool:
        """Whether it takes work to look at times."""
        return callable(self._times)

    @property
    def ordinals(self) -> Any:
        """The number of each point's record in its journal."""
        if callable(self._ordinals):
            self._ordinals = self._ordinals()
        return self._ordinals

    @property
    def steps(self) -> Any:
        """The steps."""
        if callable(self._steps):
            self._steps = self._steps()
        return self._steps

    @property
    def times(self) -> Any:
        """The times."""
        if callable(self._times):
            self._times = self._times()
        return self._times


@dataclass(frozen=True, slots=True)
class Digest:
    """What one writer's journal says between two positions."""

    run: str | None
    writer: WriterInfo
    start: Position
    end: Position
    facts: tuple[Fact, ...] = ()
    blocks: tuple[Block, ...] = ()
    damage: tuple[str, ...] = ()  # each names the file, the place and what is wrong with it
    closed: bool = False  # the writer said that it is done
    last_time: float | None = None  # of the newest record, for the lease
    extra: dict[str, Value] = field(default_factory=dict)
