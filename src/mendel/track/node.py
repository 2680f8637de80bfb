"""What artifacts, executions and contexts have in common: a record, and ways to find and change it.

A node that was made in this process is known here at once; one that is looked up comes from the
catalog. What a run does to a node it made itself is written into its journal; what a person does
to any other (update, delete) is a decision, which wins.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from mendel.graph import clock
from mendel.graph.errors import AlreadyExistsError, InvalidError, NotFoundError, WrongTypeError
from mendel.graph.lineage import Node, NodeKind
from mendel.graph.values import normal, normal_items, shorten
from mendel.track import record
from mendel.track.naming import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from enum import StrEnum
    from typing import Unpack

    from mendel.graph.values import Value
    from mendel.track.record import Elsewhere, Recorder
    from mendel.track.store import Store

DEFAULT_VERSION = "0.0.1"


class NodeFacts:
    """What a node tells of itself."""

    kind: ClassVar[NodeKind]
    noun: ClassVar[str]  # in resource names: artifacts, executions, contexts

    _node: Node

    @property
    def name(self) -> str:
        """Its id."""
        return self._node.id

    @property
    def resource_name(self) -> str:
        """Its id with its kind: ``artifacts/<id>``."""
        return f"{self.noun}/{self._node.id}"

    @property
    def schema_title(self) -> str:
        """What kind of thing it is: ``system.Dataset``, ``google.VertexModel``, or your own."""
        return self._node.schema_title

    @property
    def schema_version(self) -> str:
        """The version of its schema."""
        return self._node.schema_version

    @property
    def display_name(self) -> str:
        """Its name for people."""
        return self._node.display_name

    @property
    def description(self) -> str | None:
        """What it is for, in words."""
        return self._node.description

    @property
    def metadata(self) -> dict[str, Value]:
        """What is known of it; a copy, with the types that were given."""
        copy: Any = normal(self._node.metadata, "metadata")
        return dict(copy)

    @property
    def create_time(self) -> datetime:
        """When it was made, in UTC."""
        return datetime.fromtimestamp(self._node.created, UTC)

    @property
    def update_time(self) -> datetime:
        """When it was last changed, in UTC."""
        return datetime.fromtimestamp(self._node.updated, UTC)

    @property
    def node(self) -> Node:
        """The record itself."""
        return self._node

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NodeFacts):
            return NotImplemented
        return (self.kind, self.name) == (other.kind, other.name)

    def __hash__(self) -> int:
        return hash((self.kind, self.name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.display_name!r}, {self.schema_title}, id={self.name})"


class GraphNode(NodeFacts):
    """A node of the lineage graph; see `Artifact`, `Execution` and `Context`."""

    states: ClassVar[type[StrEnum] | None] = None

    _run: Recorder | None  # the run whose journal takes what happens to it

    def __init__(self, name: str, **elsewhere: Unpack[Elsewhere]) -> None:
        record.ignore(elsewhere)
        found = self._lookup(name)
        if found is None:
            raise NotFoundError(
                f"there is no {self.kind} {shorten(name)!r}. {type(self).__name__}.list() tells "
                "what there is; a filter such as 'display_name=\"x\"' narrows it."
            )
        self._node, self._run = found, None

    @classmethod
    def _of(cls, node: Node, run: Recorder | None = None) -> Self:
        self = cls.__new__(cls)
        self._node, self._run = node, run
        return self

    # -- finding --

    @classmethod
    def _lookup(cls, name: str) -> Node | None:
        an_id = record.last_part(name, cls.noun)
        store = record.current_store()
        store.refresh()
        node = store.catalog.get_nodes([an_id]).get(an_id)
        return node if node is not None and node.kind is cls.kind else None

    @classmethod
    def get(cls, resource_id: str, **elsewhere: Unpack[Elsewhere]) -> Self | None:
        """Return a node by its id or resource name; None if there is none."""
        record.ignore(elsewhere)
        node = cls._lookup(resource_id)
        return None if node is None else cls._of(node)

    @classmethod
    def list(  # noqa: PLR0917 - Vertex's order
        cls,
        filter: str | None = None,  # noqa: A002 - Vertex's name
        metadata_store_id: object = "default",
        project: object = None,
        location: object = None,
        credentials: object = None,
        order_by: str | None = None,
    ) -> Sequence[Self]:
        """Return the nodes that match, newest first unless ordered.

        Args:
            filter: AIP-160, for instance ``schema_title="system.Model" AND
                metadata.auc.number_value > 0.9``. See docs/reference/search.md.
            metadata_store_id: Vertex's, of no effect here.
            project: as metadata_store_id.
            location: as metadata_store_id.
            credentials: as metadata_store_id.
            order_by: for instance ``"display_name, create_time desc"``.

        Raises:
            QueryError: the filter or the order cannot be read; it points at the character.
        """
        del metadata_store_id, project, location, credentials
        return [cls._of(node) for node in cls._find(filter or "", order_by or "")]

    @classmethod
    def _find(cls, filter_: str, order_by: str = "") -> Sequence[Node]:
        from mendel.catalog.contract import NodeQuery

        store = record.current_store()
        store.refresh()
        query = NodeQuery(kind=cls.kind, filter=filter_, order_by=order_by, limit=None)
        return store.catalog.find_nodes(query)[0]

    # -- making --

    @classmethod
    def _make(
        cls,
        schema_title: str,
        *,
        resource_id: str | None,
        display_name: str | None,
        schema_version: str | None,
        description: str | None,
        metadata: Mapping[str, object] | None,
        state: object = None,
        uri: str | None = None,
        run: Recorder | None = None,
        an_id: str | None = None,
    ) -> Self:
        run = run or record.active_run()
        an_id = an_id or record.new_node_id(resource_id, f"the {cls.kind}")
        now = clock.now()
        node = Node(
            id=an_id,
            kind=cls.kind,
            schema_title=_text(schema_title, "schema_title", empty=False),
            schema_version=_text(schema_version or DEFAULT_VERSION, "schema_version", empty=False),
            display_name=check_name(display_name or an_id, f"the {cls.kind}"),
            created=now,
            updated=now,
            state=cls._state(state),
            uri=_text_or_none(uri, "uri"),
            description=_text_or_none(description, "description"),
            metadata=normal_items(metadata or {}, "metadata field"),
            run=None if run is None else run.id,
        )
        if resource_id is not None and not record.disabled():
            cls._refuse_taken(an_id)
        record.write(str(cls.kind), _body(node), run=run, time=now)
        return cls._of(node, run)

    @classmethod
    def _state(cls, state: object) -> str:
        if cls.states is None:
            return ""
        try:
            return str(cls.states(str(getattr(state, "name", state))))
        except ValueError:
            known = ", ".join(cls.states)
            raise InvalidError(
                f"{state!r} is no state of {cls.kind}s; there are: {known}."
            ) from None

    @classmethod
    def _refuse_taken(cls, an_id: str) -> None:
        store = record.current_store()
        store.intake.catch_up()  # a whole refresh might take training's time
        taken = store.catalog.get_nodes([an_id]).get(an_id)
        if taken is not None:
            raise AlreadyExistsError(
                f"the resource_id {shorten(an_id)!r} is taken by the {taken.kind} "
                f"{taken.display_name!r}. {str(taken.kind).title()}.get({an_id!r}) gives that one; "
                "or choose another id, or leave it out."
            )

    # -- changing --

    def update(
        self, metadata: Mapping[str, object] | None = None, description: str | None = None
    ) -> None:
        """Change it. ``metadata`` is merged one level deep: fields that are not named stay.

        Raises:
            WrongTypeError: a value that cannot be kept.
            NotFoundError: it was deleted.
        """
        self._change(metadata=metadata, description=description)

    def _change(self, **changes: Any) -> None:
        body: dict[str, Any] = {k: v for k, v in changes.items() if v is not None}
        if "metadata" in body:
            body["metadata"] = normal_items(body["metadata"], "metadata field")
        if "description" in body:
            _text(body["description"], "description")
        if "state" in body:
            body["state"] = self._state(body["state"])
        if not body:
            return
        if self._happens():
            now = clock.now()
            record.write(str(self.kind), {"id": self.name, **body}, run=self._run, time=now)
            self._merge(body, now)
        else:
            self._store().decide("update_node", self.name, **body)
            self.sync_resource()

    def _happens(self) -> bool:
        """Tell whether a change is something that happens in a run, not what a person decides."""
        return self._run is not None and self._run.writable

    def _merge(self, body: Mapping[str, Any], now: float) -> None:
        changes = dict(body)
        if "metadata" in changes:
            changes["metadata"] = {**self._node.metadata, **changes["metadata"]}
        self._node = dataclasses.replace(self._node, updated=now, **changes)

    def _store(self) -> Store:
        return record.current_store() if self._run is None else self._run.store

    def sync_resource(self) -> None:
        """Read it anew.

        Raises:
            NotFoundError: it was deleted.
        """
        store = self._store()
        store.refresh()
        node = store.catalog.get_nodes([self.name]).get(self.name)
        if node is None:
            raise NotFoundError(f"the {self.kind} {self.display_name!r} was deleted.")
        self._node = node

    def delete(self, sync: bool = True) -> None:  # noqa: ARG002 - Vertex's
        """Delete it; its events go with it. Bytes that no one else needs go with the next gc.

        Raises:
            NotFoundError: it was deleted already.
        """
        self._store().decide("delete_node", self.name)


def _text(value: object, what: str, *, empty: bool = True) -> str:
    if not isinstance(value, str):
        raise WrongTypeError(f"{what} must be text, not {type(value).__name__} {value!r}.")
    if not value and not empty:
        raise InvalidError(f"{what} is empty; for instance 'system.Dataset' or '0.0.1'.")
    return str(value)


def _text_or_none(value: object, what: str) -> str | None:
    return None if value is None else _text(value, what)


def _body(node: Node) -> dict[str, Value]:
    """Return the fact that tells of a new node."""
    return record.compact(
        {
            "id": node.id,
            "schema_title": node.schema_title,
            "schema_version": node.schema_version,
            "display_name": node.display_name,
            "uri": node.uri,
            "state": node.state or None,
            "description": node.description,
            "metadata": node.metadata,
            "create": True,
        }
    )
