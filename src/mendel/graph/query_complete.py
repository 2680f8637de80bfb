"""What may come next in a search that is being typed: for the console, and for shells."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mendel.graph.errors import QueryError
from mendel.graph.query_field import ATTRIBUTES, CAPTURED, LINEAGE, NAMES, FieldKind, kind_of
from mendel.graph.query_lex import QUOTES, Kind, Token, quote, tokens
from mendel.graph.query_literal import full_name
from mendel.graph.query_text import name_text
from mendel.graph.run import RunState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    expected, field = _expected(known)
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
    for cut in (len(before), *_unfinished(before)):
        try:
            found = tokens(before[:cut], LINEAGE)[:-1]
        except QueryError:
            continue
        if cut < len(before):
            return found, cut
        last = found[-1] if found else None
        typing = last is not None and last.end == len(before) and _may_grow(last)
        return (found[:-1], found[-1].start) if typing else (found, len(before))
    return [], len(before)


def _may_grow(token: Token) -> bool:
    return token.kind is not Kind.SYMBOL or token.value in {"-", "+"}


def _unfinished(before: str) -> list[int]:
    """Return the places, last first, where a piece may begin that cannot be read yet."""
    starts = [i for i, c in enumerate(before) if c in QUOTES or before[i - 1 : i] in {"", " ", "("}]
    return starts[::-1]


def _word(token: Token) -> str:
    plain = token.kind is Kind.NAME and not token.quoted and len(token.parts) == 1
    return token.parts[0].lower() if plain else ""


def _expected(known: Sequence[Token]) -> tuple[Expected, str | None]:
    """Walk over the tokens; return what comes next, and the field of a value."""
    expected, field, depth, ends = Expected.FIELD, None, 0, 1
    for token in known:
        word = _word(token) or (str(token.value) if token.kind is Kind.SYMBOL else "")
        if expected is Expected.FIELD:
            if word not in {"(", "not", "!"}:
                field = _field(token)
                whole = token.kind in {Kind.TEXT, Kind.PATTERN}
                expected = Expected.JOIN if whole else Expected.OPERATOR
        elif expected is Expected.OPERATOR:
            expected = _after_operator(word)
            depth, ends = int(word == "("), 1 + (word == "between")
        elif expected is Expected.VALUE:
            ends -= word not in {"and", ","} and not depth
            if word == ")" or not ends:
                expected = Expected.JOIN
        elif word in {"and", "or"}:
            expected = Expected.FIELD
    return expected, field


def _after_operator(word: str) -> Expected:
    """Return what comes after a word that stands behind a field."""
    if word in {"and", "or"}:
        return Expected.FIELD
    if word in {"null", "nan", "true", "false"}:
        return Expected.JOIN
    if word in _COMPARING or word in _VALUE_WORDS or word == "(":
        return Expected.VALUE
    return Expected.OPERATOR


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
    kind = kind_of(field) if field in NAMES and field is not None else None
    if kind is FieldKind.STATE:
        return [quote(state.value) for state in RunState]
    if kind is FieldKind.BOOL:
        return ["true", "false"]
    return ["-1h", "-1d", "-7d", "now()"] if kind is FieldKind.TIME else []
