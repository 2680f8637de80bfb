"""Reads the filters of Google's lists (AIP-160, as Vertex ML Metadata takes them) into our tree.

What ``Artifact.list(filter=…)`` and its like take: ``display_name = "x" AND
metadata.rows.number_value > 10``, ``in_context("id")``, ``parent_contexts:"a,b"``,
``labels.env=prod``, ``labels.env:*``, times in
RFC 3339, AND, OR, NOT and parentheses (OR binds closer than AND, as AIP-160 has it).

The fields of the tree are ``id display_name schema_title schema_version description uri state run
created updated``, ``metadata.<key>`` (labels are ``metadata.labels.<key>``), and, as lists of ids,
``in_context``, ``parent_contexts`` and ``child_contexts``.

Source: https://google.aip.dev/160 and the protos of google.cloud.aiplatform.v1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.graph import clock
from mendel.graph.errors import did_you_mean
from mendel.graph.query_cursor import Cursor
from mendel.graph.query_lex import Kind, Token
from mendel.graph.query_tree import (
    EVERYTHING,
    And,
    Compare,
    Expr,
    Has,
    In,
    IsNull,
    Literal,
    Not,
    Or,
    OrderTerm,
)

if TYPE_CHECKING:
    from mendel.graph.query_tree import Order

MAX_DEPTH = 50  # ten times what Vertex takes

FIELDS = {
    "id": "id", "name": "id",
    "display_name": "display_name", "displayName": "display_name",
    "schema_title": "schema_title", "schemaTitle": "schema_title",
    "schema_version": "schema_version", "schemaVersion": "schema_version",
    "description": "description", "uri": "uri", "state": "state", "run": "run",
    "create_time": "created", "createTime": "created", "created": "created",
    "update_time": "updated", "updateTime": "updated", "updated": "updated",
}  # fmt: skip
TIMES = frozenset({"created", "updated"})
MEMBERSHIP = ("in_context", "parent_contexts", "child_contexts")
TYPED = {"number_value": (int, float), "string_value": (str,), "bool_value": (bool,)}
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")


def parse(text: str) -> Expr:
    """Return the tree of an AIP-160 filter; an empty one takes everything.

    Raises:
        QueryError: it cannot be read; the error points at the character.
    """
    reader = _Reader(text)
    if reader.at(Kind.END):
        return EVERYTHING
    expr = reader.either(0)
    if not reader.at(Kind.END):
        raise reader.error(f"expected AND, OR or the end, not {reader.shown()}.")
    return expr


def parse_order(text: str) -> Order:
    """Return an order such as ``create_time desc, display_name``.

    Raises:
        QueryError: it cannot be read.
    """
    reader = _Reader(text)
    out: list[OrderTerm] = []
    while not reader.at(Kind.END):
        field, _ = _untyped(reader.field(reader.take()))
        descending = reader.keyword("desc")
        if not descending:
            reader.keyword("asc")
        out.append(OrderTerm(field, descending))
        if not reader.symbol(",") and not reader.at(Kind.END):
            raise reader.error(f"expected asc, desc, a comma or the end, not {reader.shown()}.")
    return tuple(out)


class _Reader(Cursor):
    """One reading of one filter."""

    def either(self, depth: int) -> Expr:
        """Read ``a AND b``; terms side by side are joined so too."""
        parts = [self.alternatives(depth)]
        while self.keyword("and") or self._goes_on():
            parts.append(self.alternatives(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _goes_on(self) -> bool:
        if self.at(Kind.SYMBOL):
            return self.now.value in {"(", "-"}
        return self.at(Kind.NAME)

    def alternatives(self, depth: int) -> Expr:
        """Read ``a OR b``."""
        parts = [self.negation(depth)]
        while self.keyword("or"):
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def negation(self, depth: int) -> Expr:
        """Read ``NOT a``, ``-a``, ``(…)`` or a restriction."""
        if depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} deep.")
        if self.keyword("not") or self.symbol("-"):
            return Not(self.negation(depth + 1))
        if self.symbol("("):
            expr = self.either(depth + 1)
            self.expect(")")
            return expr
        return self.restriction()

    def restriction(self) -> Expr:
        """Read ``field op value``, ``field:value`` or ``in_context(…)``."""
        token = self.take()
        if token.kind is not Kind.NAME:
            raise self.error(
                f'expected a restriction such as display_name="x", not {self.shown(token)}.', token
            )
        if token.parts[0] in MEMBERSHIP:
            return self.membership(token)
        field = self.field(token)
        if self.symbol(":"):
            return self.has(field)
        op = self.take()
        if op.kind is not Kind.SYMBOL or op.value not in _OPERATORS:
            raise self.error(f"expected one of = != < <= > >= :, not {self.shown(op)}.", op)
        return self.compared(field, str(op.value))

    def membership(self, token: Token) -> Expr:
        """Read the contexts after ``in_context`` and its like; one of them is enough."""
        field = token.parts[0]
        if self.symbol("("):
            names = [self.text_value()]
            while self.symbol(","):
                names.append(self.text_value())
            self.expect(")")
        else:
            if not self.symbol(":"):
                self.expect("=")
            names = self.text_value().split(",")
        tests = tuple(Has(field, _plain(name.strip())) for name in names)
        return tests[0] if len(tests) == 1 else Or(tests)

    def field(self, token: Token) -> str:
        """Return the full name of a field."""
        if token.kind is not Kind.NAME:
            raise self.error(f"expected a field, not {self.shown(token)}.", token)
        first, *rest = token.parts
        if first == "metadata" and rest:
            return "metadata." + ".".join(rest)
        if first == "labels" and rest:
            return "metadata.labels." + ".".join(rest)
        name = ".".join(token.parts)
        if name not in FIELDS:
            known = (*FIELDS, "metadata", "labels", *MEMBERSHIP)
            raise self.error(f"no field {name!r}{did_you_mean(name, known)}", token)
        return FIELDS[name]

    def has(self, field: str) -> Expr:
        """Read what follows ``field:``; * asks whether it is there."""
        if self.symbol("*"):
            return Not(IsNull(_untyped(field)[0]))
        token = self.now
        value = self.value()
        name, types = _untyped(field)
        return In(name, (self.fitting(field, value, types, token),))

    def compared(self, field: str, op: str) -> Expr:
        """Read the value of a comparison."""
        token = self.now
        value = self.value()
        name, types = _untyped(field)
        value = self.fitting(name, value, types, token)
        if isinstance(value, str) and "*" in value and op in {"=", "!="} and types is None:
            test = Has(name, value)
            return test if op == "=" else And((Not(IsNull(name)), Not(test)))
        return Compare(name, op, value)

    def fitting(
        self, field: str, value: Literal, types: tuple[type, ...] | None, token: Token
    ) -> Literal:
        """Return a value as its field takes it."""
        if field in TIMES:
            if not isinstance(value, str):
                raise self.error(f"{field!r} is a time, in quotes and RFC 3339.", token)
            try:
                return clock.parse_iso(value)
            except (ValueError, OverflowError):
                raise self.error(
                    f"{value!r} is no time in RFC 3339, such as 2026-11-23T10:00:00Z.", token
                ) from None
        if types is not None and type(value) not in types:
            kinds = " or ".join(t.__name__ for t in types)
            raise self.error(f"{value!r} is no {kinds}.", token)
        return value

    def text_value(self) -> str:
        """Read a text."""
        token = self.now
        value = self.value()
        if not isinstance(value, str):
            raise self.error(f"expected a text, not {self.shown(token)}.", token)
        return value

    def value(self) -> Literal:
        """Read a value; words need no quotes."""
        token = self.take()
        if token.kind in {Kind.TEXT, Kind.NUMBER, Kind.DATE}:
            return token.value  # type: ignore[return-value]
        word = self.word(token)
        if word in {"true", "false"}:
            return word == "true"
        if token.kind is Kind.NAME and word not in {"and", "or", "not"}:
            end = token.end
            if self.at(Kind.SYMBOL) and self.now.value == "*" and self.now.start == end:
                end = self.take().end
            return self.text[token.start : end]
        raise self.error(f"expected a value, not {self.shown(token)}.", token)


def _plain(name: str) -> str:
    """Return the last part of a resource's full name: its id."""
    return name.rpartition("/")[2]


def _untyped(field: str) -> tuple[str, tuple[type, ...] | None]:
    """Split ``metadata.rows.number_value`` into the field and the types that it asks for."""
    name, dot, last = field.rpartition(".")
    if dot and last in TYPED and name.startswith("metadata."):
        return name, TYPED[last]
    return field, None
