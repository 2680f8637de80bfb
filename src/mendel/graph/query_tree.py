"""The tree of a search: what a filter says once it is read, the same for every language it came in.

Leaves test one field and know how to judge one value (`Leaf.holds`); branches combine them. Every
evaluator asks the leaves, so that row by row and column by column cannot come to differ.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from mendel.graph import clock
from mendel.graph.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = re.compile(r"[+-]?(\d+|\d+\.\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TRUTH = {"true": True, "false": False}
MAX_DIGITS = 400  # longer rows of digits are text: no measured number has so many


@dataclass(frozen=True, slots=True)
class FromNow:
    """A time told from the moment of the search: ``-7d`` is seven days before it."""

    seconds: float


Literal: TypeAlias = "bool | int | float | str | FromNow"


def read_number(text: str) -> int | float | None:
    """Return the number that a text spells in decimal digits, or None."""
    if len(text) > MAX_DIGITS or _NUMBER.fullmatch(text) is None:
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)


def is_nan(value: object) -> bool:
    """Tell whether a value is the float NaN."""
    return isinstance(value, float) and value != value  # noqa: PLR0124 - NaN


def is_present(value: object) -> bool:
    """Tell whether there is a value to compare: not missing, not None, not NaN."""
    return value is not MISSING and value is not None and not is_nan(value)


def _stamp(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _pair(value: Any, literal: Literal, now: float) -> tuple[Any, Any] | None:
    """Return both sides in one kind, or None where they have none in common."""
    if isinstance(literal, FromNow):
        literal = now + literal.seconds
        if isinstance(value, datetime):
            return _stamp(value), literal
    if isinstance(value, datetime):
        return _pair_time(value, literal)
    if not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) == isinstance(literal, str):
        return value, literal
    if isinstance(value, str):
        return _beside(_spelled(value, literal), literal)
    read = _spelled(str(literal), value)
    return None if read is None else (value, read)


def _spelled(text: str, beside: object) -> bool | int | float | None:
    """Return what a text spells in the kind of what it stands beside: a bool or a number."""
    return _TRUTH.get(text.lower()) if isinstance(beside, bool) else read_number(text)


def _beside(read: bool | float | None, literal: Literal) -> tuple[Any, Any] | None:
    return None if read is None else (read, literal)


def _pair_time(value: datetime, literal: bool | float | str) -> tuple[float, float] | None:
    if not isinstance(literal, str):
        return None
    try:
        return _stamp(value), clock.parse_iso(literal)
    except ValueError:
        return None


def compare(value: object, op: str, literal: Literal, now: float) -> bool:
    """Tell whether a comparison holds (docs/reference/search.md tells the rules)."""
    if not is_present(value):
        return False
    pair = _pair(value, literal, now)
    if pair is None:
        return op == "!="
    return COMPARISONS[op](*pair)


def texts(value: object) -> list[str]:
    """Return the texts of a value: itself, or those in a list."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list | tuple):
        return [v for v in value if isinstance(v, str)]
    return []


