"""What a schema class is: the description of a node that is not made yet, with a fixed title.

Making an instance writes nothing; ``.create()`` does. Signatures are Vertex's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mendel.graph.lineage import ArtifactState, ExecutionState
from mendel.graph.values import normal_items
from mendel.track import record
from mendel.track.artifact import Artifact
from mendel.track.context import Context
from mendel.track.execution import Execution, start_execution

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from mendel.graph.values import Value
    from mendel.track.node import GraphNode
    from mendel.track.record import Elsewhere


class _Schema:
    schema_title: ClassVar[str]
    _of: ClassVar[type[GraphNode]]

    def __init__(
        self,
        resource_id: str | None,
        display_name: str | None,
        schema_version: str | None,
        description: str | None,
        metadata: Mapping[str, object] | None,
    ) -> None:
        self.resource_id = resource_id
        self.display_name = display_name
        self.schema_version = schema_version
        self.description = description
        self.metadata: dict[str, Value] = normal_items(metadata or {}, "metadata field")

    def _fields(self) -> dict[str, Any]:
        return {
            "resource_id": self.resource_id,
            "display_name": self.display_name,
            "schema_version": self.schema_version,
            "description": self.description,
            "metadata": self.metadata,
        }

    @classmethod
    def _list(cls, filter_: str | None, order_by: str | None) -> Sequence[Any]:
        mine = f'schema_title="{cls.schema_title}"'
        return cls._of.list(f"{mine} AND ({filter_})" if filter_ else mine, order_by)


class ArtifactSchema(_Schema):
    """An artifact that is not made yet."""

    _of = Artifact

    def __init__(
        self,
        *,
        artifact_id: str | None = None,
        uri: str | None = None,
        display_name: str | None = None,
        schema_version: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, object] | None = None,
        state: ArtifactState | str = ArtifactState.LIVE,
    ) -> None:
        super().__init__(artifact_id, display_name, schema_version, description, metadata)
        self.uri = uri
        self.state = state

    def create(self, **elsewhere: Unpack[Elsewhere]) -> Artifact:
        """Make it; raises as `Artifact.create`."""
        return Artifact.create(
            self.schema_title, uri=self.uri, state=self.state, **self._fields(), **elsewhere
        )

    @classmethod
    def list(
        cls,
        filter: str | None = None,  # noqa: A002 - Vertex's name
        order_by: str | None = None,
        **elsewhere: Unpack[Elsewhere],
    ) -> Sequence[Artifact]:
        """Return the artifacts of this kind; arguments are those of `Artifact.list`."""
        record.ignore(elsewhere)
        return cls._list(filter, order_by)


class ExecutionSchema(_Schema):
    """An execution that is not made yet."""

    _of = Execution

    def __init__(
        self,
        *,
        state: ExecutionState | str = ExecutionState.RUNNING,
        execution_id: str | None = None,
        display_name: str | None = None,
        schema_version: str | None = None,
        metadata: Mapping[str, object] | None = None,
        description: str | None = None,
    ) -> None:
        super().__init__(execution_id, display_name, schema_version, description, metadata)
        self.state = state

    def create(self, **elsewhere: Unpack[Elsewhere]) -> Execution:
        """Make it; raises as `Execution.create`."""
        return Execution.create(self.schema_title, state=self.state, **self._fields(), **elsewhere)

    def start_execution(self, **elsewhere: Unpack[Elsewhere]) -> Execution:
        """Start it, attached to the active run if there is one; see `mendel.start_execution`."""
        return start_execution(schema_title=self.schema_title, **self._fields(), **elsewhere)

    @classmethod
    def list(
        cls,
        filter: str | None = None,  # noqa: A002 - Vertex's name
        order_by: str | None = None,
        **elsewhere: Unpack[Elsewhere],
    ) -> Sequence[Execution]:
        """Return the executions of this kind; arguments are those of `Execution.list`."""
        record.ignore(elsewhere)
        return cls._list(filter, order_by)


class ContextSchema(_Schema):
    """A context that is not made yet."""

    _of = Context

    def __init__(
        self,
        *,
        context_id: str | None = None,
        display_name: str | None = None,
        schema_version: str | None = None,
        metadata: Mapping[str, object] | None = None,
        description: str | None = None,
    ) -> None:
        super().__init__(context_id, display_name, schema_version, description, metadata)

    def create(self, **elsewhere: Unpack[Elsewhere]) -> Context:
        """Make it; raises as `Context.create`."""
        return Context.create(self.schema_title, **self._fields(), **elsewhere)

    @classmethod
    def get(cls, resource_id: str, **elsewhere: Unpack[Elsewhere]) -> Context | None:
        """Return a context of this kind by its id; None if there is none."""
        found = Context.get(resource_id, **elsewhere)
        return found if found is not None and found.schema_title == cls.schema_title else None

    @classmethod
    def list(
        cls,
        filter: str | None = None,  # noqa: A002 - Vertex's name
        order_by: str | None = None,
        **elsewhere: Unpack[Elsewhere],
    ) -> Sequence[Context]:
        """Return the contexts of this kind; arguments are those of `Context.list`."""
        record.ignore(elsewhere)
        return cls._list(filter, order_by)


def with_fields(
    metadata: Mapping[str, object] | None, fields: Mapping[str, object]
) -> dict[str, object]:
    """Return metadata with the fields that were given: None was not, 0.0 was."""
    return {**(metadata or {}), **{k: v for k, v in fields.items() if v is not None}}
