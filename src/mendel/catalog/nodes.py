"""Finds nodes by an AIP-160 filter, sorts and pages them, one node at a time, for every catalog."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mendel.graph import aip
from mendel.graph.query import fields, matches
from mendel.graph.query_order import sort_items
from mendel.graph.query_run import find as find_in
from mendel.graph.query_tree import EVERYTHING, And, Compare
from mendel.graph.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from mendel.catalog.contract import NodeQuery
    from mendel.graph.lineage import Node
    from mendel.graph.values import Missing, Value


class Pairs(NamedTuple):
    """Who belongs to whom: (context, node), and (parent context, child context)."""

    members: Collection[tuple[str, str]]
    children: Collection[tuple[str, str]]


NO_PAIRS = Pairs((), ())
INDEXED = ("id", "uri", "display_name", "schema_title")
ATTRIBUTES = {
    "id": "id",
    "name": "id",
    "display_name": "display_name",
    "uri": "uri",
    "state": "state",
    "schema_title": "schema_title",
    "schema_version": "schema_version",
    "description": "description",
    "create_time": "created",
    "created": "created",
    "update_time": "updated",
    "updated": "updated",
    "run": "run",
}


class Search:
    """A query, read.

    ``equal`` are columns with the one value that they must have, which a database can look for;
    ``needs_pairs``: whether it asks who belongs to which context; ``takes_all``: neither filter nor
    order is given.

    Raises:
        QueryError: the filter or the order cannot be read.
    """

    def __init__(self, query: NodeQuery) -> None:
        self._expr = aip.parse(query.filter)
        self._order = aip.parse_order(query.order_by)
        self.takes_all = self._expr == EVERYTHING and not self._order
        self.needs_pairs = any(field in aip.MEMBERSHIP for field in fields(self._expr))
        parts = self._expr.parts if isinstance(self._expr, And) else (self._expr,)
        self.equal = {
            part.field: part.value
            for part in parts
            if isinstance(part, Compare)
            and part.op == "="
            and part.field in INDEXED
            and isinstance(part.value, str)
        }

    def find(self, nodes: Iterable[Node], pairs: Pairs) -> list[Node]:
        """Return those nodes that match, in order."""
        found = [n for n in nodes if matches(self._expr, partial(value, pairs, n))]
        found.sort(key=lambda n: (n.created, n.id), reverse=True)
        return sort_items(found, self._order, partial(value, pairs))


def value(pairs: Pairs, node: Node, field: str) -> Value | Missing:
    """Return a node's value of a field of the filter language."""
    if field in ATTRIBUTES:
        got = getattr(node, ATTRIBUTES[field])
        return MISSING if got is None else got
    drawer, _, key = field.partition(".")
    if drawer == "metadata":
        return find_in(node.metadata, key)
    if field == "in_context":
        return _texts(c for c, member in pairs.members if member == node.id)
    if field == "parent_contexts":
        return _texts(p for p, child in pairs.children if child == node.id)
    if field == "child_contexts":
        return _texts(child for p, child in pairs.children if p == node.id)
    return MISSING


def _texts(texts: Iterable[str]) -> list[Value]:
    return [*sorted(texts)]
