"""What facts and decisions about nodes and events come to, worked out anew each time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mendel.catalog import decisions
from mendel.catalog.facts import NODE_TEXTS, NODES, Stamp
from mendel.catalog.lineage import etag
from mendel.graph.digest import Fact
from mendel.graph.lineage import Event, EventKind, Node, NodeKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mendel.catalog.contract import Decision


@dataclass(slots=True)
class Draft:
    """A node while it is told."""

    id: str
    kind: NodeKind | None = None
    texts: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    born: tuple[bool, Stamp, str | None] | None = None  # (no create, when, in which run)
    updated: float = float("-inf")

    def node(self) -> Node:
        """Return the node."""
        assert self.kind is not None  # noqa: S101 - drafts without facts are no nodes
        assert self.born is not None  # noqa: S101 - as above
        texts = {k: self.texts.get(k, "") for k in ("schema_title", "schema_version")}
        node = Node(
            id=self.id,
            kind=self.kind,
            schema_title=texts["schema_title"],
            schema_version=texts["schema_version"],
            display_name=self.texts.get("display_name", ""),
            created=self.born[1].time,
            updated=self.updated,
            state=self.texts.get("state", ""),
            uri=self.texts.get("uri"),
            description=self.texts.get("description"),
            metadata=dict(sorted(self.metadata.items())),
            run=self.born[2],
        )
        return etag(node)


@dataclass(slots=True)
class Graph:
    """Nodes, events, and pairs: ``members`` (context, node), ``children`` (parent, child)."""

    drafts: dict[str, Draft] = field(default_factory=dict)
    events: dict[tuple[str, str, EventKind], Event] = field(default_factory=dict)
    members: set[tuple[str, str]] = field(default_factory=set)
    children: set[tuple[str, str]] = field(default_factory=set)

    def nodes(self) -> dict[str, Node]:
        """Return the nodes by id."""
        return {k: d.node() for k, d in self.drafts.items() if d.kind is not None}

    def held(self) -> set[tuple[str, str]]:
        """Return who belongs to what: by member facts, to the run that made it, to executions."""
        made = {(d.born[2], k) for k, d in self.drafts.items() if d.born and d.born[2]}
        return self.members | made | {(e.execution, e.artifact) for e in self.events.values()}


Said = tuple[Stamp, "Fact | Decision", str | None]


def tell(facts: Iterable[tuple[Stamp, Fact, str | None]], decided: Iterable[Decision]) -> Graph:
    """Return what facts (with the run that wrote them) and decisions come to, in order of time."""
    said: list[Said] = list(facts)
    said += [(decisions.stamp(d), d, None) for d in decided if d.what in decisions.NODE]
    graph = Graph()
    for stamp, one, run in sorted(said, key=lambda s: s[0]):
        if not isinstance(one, Fact):
            _decide(graph, stamp, one)
        elif one.kind in NODES:
            _node(graph, stamp, one, run)
        elif one.kind == "event":
            _event(graph, stamp, one)
        elif one.kind == "member":
            _member(graph, one)
    return graph


def _node(graph: Graph, stamp: Stamp, fact: Fact, run: str | None) -> None:
    body: dict[str, Any] = fact.body
    draft = graph.drafts.setdefault(body["id"], Draft(body["id"]))
    draft.kind = NodeKind(fact.kind)
    draft.texts |= {k: body[k] for k in NODE_TEXTS if body.get(k) is not None}
    draft.metadata |= body.get("metadata") or {}
    born = (not body.get("create"), stamp, run)
    draft.born = born if draft.born is None else min(draft.born, born, key=lambda b: b[:2])
    draft.updated = stamp.time
    if fact.kind == "context":
        graph.children |= {(parent, body["id"]) for parent in body.get("parents") or []}


def _event(graph: Graph, stamp: Stamp, fact: Fact) -> None:
    body: dict[str, Any] = fact.body
    key = (body["execution"], body["artifact"], EventKind(body["kind"]))
    graph.events[key] = Event(*key, stamp.time, dict(body.get("labels") or {}))


def _member(graph: Graph, fact: Fact) -> None:
    body: dict[str, Any] = fact.body
    graph.members |= {(body["context"], node) for node in body.get("nodes") or []}
    graph.children |= {(body["context"], child) for child in body.get("children") or []}


def _decide(graph: Graph, stamp: Stamp, decision: Decision) -> None:
    target, body = decision.target, decision.body
    if decision.what == "delete_node":
        graph.drafts.pop(target, None)
        graph.events = {k: e for k, e in graph.events.items() if target not in k[:2]}
        graph.members = {pair for pair in graph.members if target not in pair}
        graph.children = {pair for pair in graph.children if target not in pair}
        return
    draft = graph.drafts.setdefault(target, Draft(target))
    draft.texts |= {k: str(body[k]) for k in NODE_TEXTS if body.get(k) is not None}
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        draft.metadata |= metadata
    draft.updated = stamp.time
