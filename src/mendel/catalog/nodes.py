"""Finds nodes by an AIP-160 filter, sorts and pages them, one node at a time, for every catalog."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mendel.graph import aip
from mendel.graph.query import matches
from mendel.graph.query_order import sort_items
from mendel.graph.query_run import find as find_in
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


def find(query: NodeQuery, nodes: Iterable[Node], pairs: Pairs) -> list[Node]:
    """Return the nodes that match, in order.

    Raises:
        QueryError: the filter or the order cannot be read.
    """
    expr = aip.parse(query.filter)
    order = aip.parse_order(query.order_by)
    found = [n for n in nodes if matches(expr, partial(value, pairs, n))]
    found.sort(key=lambda n: (n.created, n.id), reverse=True)
    return sort_items(found, order, partial(value, pairs))


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
