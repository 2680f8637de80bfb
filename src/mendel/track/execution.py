"""An execution: something that ran, what it read and what it made.

An execution happens: its states and its inputs and outputs are written down in the journal of the
run that it belongs to, else in the store's ledger. Signatures are Vertex's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from mendel.graph.errors import InvalidError, NotFoundError, WrongTypeError
from mendel.graph.lineage import EventKind, ExecutionState, NodeKind
from mendel.graph.values import shorten
from mendel.track import record
from mendel.track.artifact import Artifact, find_by_uri
from mendel.track.node import GraphNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from enum import StrEnum
    from types import TracebackType
    from typing import Unpack

    from mendel.track.record import Elsewhere


class Execution(GraphNode):
    """An execution of the lineage graph.

    As a context manager it is RUNNING within, COMPLETE after, and FAILED if an exception came out:

        with mendel.start_execution(schema_title="system.Run", display_name="prepare") as execution:
            execution.assign_input_artifacts([raw])
            ...
            execution.assign_output_artifacts([prepared])

    ``Execution("id or resource name")`` finds one; a run's id gives the run as an execution.
    """

    kind: ClassVar[NodeKind] = NodeKind.EXECUTION
    noun: ClassVar[str] = "executions"
    states: ClassVar[type[StrEnum] | None] = ExecutionState
    State = ExecutionState

    def __init__(self, execution_name: str, **elsewhere: Unpack[Elsewhere]) -> None:
        super().__init__(execution_name, **elsewhere)

    @classmethod
    def create(
        cls,
        schema_title: str,
        *,
        state: ExecutionState | str = ExecutionState.RUNNING,
        resource_id: str | None = None,
        display_name: str | None = None,
        schema_version: str | None = None,
        metadata: Mapping[str, object] | None = None,
        description: str | None = None,
        **elsewhere: Unpack[Elsewhere],
    ) -> Self:
        """Make an execution; arguments and errors are those of `Artifact.create`."""
        record.ignore(elsewhere)
        return cls._make(
            schema_title,
            resource_id=resource_id,
            display_name=display_name,
            schema_version=schema_version,
            description=description,
            metadata=metadata,
            state=state,
        )

    # -- living --

    @property
    def state(self) -> ExecutionState:
        """Where it stands."""
        return ExecutionState(self.node.state or ExecutionState.STATE_UNSPECIFIED)

    def update(
        self,
        metadata: Mapping[str, object] | None = None,
        description: str | None = None,
        state: ExecutionState | str | None = None,
    ) -> None:
        """Change it. ``metadata`` is merged one level deep: fields that are not named stay.

        Raises:
            WrongTypeError, InvalidError: a value that cannot be kept; nothing was changed.
        """
        self._change(metadata=metadata, description=description, state=state)

    def _happens(self) -> bool:
        return True

    def __enter__(self) -> Self:
        if self.state is not ExecutionState.RUNNING:
            self.update(state=ExecutionState.RUNNING)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.update(state=ExecutionState.COMPLETE)
        else:
            what = f"{type(error).__name__}: {error}"
            self.update(state=ExecutionState.FAILED, metadata={"error": shorten(what, 2000)})

    # -- inputs and outputs --

    def assign_input_artifacts(self, artifacts: Iterable[object]) -> None:
        """Write down what it reads: artifacts, or registered models.

        Raises:
            WrongTypeError: something that is neither; nothing was written.
        """
        self._assign(artifacts, EventKind.INPUT)

    def assign_output_artifacts(self, artifacts: Iterable[object]) -> None:
        """Write down what it made: artifacts, or registered models.

        Raises:
            WrongTypeError: something that is neither; nothing was written.
        """
        self._assign(artifacts, EventKind.OUTPUT)

    def _assign(self, artifacts: Iterable[object], kind: EventKind) -> None:
        if isinstance(artifacts, Artifact | str) or not hasattr(artifacts, "__iter__"):
            raise WrongTypeError(
                f"artifacts are assigned as a list: [artifact], not {type(artifacts).__name__}."
            )
        found = [as_artifact(one) for one in artifacts]
        for artifact in found:
            record.write(
                "event",
                {"execution": self.name, "artifact": artifact.name, "kind": str(kind)},
                run=self._run,
            )
        if self._run is not None and found:
            nodes: Any = [artifact.name for artifact in found]
            record.write("member", {"context": self._run.id, "nodes": nodes}, run=self._run)

    def get_input_artifacts(self) -> Sequence[Artifact]:
        """Return what it read, in the order assigned."""
        return self._assigned(EventKind.INPUT)

    def get_output_artifacts(self) -> Sequence[Artifact]:
        """Return what it made, in the order assigned."""
        return self._assigned(EventKind.OUTPUT)

    def _assigned(self, kind: EventKind) -> Sequence[Artifact]:
        store = self._store()
        store.refresh()
        ids = [
            event.artifact
            for event in store.catalog.events([self.name])
            if event.execution == self.name and event.kind is kind
        ]
        nodes = store.catalog.get_nodes(ids)
        return [Artifact._of(nodes[an_id]) for an_id in dict.fromkeys(ids) if an_id in nodes]


def as_artifact(thing: object) -> Artifact:
    """Return the artifact that is meant: one itself, its id or uri, or a registered model's node.

    Raises:
        WrongTypeError: it is nothing of the kind.
        NotFoundError: no artifact has that id or uri.
    """
    if isinstance(thing, Artifact):
        return thing
    if isinstance(thing, str):
        if "/" not in thing or "/artifacts/" in f"/{thing}":
            found = Artifact.get(thing)
            if found is not None:
                return found
        nodes = find_by_uri(thing)
        if not nodes:
            raise NotFoundError(f"no artifact has the id or the uri {shorten(thing)!r}.")
        return Artifact._of(nodes[0])
    resource = getattr(thing, "resource_name", None)
    if isinstance(resource, str) and not isinstance(thing, GraphNode):
        return _resource_artifact(resource, str(getattr(thing, "display_name", resource)))
    raise WrongTypeError(
        f"expected an artifact, not {type(thing).__name__} {shorten(repr(thing))}. "
        "Artifact.create(…) or run.log_artifact(path) makes one."
    )


def _resource_artifact(resource: str, display_name: str) -> Artifact:
    """Return the ``google.VertexModel`` artifact of a registered model, made if need be."""
    nodes = find_by_uri(resource)
    if nodes:
        return Artifact._of(nodes[0])
    return Artifact.create(
        "google.VertexModel",
        uri=resource,
        display_name=display_name,
        metadata={"resourceName": resource},
    )


def start_execution(
    *,
    schema_title: str | None = None,
    display_name: str | None = None,
    resource_id: str | None = None,
    metadata: Mapping[str, object] | None = None,
    schema_version: str | None = None,
    description: str | None = None,
    resume: bool = False,
    **elsewhere: Unpack[Elsewhere],
) -> Execution:
    """Start an execution, or go on with one; use it in a ``with`` statement.

    While a run is active, the execution and every artifact assigned to it are attached to the run.

    Args:
        schema_title: what kind of thing ran, for instance ``system.ContainerExecution``.
        display_name: its name for people.
        resource_id: its id; needed to resume.
        metadata: what is known of it; types are kept.
        schema_version: of the schema; "0.0.1" if you give none.
        description: what it is for, in words.
        resume: go on with the execution of that resource_id.
        elsewhere: Vertex's project, location, …; of no effect here.

    Raises:
        InvalidError: no schema_title, or nothing to resume named.
        NotFoundError: there is no execution to resume.
        AlreadyExistsError: the resource_id is taken.
    """
    record.ignore(elsewhere)
    run = record.active_run()
    if resume:
        if not resource_id:
            raise InvalidError("resource_id is needed to resume an execution.")
        execution = Execution(resource_id)
        execution._run = run
    elif not schema_title:
        raise InvalidError(
            "schema_title is needed to start an execution, for instance "
            "schema_title='system.ContainerExecution'."
        )
    else:
        execution = Execution.create(
            schema_title,
            display_name=display_name,
            resource_id=resource_id,
            metadata=metadata,
            schema_version=schema_version,
            description=description,
        )
    if run is not None:
        record.write("member", {"context": run.id, "nodes": [execution.name]}, run=run)
    return execution
