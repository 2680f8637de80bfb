"""The nodes and edges of the lineage graph: artifacts, executions, contexts and events."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mendel.graph.values import Value


class ArtifactState(enum.StrEnum):
    """Whether an artifact is there."""

    STATE_UNSPECIFIED = "STATE_UNSPECIFIED"
    PENDING = "PENDING"
    LIVE = "LIVE"


class ExecutionState(enum.StrEnum):
    """Where an execution stands."""

    STATE_UNSPECIFIED = "STATE_UNSPECIFIED"
    NEW = "NEW"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    CACHED = "CACHED"
    CANCELLED = "CANCELLED"


class NodeKind(enum.StrEnum):
    """The three kinds of node."""

    ARTIFACT = "artifact"
    EXECUTION = "execution"
    CONTEXT = "context"


class EventKind(enum.StrEnum):
    """Whether an execution read an artifact or made it."""

    INPUT = "INPUT"
    OUTPUT = "OUTPUT"


class Direction(enum.StrEnum):
    """Which way to walk the graph: towards what made a node, towards what it became, or both."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the graph. Times are seconds since 1970.

    ``uri`` is an artifact's place (``blob:sha256/…``, ``s3://…``, a path); ``state`` the text of
    an `ArtifactState` or `ExecutionState`, empty for a context. ``run`` is the run that
    made it, if any. A run is an execution too: its node has the run's id and the schema
    ``system.Run``, is never stored twice, and takes part in lineage like any other execution.
    """

    id: str
    kind: NodeKind
    schema_title: str
    schema_version: str
    display_name: str
    created: float
    updated: float
    state: str = ""
    uri: str | None = None
    description: str | None = None
    metadata: dict[str, Value] = field(default_factory=dict)
    run: str | None = None
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """An edge: ``execution`` read or made ``artifact`` at ``time`` (seconds since 1970)."""

    execution: str
    artifact: str
    kind: EventKind
    time: float
    labels: dict[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A part of the graph, closed under its own events."""

    artifacts: tuple[Node, ...] = ()
    executions: tuple[Node, ...] = ()
    events: tuple[Event, ...] = ()
