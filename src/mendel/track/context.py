"""A context: a typed group of artifacts, executions and other contexts. Signatures are Vertex's.

Experiments and runs are contexts too: an experiment's name or id, and a run's, are found here as
``system.Experiment`` and ``system.ExperimentRun``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from mendel.graph.errors import InvalidError, NotFoundError
from mendel.graph.lineage import Node, NodeKind, Subgraph
from mendel.track import record
from mendel.track.artifact import Artifact
from mendel.track.execution import Execution
from mendel.track.node import DEFAULT_VERSION, GraphNode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from mendel.track.record import Elsewhere

MAX_PARENTS = 10


class Context(GraphNode):
    """A context of the lineage graph.

    ``Context("id or resource name")`` finds one (NotFoundError if there is none);
    `Context.create` makes one.
    """

    kind: ClassVar[NodeKind] = NodeKind.CONTEXT
    noun: ClassVar[str] = "contexts"

    def __init__(self, context_name: str, **elsewhere: Unpack[Elsewhere]) -> None:
        super().__init__(context_name, **elsewhere)

    @classmethod
    def create(
        cls,
        schema_title: str,
        *,
        resource_id: str | None = None,
        display_name: str | None = None,
        schema_version: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, object] | None = None,
        **elsewhere: Unpack[Elsewhere],
    ) -> Self:
        """Make a context; arguments and errors are those of `Artifact.create`."""
        record.ignore(elsewhere)
        return cls._make(
            schema_title,
            resource_id=resource_id,
            display_name=display_name,
            schema_version=schema_version,
            description=description,
            metadata=metadata,
        )

    @classmethod
    def get_or_create(
        cls,
        resource_id: str,
        schema_title: str,
        *,
        display_name: str | None = None,
        schema_version: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, object] | None = None,
        **elsewhere: Unpack[Elsewhere],
    ) -> Self:
        """Return the context of an id, made if it is not there."""
        record.ignore(elsewhere)
        return cls.get(resource_id) or cls.create(
            schema_title,
            resource_id=resource_id,
            display_name=display_name,
            schema_version=schema_version,
            description=description,
            metadata=metadata,
        )

    @classmethod
    def _lookup(cls, name: str) -> Node | None:
        return super()._lookup(name) or _experiment(name) or _run(name)

    # -- its neighbours --

    @property
    def parent_contexts(self) -> Sequence[str]:
        """The resource names of the contexts that it stands in."""
        store = self._store()
        store.refresh()
        _, _, parents = store.catalog.members(self.name)
        return [f"{self.noun}/{an_id}" for an_id in parents]

    def add_artifacts_and_executions(
        self,
        artifact_resource_names: Sequence[str] | None = None,
        execution_resource_names: Sequence[str] | None = None,
    ) -> None:
        """Put artifacts and executions into the group, by id or resource name.

        Raises:
            NotFoundError: one of them is not there; nothing was changed.
        """
        nodes = [
            *self._ids(Artifact, artifact_resource_names or ()),
            *self._ids(Execution, execution_resource_names or ()),
        ]
        if nodes:
            body: dict[str, Any] = {"context": self.name, "nodes": nodes}
            record.write("member", body, run=self._run)

    def add_context_children(self, contexts: Sequence[Context]) -> None:
        """Put contexts into the group.

        Raises:
            InvalidError: a child would be its own ancestor, or have more than 10 parents.
        """
        store = self._store()
        store.refresh()
        above = self._ancestors()
        for child in contexts:
            if child.name in above:
                raise InvalidError(f"{child.display_name!r} cannot stand within itself.")
            parents = store.catalog.members(child.name)[2]
            if len({*parents, self.name}) > MAX_PARENTS:
                raise InvalidError(
                    f"{child.display_name!r} has {len(parents)} parents already; at most "
                    f"{MAX_PARENTS} are taken."
                )
        if contexts:
            body: dict[str, Any] = {"context": self.name, "children": [c.name for c in contexts]}
            record.write("member", body, run=self._run)

    def _ancestors(self) -> set[str]:
        catalog = self._store().catalog
        above: set[str] = set()
        todo = [self.name]
        while todo:
            an_id = todo.pop()
            if an_id not in above:
                above.add(an_id)
                todo.extend(catalog.members(an_id)[2])
        return above

    def _ids(self, of: type[GraphNode], names: Sequence[str]) -> Sequence[str]:
        ids = [record.last_part(name, of.noun) for name in names]
        store = self._store()
        store.refresh()
        known = store.catalog.get_nodes(ids)
        for an_id in ids:
            if an_id not in known or known[an_id].kind is not of.kind:
                raise NotFoundError(f"there is no {of.kind} {an_id!r}; nothing was added.")
        return ids

    # -- what is in it --

    def get_artifacts(self) -> Sequence[Artifact]:
        """Return its artifacts, oldest first."""
        return [Artifact._of(node) for node in self._members(NodeKind.ARTIFACT)]

    def get_executions(self) -> Sequence[Execution]:
        """Return its executions, oldest first."""
        return [Execution._of(node) for node in self._members(NodeKind.EXECUTION)]

    def _members(self, kind: NodeKind) -> Sequence[Node]:
        store = self._store()
        store.refresh()
        nodes = store.catalog.get_nodes(store.catalog.members(self.name)[0])
        found = [node for node in nodes.values() if node.kind is kind]
        return sorted(found, key=lambda node: (node.created, node.id))

    def query_lineage_subgraph(self) -> Subgraph:
        """Return its artifacts and executions, and the events between them."""
        artifacts = self._members(NodeKind.ARTIFACT)
        executions = self._members(NodeKind.EXECUTION)
        inside = {node.id for node in (*artifacts, *executions)}
        events = self._store().catalog.events([node.id for node in executions])
        return Subgraph(
            tuple(artifacts),
            tuple(executions),
            tuple(e for e in events if e.artifact in inside and e.execution in inside),
        )


def _experiment(name: str) -> Node | None:
    """Return an experiment as the context that it is."""
    store = record.current_store()
    try:
        found = store.catalog.get_experiment(record.last_part(name, "contexts"))
    except NotFoundError:
        return None
    return Node(
        id=found.id,
        kind=NodeKind.CONTEXT,
        schema_title="system.Experiment",
        schema_version=DEFAULT_VERSION,
        display_name=found.name,
        created=found.created,
        updated=found.updated or found.last_activity or found.created,
        description=found.description,
    )


def _run(name: str) -> Node | None:
    """Return a run, by its id, as the context that it is."""
    catalog = record.current_store().catalog
    an_id = record.last_part(name, "contexts")
    found = catalog.get_runs([an_id]).get(an_id)
    if found is None:
        return None
    return Node(
        id=found.id,
        kind=NodeKind.CONTEXT,
        schema_title="system.ExperimentRun",
        schema_version=DEFAULT_VERSION,
        display_name=found.name,
        created=found.created,
        updated=found.updated or found.created,
        description=found.note,
        metadata={
            "_params": found.params,
            "_metrics": found.metrics,
            "_state": str(found.state),
        },
        run=found.id,
    )
