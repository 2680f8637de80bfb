"""Cuts the text of a search into tokens, each with its place, so that errors can point at it."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mendel.graph.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Collection


class Kind(enum.Enum):
    """What a token is."""

    NAME = "name"  # words with dots: an attribute, a keyword, a key
    NUMBER = "number"
    SPAN = "duration"  # a number with a unit: 7d
    TEXT = "text"  # in quotes
    DATE = "date"  # 2026-11-01 without quotes
    PATTERN = "pattern"  # dataset:flights*
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text. ``value`` is what it means: parts of a name, a number, a text.

    That of a pattern is the word before the colon and what stands behind it.
    """

    kind: Kind
    value: object
    start: int
    end: int
    quoted: bool = False  # a name with a quoted part, so never a keyword

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of a name, or of a pattern: its word and what stands behind the colon."""
        assert isinstance(self.value, tuple)  # noqa: S101 - only these, by construction
        return self.value


UNITS = {
    "ms": 0.001, "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800,
}  # fmt: skip

_SPACE = re.compile(r"\s+")
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\w-])"
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?(?:infinity|inf|nan)(?![\w./])", re.IGNORECASE)
_UNIT = re.compile(r"[^\W\d_]+")
_FIRST = re.compile(r"[^\W\d][\w$@#%/\-\[\]]*")
_NEXT = re.compile(r"[\w$@#%/\-\[\]+]+")
_RAW = re.compile(r"[^\s()]*")
_SYMBOL = re.compile(r"==|!=|<>|<=|>=|=~|!~|&&|\|\||[=<>!~(),:*\-+]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "`": "`"}
QUOTES = "'\"`"


def tokens(text: str, patterns: Collection[str] = ()) -> list[Token]:
    """Return the tokens of a search; the last one is END.

    ``patterns`` are words that take all up to a space or parenthesis when a colon follows them.

    Raises:
        QueryError: a character that means nothing here, a quote without its end, a bad number.
    """
    out: list[Token] = []
    place = 0
    while True:
        space = _SPACE.match(text, place)
        place = space.end() if space else place
        if place >= len(text):
            out.append(Token(Kind.END, None, len(text), len(text)))
            return out
        token = _token(text, place, out[-1] if out else None)
        if token.kind is Kind.NAME and text[token.end : token.end + 1] == ":":
            word = text[token.start : token.end].lower()
            token = _pattern(text, token, word) if word in patterns else token
        out.append(token)
        place = token.end


def _token(text: str, place: int, before: Token | None) -> Token:
    character = text[place]
    if character in QUOTES:
        value, end = read_quoted(text, place)
        if character == "`":
            return _name(text, place, (value,), end, quoted=True)
        return Token(Kind.TEXT, value, place, end)
    if date := _DATE.match(text, place):
        return Token(Kind.DATE, date.group(), place, date.end())
    found = _literal_number(text, place, before)
    if found is not None:
        return found
    if word := _FIRST.match(text, place):
        return _name(text, place, (word.group(),), word.end(), quoted=False)
    if symbol := _SYMBOL.match(text, place):
        return Token(Kind.SYMBOL, symbol.group(), place, symbol.end())
    raise QueryError(f"the character {character!r} means nothing here.", text, place)


def _literal_number(text: str, place: int, before: Token | None) -> Token | None:
    if text[place] in "+-" and _is_value(before):
        return None
    if infinite := _INFINITE.match(text, place):
        return Token(Kind.NUMBER, float(infinite.group()), place, infinite.end())
    number = _NUMBER.match(text, place)
    return _number(text, number) if number else None


def _pattern(text: str, name: Token, word: str) -> Token:
    place = name.end + 1
    if text[place : place + 1] and text[place] in QUOTES:
        pattern, end = read_quoted(text, place)
    else:
        found = _RAW.match(text, place)
        assert found is not None  # noqa: S101 - it matches nothing at all, too
        pattern, end = found.group(), found.end()
    return Token(Kind.PATTERN, (word, pattern), name.start, end)


def _is_value(before: Token | None) -> bool:
    """Tell whether a sign that follows is an operator, as in ``now() - 7d``."""
    return before is not None and before.kind is Kind.SYMBOL and before.value == ")"


def _number(text: str, found: re.Match[str]) -> Token:
    digits = found.group()
    place, end = found.start(), found.end()
    if unit := _UNIT.match(text, end):
        name = unit.group()
        if name not in UNITS:
            raise QueryError(
                f"{text[place : unit.end()]!r} is no number: {name!r} is no unit of time. "
                "Units are ms, s, m, h, d, w; text needs quotes.",
                text,
                end,
            )
        return Token(Kind.SPAN, float(digits) * UNITS[name], place, unit.end())
    if end < len(text) and (text[end] in "._" or text[end].isdigit()):
        raise QueryError("this is no number; text needs quotes.", text, place)
    if len(digits.lstrip("+-")) > 400:
        raise QueryError("a number of more than 400 digits; text needs quotes.", text, place)
    try:
        value: int | float = int(digits)
    except ValueError:
        value = float(digits)
    return Token(Kind.NUMBER, value, place, end)


def _name(text: str, start: int, parts: tuple[str, ...], end: int, *, quoted: bool) -> Token:
    """Read on after the first part of a name: ``.part`` and ``."quoted part"`` as often as come."""
    out = list(parts)
    while text[end : end + 1] == ".":
        if text[end + 1 : end + 2] and text[end + 1] in QUOTES:
            part, end = read_quoted(text, end + 1)
            quoted = True
        elif found := _NEXT.match(text, end + 1):
            part, end = found.group(), found.end()
        else:
            raise QueryError(
                "a name ends in a dot; a name with odd characters needs quotes, "
                'as in params."learning rate".',
                text,
                end,
            )
        out.append(part)
    return Token(Kind.NAME, tuple(out), start, end, quoted)


def read_quoted(text: str, start: int) -> tuple[str, int]:
    r"""Return the text between quotes and where it ends.

    A quote inside is written twice or after a backslash; ``\n \t \r \uXXXX \\`` are known, any
    other backslash stands for itself, so that regular expressions need no second one.

    Raises:
        QueryError: the quote has no end.
    """
    quote = text[start]
    out: list[str] = []
    place = start + 1
    while place < len(text):
        character = text[place]
        if character == quote:
            if text[place + 1 : place + 2] != quote:
                return "".join(out), place + 1
            place += 1
        elif character == "\\":
            character, place = _escape(text, place)
        out.append(character)
        place += 1
    raise QueryError(f"the quote {quote} has no end.", text, start)


def _escape(text: str, place: int) -> tuple[str, int]:
    following = text[place + 1 : place + 2]
    if following == "u" and re.fullmatch("[0-9a-fA-F]{4}", text[place + 2 : place + 6]):
        return chr(int(text[place + 2 : place + 6], 16)), place + 5
    if following in _ESCAPES and following:
        return _ESCAPES[following], place + 1
    return "\\", place


def quote(text: str, mark: str = "'") -> str:
    """Return a text in quotes, so that `read_quoted` reads it again."""
    out = text.replace("\\", "\\\\").replace(mark, "\\" + mark)
    out = out.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    out = re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", lambda m: f"\\u{ord(m.group()):04x}", out)
    return f"{mark}{out}{mark}"


def is_plain_part(part: str, *, first: bool = False) -> bool:
    """Tell whether a part of a name can be written without quotes."""
    return (_FIRST if first else _NEXT).fullmatch(part) is not None
