"""What a purged run leaves behind: which of its nodes go with it, and how the others outlive it.

A node's facts stand in the journal of the run that made it, and go with its folder. A node that
others still need is handed over before: its facts are written once more, into the store's ledger,
with the times they had. Writing them twice (a killed collection that begins anew) changes nothing.

An artifact that doomed runs made stays if somebody else has to do with it: an execution or a run
that stays, or a context that somebody else made. An execution stays if it made an artifact that
stays; a context stays if something in it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mendel.catalog.contract import NodeQuery
from mendel.graph.lineage import EventKind, NodeKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mendel.catalog.contract import Catalog
    from mendel.graph.lineage import Event, Node
    from mendel.journal.write import Writer

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Estate:
    """The nodes that doomed runs made: those that go with them, and those that stay.

    ``own`` are the ids of all of them and of the runs: what is not among them is somebody else.
    """

    dying: tuple[Node, ...]
    staying: tuple[Node, ...]
    own: frozenset[str]

    def of(self, runs: Collection[str], catalog: Catalog) -> Estate:
        """Return the part that some of the runs made; what was put to use since then stays."""
        dying = [node for node in self.dying if node.run in runs]
        events = catalog.events([node.id for node in dying]) if dying else []
        used = {event.artifact for event in events if event.execution not in self.own}
        staying = [node for node in self.staying if node.run in runs]
        return Estate(
            tuple(node for node in dying if node.id not in used),
            (*staying, *(node for node in dying if node.id in used)),
            self.own,
        )


def nodes_of(catalog: Catalog, kind: NodeKind) -> Iterator[Node]:
    """Yield every node of a kind."""
    cursor: str | None = None
    while True:
        nodes, cursor = catalog.find_nodes(
            NodeQuery(kind, limit=PAGE, cursor=cursor, order_by="create_time")
        )
        yield from nodes
        if cursor is None:
            return


def estate(catalog: Catalog, runs: Collection[str]) -> Estate:
    """Return what becomes of the nodes that some runs made, if these runs go for ever."""
    doomed = frozenset(runs)
    made = [node for kind in NodeKind for node in nodes_of(catalog, kind) if node.run in doomed]
    own = doomed | {node.id for node in made}
    if not made:
        return Estate((), (), own)
    staying = _staying(catalog, made, own, doomed)
    return Estate(
        tuple(node for node in made if node.id not in staying),
        tuple(node for node in made if node.id in staying),
        own,
    )


def _staying(
    catalog: Catalog, made: Collection[Node], own: frozenset[str], doomed: frozenset[str]
) -> set[str]:
    """Return the ids of those that somebody else needs; see the top of this file."""
    grouped = _grouped(catalog, doomed)
    events = catalog.events(_ids(made, NodeKind.ARTIFACT))
    used = {event.artifact for event in events if event.execution not in own}
    artifacts = (used | grouped).intersection(_ids(made, NodeKind.ARTIFACT))
    makers = {e.execution for e in events if e.artifact in artifacts and e.kind is EventKind.OUTPUT}
    executions = (makers | grouped).intersection(_ids(made, NodeKind.EXECUTION))
    gone = own - artifacts - executions
    contexts = {
        an_id
        for an_id in _ids(made, NodeKind.CONTEXT)
        if an_id in grouped or not gone.issuperset(catalog.members(an_id)[0])
    }
    return artifacts | executions | contexts


def _ids(nodes: Collection[Node], kind: NodeKind) -> list[str]:
    return sorted(node.id for node in nodes if node.kind is kind)


def _grouped(catalog: Catalog, doomed: frozenset[str]) -> set[str]:
    """Return what stands in contexts that others made."""
    found: set[str] = set()
    for context in nodes_of(catalog, NodeKind.CONTEXT):
        if context.run not in doomed:
            nodes, children, _ = catalog.members(context.id)
            found.update(nodes, children)
    return found


def hand_over(catalog: Catalog, staying: Collection[Node], ledger: Writer) -> None:
    """Write what is known of nodes, and of the events between them and others, into the ledger.

    When it returns the disk has it.
    """
    if not staying:
        return
    ids = {node.id for node in staying}
    for node in staying:
        body = _body(node)
        ledger.fact(str(node.kind), body, time=node.created)
        if node.updated > node.created:
            ledger.fact(str(node.kind), body, time=node.updated)
        if node.kind is NodeKind.CONTEXT:
            nodes, children, _ = catalog.members(node.id)
            member: dict[str, Any] = {
                "context": node.id,
                "nodes": list(nodes),
                "children": list(children),
            }
            ledger.fact("member", member, time=node.created)
    for event in catalog.events(sorted(ids)):
        ledger.fact("event", _event(event), time=event.time)
    ledger.flush()


def _body(node: Node) -> dict[str, Any]:
    body = {
        "id": node.id,
        "schema_title": node.schema_title,
        "schema_version": node.schema_version,
        "display_name": node.display_name,
        "uri": node.uri,
        "state": node.state or None,
        "description": node.description,
        "metadata": node.metadata,
    }
    return {name: value for name, value in body.items() if value is not None}


def _event(event: Event) -> dict[str, Any]:
    body: dict[str, Any] = {
        "execution": event.execution,
        "artifact": event.artifact,
        "kind": str(event.kind),
    }
    return {**body, "labels": event.labels} if event.labels else body
