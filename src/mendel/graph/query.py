"""The search language, one everywhere: SDK, command line, console, REST (docs/reference/search.md).

``parse`` reads a filter into a tree, ``matches`` judges one run by it, ``unparse`` writes it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from mendel.graph import clock
from mendel.graph.errors import WrongTypeError
from mendel.graph.query_lex import Kind
from mendel.graph.query_parse import Parser, parse_filter
from mendel.graph.query_text import unparse, unparse_order
from mendel.graph.query_tree import (
    EVERYTHING,
    And,
    Expr,
    Leaf,
    Not,
    Or,
    Order,
    OrderTerm,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mendel.graph.values import Missing, Value

    Get: TypeAlias = Callable[[str], Value | Missing]

__all__ = [
    "EVERYTHING",
    "Expr",
    "Leaf",
    "Order",
    "OrderTerm",
    "fields",
    "leaves",
    "matches",
    "parse",
    "parse_field",
    "parse_order",
    "unparse",
    "unparse_order",
]


def parse(text: str) -> Expr:
    """Return the tree of a search; an empty text takes everything.

    Raises:
        QueryError: it cannot be read; the error points at the character.
        WrongTypeError: it is no text.
    """
    if not isinstance(text, str):
        raise WrongTypeError(f"a filter is a text, not {type(text).__name__}.")
    return parse_filter(text)


def parse_field(text: str) -> str:
    """Return the full name of one field as a search writes it: ``param.lr`` gives ``params.lr``.

    Raises:
        QueryError: it is no field.
    """
    parser = Parser(text)
    field = _field(parser)
    if not parser.at(Kind.END):
        raise parser.error(f"expected the end after a field, not {parser.shown()}.")
    return field


def parse_order(terms: str | Iterable[str]) -> Order:
    """Return an order: ``"metrics.loss desc, name"`` or terms one by one.

    Raises:
        QueryError: a term cannot be read.
    """
    out: list[OrderTerm] = []
    for text in [terms] if isinstance(terms, str) else terms:
        parser = Parser(text)
        while not parser.at(Kind.END):
            out.append(_term(parser))
            if not parser.symbol(",") and not parser.at(Kind.END):
                raise parser.error(f"expected asc, desc, a comma or the end, not {parser.shown()}.")
    return tuple(out)


def _term(parser: Parser) -> OrderTerm:
    minus = parser.symbol("-")
    field = _field(parser)
    if parser.keyword("desc", "descending"):
        return OrderTerm(field, descending=not minus)
    parser.keyword("asc", "ascending")
    return OrderTerm(field, descending=minus)


def _field(parser: Parser) -> str:
    if not parser.at(Kind.NAME):
        raise parser.error(f"expected a field such as metrics.loss, not {parser.shown()}.")
    return parser.field()


def matches(expr: Expr, get: Get, now: float | None = None) -> bool:
    """Tell whether a run passes a search.

    Args:
        expr: the tree.
        get: gives the run's value of a field by its full name, `MISSING` where it has none.
        now: seconds since 1970 that relative times count from; None: the clock's.
    """
    return _matches(expr, get, clock.now() if now is None else now)


def _matches(expr: Expr, get: Get, now: float) -> bool:
    if isinstance(expr, And):
        return all(_matches(part, get, now) for part in expr.parts)
    if isinstance(expr, Or):
        return any(_matches(part, get, now) for part in expr.parts)
    if isinstance(expr, Not):
        return not _matches(expr.expr, get, now)
    return expr.holds(get(expr.field), now)


def leaves(expr: Expr) -> Iterator[Leaf]:
    """Yield the tests of a tree, from left to right."""
    if isinstance(expr, And | Or):
        for part in expr.parts:
            yield from leaves(part)
    elif isinstance(expr, Not):
        yield from leaves(expr.expr)
    else:
        yield expr


def fields(expr: Expr) -> tuple[str, ...]:
    """Return the fields that a tree looks at, each once, from left to right."""
    return tuple(dict.fromkeys(leaf.field for leaf in leaves(expr)))
