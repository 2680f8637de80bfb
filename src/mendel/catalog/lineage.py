"""What every catalog tells alike of lineage: etags, the node that a run is, the walk, the texts."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

from mendel.graph.errors import InvalidError
from mendel.graph.lineage import Direction, Event, EventKind, Node, NodeKind
from mendel.graph.values import Value, dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mendel.graph.run import RunRecord

RUN_SCHEMA = "system.Run"
RUN_VERSION = "0.0.1"


def etag(node: Node) -> Node:
    """Return the node with its etag: a hash of all else that it says."""
    import hashlib  # loads OpenSSL, which the end of a run need not wait for

    said: list[Value] = [
        node.kind.value,
        node.schema_title,
        node.schema_version,
        node.display_name,
        node.state,
        node.uri,
        node.description,
        node.metadata,
        node.updated,
    ]
    digest = hashlib.blake2b(dumps(said).encode("utf-8", "backslashreplace"), digest_size=8)
    return dataclasses.replace(node, etag=digest.hexdigest())


def run_node(run: RunRecord) -> Node:
    """Return the execution node that a run is."""
    return etag(
        Node(
            id=run.id,
            kind=NodeKind.EXECUTION,
            schema_title=RUN_SCHEMA,
            schema_version=RUN_VERSION,
            display_name=run.name,
            created=run.created,
            updated=run.created if run.updated is None else run.updated,
            state=run.state.value,
            description=run.note,
            run=run.id,
        )
    )


def event_order(event: Event) -> tuple[float, str, str, str]:
    """Return what events are ordered by."""
    return event.time, event.execution, event.artifact, event.kind.value


Edge = tuple[str, str, str]  # execution, artifact, kind


class Edges(Protocol):
    """Gives the edges that touch nodes of the frontier."""

    def __call__(self, ids: Sequence[str], *, executions: bool) -> Iterable[Edge]:
        """Return edges of which the execution (or else the artifact) is among the ids."""
        ...


def walk(
    start: str,
    direction: Direction,
    *,
    is_execution: bool,
    hops: int | None,
    limit: int | None,
    edges: Edges,
    known: Callable[[Sequence[str]], Iterable[str]],
) -> dict[str, int]:
    """Return what is reached from a node, with its distance in edges, nearest first.

    A frontier at a time, so that a store asks its database once for each distance. ``known`` says
    which ids are nodes; others are not walked through.

    Raises:
        InvalidError: hops or limit is negative.
    """
    for name, number in (("hops", hops), ("limit", limit)):
        if number is not None and number < 0:
            raise InvalidError(f"{name} is {number}; give 0 or more, or None for no bound.")
    most = None if hops is None else 2 * hops + (1 if is_execution else 0)
    found = {start: 0} if limit != 0 else {}
    seen = {start}
    frontier, distance, executions = [start], 0, is_execution
    while frontier and (most is None or distance < most) and (limit is None or len(found) < limit):
        wanted = _kinds(direction, from_execution=executions)
        side = 1 if executions else 0
        reached = {
            edge[side] for edge in edges(frontier, executions=executions) if edge[2] in wanted
        }
        distance += 1
        executions = not executions
        frontier = sorted(known(sorted(reached - seen)))
        seen.update(frontier)
        room = None if limit is None else limit - len(found)
        found |= dict.fromkeys(frontier[:room], distance)
    return found


def _kinds(direction: Direction, *, from_execution: bool) -> set[str]:
    """Return the kinds of event to follow: upstream leads from outputs to inputs."""
    if direction is Direction.BOTH:
        return {EventKind.INPUT, EventKind.OUTPUT}
    up = direction is Direction.UPSTREAM
    return {EventKind.INPUT if up is from_execution else EventKind.OUTPUT}


def artifact_texts(nodes: Iterable[Node]) -> list[str]:
    """Return what a lineage predicate looks at: names, ids and uris of artifacts, in order."""
    texts = {text for n in nodes for text in (n.display_name, n.id, n.uri) if text}
    return sorted(texts)


def is_dataset(node: Node) -> bool:
    """Tell whether an artifact is a dataset, by its schema (system.Dataset, …)."""
    return "Dataset" in node.schema_title


def is_model(node: Node) -> bool:
    """Tell whether an artifact is a model, by its schema (system.Model, google.VertexModel, …)."""
    return "Model" in node.schema_title
