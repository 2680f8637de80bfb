"""What may come next in a search that is being typed: for the console, and for shells."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mendel.graph.errors import QueryError
from mendel.graph.query_field import ATTRIBUTES, CAPTURED, LINEAGE, FieldKind, kind_of
from mendel.graph.query_lex import QUOTES, Kind, Token, quote, tokens
from mendel.graph.query_literal import full_name
from mendel.graph.query_text import name_text
from mendel.graph.run import RunState

if TYPE_CHECKING:
    from collections.abc import Iterable

OPERATORS = (
    "=", "!=", "<", "<=", ">", ">=", "=~", "!~", "in (", "not in (", "between", "is null",
    "is not null", "is nan", "like", "ilike", "contains",
)  # fmt: skip
_COMPARING = frozenset(["=", "==", "!=", "<>", "<", "<=", ">", ">=", "=~", "!~"])
_VALUE_WORDS = frozenset({"like", "ilike", "contains", "between"})


class Expected(enum.StrEnum):
    """What a place in a search waits for."""

    FIELD = "field"
    OPERATOR = "operator"
    VALUE = "value"
    JOIN = "join"  # and, or, the end


@dataclass(frozen=True, slots=True)
class Completion:
    """What may stand between ``start`` and ``end``; ``field`` is what a value is compared with."""

    expected: Expected
    start: int
    end: int
    choices: tuple[str, ...]
    field: str | None = None


def complete(text: str, position: int, keys: Iterable[str] = ()) -> Completion:
    """Return what may come at a place of a search.

    Args:
        text: the search as far as it was typed.
        position: where the cursor stands, from 0.
        keys: full names of the columns that there are (``params.lr``, ``metrics.loss``).
    """
    before = text[:position]
    known, start = _tokens(before)
    typed = _bare(before[start:])
    place = _Place()
    for token in known:
        place.step(token)
    expected, field = place.expected, place.field
    choices = _choices(expected, field, keys)
    fitting = [c for c in choices if _bare(c).startswith(typed)]
    if expected is Expected.FIELD:  # a part of the name will do, after those that begin so
        fitting += [c for c in choices if typed in _bare(c) and c not in fitting]
    return Completion(expected, start, position, tuple(fitting), field)


def _bare(text: str) -> str:
    """Return a text without quotes and in lower case: people begin names in any quotes."""
    return "".join(c for c in text if c not in QUOTES).lower()


def _tokens(before: str) -> tuple[list[Token], int]:
    """Return the whole tokens, and where the piece begins that is being typed."""
    cuts = (len(before), *_unfinished(before))
    pieces = ((cut, _read(before[:cut])) for cut in cuts)
    cut, found = next((cut, read) for cut, read in pieces if read is not None)
    last = found[-1] if found else None
    typing = last is not None and last.end == len(before) and _may_grow(last)
    return (found[:-1], found[-1].start) if typing else (found, cut)


def _read(piece: str) -> list[Token] | None:
    try:
        return tokens(piece, LINEAGE)[:-1]
    except QueryError:
        return None


def _may_grow(token: Token) -> bool:
    return token.kind is not Kind.SYMBOL or token.value in {"-", "+"}


def _unfinished(before: str) -> list[int]:
    """Return the places, last first, where a piece may begin that cannot be read yet.

    The beginning is always among them, and what stands before it can be read.
    """
    starts = [i for i, c in enumerate(before) if c in QUOTES or before[i - 1 : i] in {"", " ", "("}]
    return starts[::-1]


def _word(token: Token) -> str:
    plain = token.kind is Kind.NAME and not token.quoted and len(token.parts) == 1
    return token.parts[0].lower() if plain else ""


@dataclass(slots=True)
class _Place:
    """What is waited for after the tokens that were walked over."""

    expected: Expected = Expected.FIELD
    field: str | None = None
    values: int = 1  # how many values are still to come; without end within parentheses

    def step(self, token: Token) -> None:
        """Go over one token."""
        word = _word(token) or (token.value if token.kind is Kind.SYMBOL else "")
        if word in {"and", "or"} and (self.expected is not Expected.VALUE):
            self.expected = Expected.FIELD
        elif self.expected is Expected.FIELD:
            self._after_field(token, word)
        elif self.expected is Expected.OPERATOR:
            self._after_operator(word)
        elif self.expected is Expected.VALUE:
            self.values -= word not in {"and", ","}
            if word == ")" or self.values == 0:
                self.expected = Expected.JOIN

    def _after_field(self, token: Token, word: object) -> None:
        if word not in {"(", "not", "!"}:
            self.field = _field(token)
            whole = token.kind in {Kind.TEXT, Kind.PATTERN}
            self.expected = Expected.JOIN if whole else Expected.OPERATOR

    def _after_operator(self, word: object) -> None:
        if word in {"null", "nan", "true", "false"}:
            self.expected = Expected.JOIN
        elif word in _COMPARING or word in _VALUE_WORDS or word == "(":
            self.expected = Expected.VALUE
            self.values = {"(": -1, "between": 2}.get(str(word), 1)


def _field(token: Token) -> str | None:
    if token.kind is not Kind.NAME:
        return None
    try:
        return full_name(token, "")
    except QueryError:
        return None


def _choices(expected: Expected, field: str | None, keys: Iterable[str]) -> list[str]:
    if expected is Expected.FIELD:
        names = sorted({*ATTRIBUTES, *map(name_text, keys)})
        return [*names, *(f"{word}:" for word in LINEAGE), *CAPTURED, "not"]
    if expected is Expected.OPERATOR:
        return [*OPERATORS, *(["and", "or"] if field is None else [])]
    if expected is Expected.JOIN:
        return ["and", "or", ")"]
    kind = None if field is None else kind_of(field)
    return _VALUES.get(kind, [])


_VALUES: dict[FieldKind | None, list[str]] = {
    FieldKind.STATE: [quote(state.value) for state in RunState],
    FieldKind.BOOL: ["true", "false"],
    FieldKind.TIME: ["-1h", "-1d", "-7d", "now()"],
}
