"""Fits what a search writes to the field beside it: full names, times, states, null and nan."""

from __future__ import annotations

import difflib
import math
import re
from typing import TYPE_CHECKING

from mendel.graph import clock
from mendel.graph.errors import QueryError, did_you_mean
from mendel.graph.query_field import (
    ATTRIBUTE_PREFIXES,
    CAPTURED,
    DRAWERS,
    NAMES,
    STATES,
    FieldKind,
    kind_of,
)
from mendel.graph.query_lex import Kind, Token
from mendel.graph.query_tree import (
    And,
    Between,
    Compare,
    Expr,
    FromNow,
    IsNan,
    IsNull,
    Literal,
    Not,
    is_nan,
    read_number,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86400.0
MILLISECONDS = (1e11, 1e14)  # a time between is in milliseconds, as MLflow's are: 1973 to 5138


def comparison(field: str, op: str, value: Literal, token: Token, text: str) -> Expr:
    """Return the tree of a comparison; null, nan and whole days have a meaning of their own."""
    is_null = value == "" and token.kind is Kind.NAME
    if is_null or is_nan(value):
        return _absence(field, op, token, text, is_null=is_null)
    if kind_of(field) is FieldKind.TIME and op in {"=", "!="} and _is_day(token):
        assert isinstance(value, float)  # noqa: S101 - made by suited
        end = math.nextafter(value + DAY, 0)
        return Between(field, value, end, negated=op == "!=")
    return Compare(field, op, value)


def _absence(field: str, op: str, token: Token, text: str, *, is_null: bool) -> Expr:
    """Return the test of ``= null``, ``!= null``, ``= nan`` or ``!= nan``."""
    if op not in {"=", "!="}:
        raise QueryError("null and nan are neither less nor more than anything.", text, token.start)
    if op == "=":
        return IsNull(field) if is_null else IsNan(field)
    if is_null:
        return Not(IsNull(field))
    return And((Not(IsNull(field)), Not(IsNan(field))))


def _is_day(token: Token) -> bool:
    return token.kind in {Kind.DATE, Kind.TEXT} and (
        re.fullmatch(r"\d{4}-\d\d-\d\d", str(token.value)) is not None
    )


def suited(field: str, value: Literal, token: Token, text: str) -> Literal:
    """Return a value as an attribute's kind takes it: times as seconds, states in our words."""
    kind = kind_of(field)
    if kind is FieldKind.TIME:
        return _time(field, value, token, text)
    if isinstance(value, FromNow):
        if kind is not None:
            raise QueryError(f"{field!r} is no time.", text, token.start)
        return value
    if kind is FieldKind.STATE:
        return _state(value, token, text)
    if kind in {FieldKind.SECONDS, FieldKind.NUMBER} and isinstance(value, str):
        number = read_number(value)
        if number is None:
            raise QueryError(f"{field!r} is a number; {value!r} is none.", text, token.start)
        return number
    if kind is FieldKind.BOOL:
        return _truth(field, value, token, text)
    return value


def _time(field: str, value: Literal, token: Token, text: str) -> Literal:
    if isinstance(value, FromNow):
        return value
    if isinstance(value, str):
        try:
            return clock.parse_iso(value)
        except (ValueError, OverflowError):
            raise QueryError(
                f"{field!r} is a time, and {value!r} is none: write '2026-11-23', "
                "'2026-11-23T10:00:00Z', -7d or now() - 12h.",
                text,
                token.start,
            ) from None
    if isinstance(value, bool):
        raise QueryError(f"{field!r} is a time: write '2026-11-23' or -7d.", text, token.start)
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf if value > 0 else -math.inf
    low, high = MILLISECONDS
    return seconds / 1000 if low < seconds < high else seconds


def _state(value: Literal, token: Token, text: str) -> str:
    word = str(value).upper()
    if word not in STATES:
        known = did_you_mean(word, STATES, most=20)
        raise QueryError(f"no state {value!r}{known}", text, token.start)
    return STATES[word]


def _truth(field: str, value: Literal, token: Token, text: str) -> bool:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if value not in (0, 1):
        raise QueryError(f"{field!r} is true or false.", text, token.start)
    return bool(value)


def full_name(token: Token, text: str) -> str:
    """Return the full name of a field: ``params.lr``, ``state``, ``git.commit``.

    Raises:
        QueryError: no such field.
    """
    first, *rest = token.parts
    lowered = first.lower()
    if rest and lowered in ATTRIBUTE_PREFIXES:
        name = ".".join(rest).lower().replace(" ", "_")
        if name not in NAMES:
            raise QueryError(f"no attribute {name!r}{did_you_mean(name, NAMES)}", text, token.start)
        return NAMES[name]
    if lowered in DRAWERS:
        return _key(token, DRAWERS[lowered], text)
    if first in CAPTURED:
        return ".".join(token.parts)
    if rest or lowered not in NAMES:
        raise QueryError(_unknown(token.parts), text, token.start)
    return NAMES[lowered]


def _key(token: Token, drawer: str, text: str) -> str:
    """Return the full name of a key in params, metrics, tags or what was captured."""
    first, *rest = token.parts
    key = ".".join(rest)
    if not key:
        raise QueryError(f"which of the {first}? Write {first}.name.", text, token.start)
    return key if drawer == "capture" and rest[0] in CAPTURED else f"{drawer}.{key}"


def _unknown(parts: Sequence[str]) -> str:
    name = ".".join(parts)
    near = did_you_mean(name, (*NAMES, *CAPTURED))
    if not near.endswith("?") and len(parts) > 1:
        [root, *_] = difflib.get_close_matches(parts[0], (*DRAWERS, *CAPTURED), n=1) or [""]
        near = f"; did you mean '{root}.{'.'.join(parts[1:])}'?" if root else ""
    return (
        f"unknown attribute {name!r}{near if near.endswith('?') else '.'} "
        f"Params, metrics and tags are written params.{parts[0]}, metrics.{parts[0]}, "
        f"tags.{parts[0]}."
    )
