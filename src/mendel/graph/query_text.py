"""Writes the tree of a search as text again: what is read from it is the same tree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mendel.graph import clock
from mendel.graph.query_field import ATTRIBUTES, CAPTURED, FieldKind, kind_of
from mendel.graph.query_lex import is_plain_part, quote
from mendel.graph.query_tree import (
    And,
    Between,
    Compare,
    Contains,
    Expr,
    FromNow,
    Has,
    In,
    IsNan,
    IsNull,
    Leaf,
    Like,
    Literal,
    Not,
    Or,
    Order,
    Regex,
    Word,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def unparse(expr: Expr) -> str:
    """Return the text of a tree, in the search language."""
    match expr:
        case And(parts):
            return " and ".join(_inside(p) for p in parts)
        case Or(parts):
            return " or ".join(_inside(p) for p in parts)
        case Not(inner):
            return f"not {_inside(inner)}"
        case _:
            return _WRITERS[type(expr)](expr)


def _inside(expr: Expr) -> str:
    text = unparse(expr)
    return f"({text})" if isinstance(expr, And | Or) else text


def unparse_order(order: Order) -> str:
    """Return the text of an order."""
    return ", ".join(name_text(t.field) + (" desc" if t.descending else "") for t in order)


def name_text(field: str) -> str:
    """Return a field as a search writes it, quoted where it must be."""
    if field in ATTRIBUTES:
        return field
    first, dot, rest = field.partition(".")
    if first in CAPTURED and not dot:
        return first
    parts = rest.split(".")
    if all(map(is_plain_part, parts)):
        return field
    return f"{first}.{quote(rest, '`')}"


def _value(field: str, value: Literal) -> str:
    if isinstance(value, FromNow):
        return f"now() {'-' if value.seconds < 0 else '+'} {abs(value.seconds)!r}s"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if kind_of(field) is FieldKind.TIME and math.isfinite(value):
        return _time(value)
    return repr(value)


def _time(seconds: float) -> str:
    """Return a time as people write it, where nothing of it is lost; else as a number."""
    try:
        text = clock.iso(seconds)
        exact = clock.parse_iso(text) == seconds
    except (ValueError, OverflowError, OSError):
        exact = False
    return quote(text) if exact else repr(float(seconds))


def _not(negated: bool) -> str:
    return "not " if negated else ""


def _compare(leaf: Compare) -> str:
    return f"{name_text(leaf.field)} {leaf.op} {_value(leaf.field, leaf.value)}"


def _in(leaf: In) -> str:
    values = ", ".join(_value(leaf.field, v) for v in leaf.values)
    return f"{name_text(leaf.field)} {_not(leaf.negated)}in ({values})"


def _between(leaf: Between) -> str:
    low, high = _value(leaf.field, leaf.low), _value(leaf.field, leaf.high)
    return f"{name_text(leaf.field)} {_not(leaf.negated)}between {low} and {high}"


def _like(leaf: Like) -> str:
    word = "ilike" if leaf.ignore_case else "like"
    escape = f" escape {quote(leaf.escape)}" if leaf.escape != "\\" else ""
    return f"{name_text(leaf.field)} {_not(leaf.negated)}{word} {quote(leaf.pattern)}{escape}"


def _regex(leaf: Regex) -> str:
    return f"{name_text(leaf.field)} {'!~' if leaf.negated else '=~'} {quote(leaf.pattern)}"


def _contains(leaf: Contains) -> str:
    return f"{name_text(leaf.field)} {_not(leaf.negated)}contains {_value(leaf.field, leaf.value)}"


_LINEAGE = {
    "artifact.inputs": "input",
    "artifact.outputs": "output",
    "artifact.datasets": "dataset",
    "artifact.models": "model",
}

_WRITERS: dict[type[Leaf], Callable[..., str]] = {
    Compare: _compare,
    In: _in,
    Between: _between,
    IsNull: lambda leaf: f"{name_text(leaf.field)} is null",
    IsNan: lambda leaf: f"{name_text(leaf.field)} is nan",
    Like: _like,
    Regex: _regex,
    Contains: _contains,
    Has: lambda leaf: f"{_LINEAGE[leaf.field]}:{quote(leaf.pattern)}",
    Word: lambda leaf: quote(leaf.text),
}