@functools.lru_cache(maxsize=256)
def like_pattern(pattern: str, escape: str, ignore_case: bool) -> re.Pattern[str]:
    """Return the regular expression of a LIKE pattern: % any text, _ any character."""
    out: list[str] = []
    escaped = False
    for character in pattern:
        if escaped or character not in {"%", "_", escape}:
            out.append(re.escape(character))
            escaped = False
        elif character == escape:
            escaped = True
        else:
            out.append(".*" if character == "%" else ".")
    if escaped:
        out.append(re.escape(escape))
    # runs of % are one, so that no pattern takes more than quadratic time on a text
    joined = re.sub(r"(\.\*)+", ".*", "".join(out))
    return re.compile(joined, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


@functools.lru_cache(maxsize=256)
def _search_pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


MAX_SEARCHED = 10_000  # characters of a text that a regular expression looks at


@dataclass(frozen=True, slots=True)
class Compare:
    """``field op value``; op is one of = != < <= > >=."""

    field: str
    op: str
    value: Literal

    def holds(self, value: object, now: float) -> bool:
        """Tell whether a value passes."""
        return compare(value, self.op, self.value, now)


@dataclass(frozen=True, slots=True)
class In:
    """``field in (…)``; ``negated`` is ``not in``, which no missing value passes."""

    field: str
    values: tuple[Literal, ...]
    negated: bool = False
    _texts: frozenset[str] = dataclasses.field(init=False, repr=False, compare=False)
    _others: tuple[Literal, ...] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort out the texts, so that thousands of them are no matter."""
        of_text = frozenset(v for v in self.values if isinstance(v, str))
        others = tuple(v for v in self.values if not isinstance(v, str))
        object.__setattr__(self, "_texts", of_text)
        object.__setattr__(self, "_others", others)

    def holds(self, value: object, now: float) -> bool:
        """Tell whether a value passes."""
        if not is_present(value):
            return False
        if isinstance(value, str):
            found = value in self._texts or any(compare(value, "=", v, now) for v in self._others)
        else:
            found = any(compare(value, "=", v, now) for v in self.values)
        return found is not self.negated


@dataclass(frozen=True, slots=True)
class Between:
    """``field between low and high``, both included."""

    field: str
    low: Literal
    high: Literal
    negated: bool = False

    def holds(self, value: object, now: float) -> bool:
        """Tell whether a value passes."""
        if not is_present(value):
            return False
        inside = compare(value, ">=", self.low, now) and compare(value, "<=", self.high, now)
        return inside is not self.negated


@dataclass(frozen=True, slots=True)
class IsNull:
    """``field is null``: missing or None."""

    field: str

    def holds(self, value: object, now: float) -> bool:  # noqa: ARG002 - one form for all leaves
        """Tell whether a value passes."""
        return value is MISSING or value is None


@dataclass(frozen=True, slots=True)
class IsNan:
    """``field is nan``."""

    field: str

    def holds(self, value: object, now: float) -> bool:  # noqa: ARG002 - one form for all leaves
        """Tell whether a value passes."""
        return is_nan(value)


@dataclass(frozen=True, slots=True)
class Like:
    """``field like pattern``: % stands for any text, _ for any character; the whole must fit."""

    field: str
    pattern: str
    ignore_case: bool = False
    escape: str = "\\"
    negated: bool = False

    def holds(self, value: object, now: float) -> bool:  # noqa: ARG002 - one form for all leaves
        """Tell whether a value passes; a list passes when one of its texts does."""
        candidates = texts(value)
        pattern = like_pattern(self.pattern, self.escape, self.ignore_case)
        return bool(candidates) and (
            any(pattern.fullmatch(text) for text in candidates) is not self.negated
        )


@dataclass(frozen=True, slots=True)
class Regex:
    """``field =~ pattern``: a regular expression found anywhere in the text."""

    field: str
    pattern: str
    negated: bool = False

    def holds(self, value: object, now: float) -> bool:  # noqa: ARG002 - one form for all leaves
        """Tell whether a value passes; a list passes when one of its texts does."""
        candidates = texts(value)
        pattern = _search_pattern(self.pattern)
        found = any(pattern.search(text, 0, MAX_SEARCHED) for text in candidates)
        return bool(candidates) and found is not self.negated


@dataclass(frozen=True, slots=True)
class Contains:
    """``field contains value``: a text has it somewhere, a list has it as an element."""

    field: str
    value: Literal
    negated: bool = False

    def holds(self, value: object, now: float) -> bool:
        """Tell whether a value passes."""
        if isinstance(value, str):
            return (isinstance(self.value, str) and self.value in value) is not self.negated
        if isinstance(value, list | tuple):
            return any(compare(v, "=", self.value, now) for v in value) is not self.negated
        return False


@dataclass(frozen=True, slots=True)
class Has:
    """A lineage predicate, ``dataset:flights*``: one text of the list fits, * is any text."""

    field: str
    pattern: str

    def holds(self, value: object, now: float) -> bool:  # noqa: ARG002 - one form for all leaves
        """Tell whether a value passes."""
        parts = self.pattern.split("*")
        if len(parts) == 1:
            return self.pattern in texts(value)
        regex = _search_pattern(r"(?s)" + ".*".join(map(re.escape, parts)))
        return any(regex.fullmatch(text) for text in texts(value))


@dataclass(frozen=True, slots=True)
class Word:
    """Free text, found in a run's name, note or tags, upper or lower case."""

    text: str

    @property
    def field(self) -> str:
        """The field that holds all that free text looks at."""
        return "text"

    def holds(self, value: object, now: float) -> bool:  # noqa: ARG002 - one form for all leaves
        """Tell whether a value passes."""
        wanted = self.text.casefold()
        return any(wanted in text.casefold() for text in texts(value))


@dataclass(frozen=True, slots=True)
class Not:
    """True where the other is not: plain negation, also of what is missing."""

    expr: Expr


@dataclass(frozen=True, slots=True)
class And:
    """True where all are; with no parts always true."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where one is; with no parts never true."""

    parts: tuple[Expr, ...]


Leaf: TypeAlias = Compare | In | Between | IsNull | IsNan | Like | Regex | Contains | Has | Word
Expr: TypeAlias = Leaf | Not | And | Or
EVERYTHING = And(())


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """Sort by a field; runs without a value come last either way."""

    field: str
    descending: bool = False


Order: TypeAlias = tuple[OrderTerm, ...]
