"""Keeps regular expressions bounded: those that may take for ever on a short text are refused.

Python's matcher tries alternatives one after the other; a repeat inside a repeat, as in ``(a+)+b``,
makes it try exponentially many. A search must answer, so such patterns are refused beforehand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PATTERN = 1000
MAX_OPEN_REPEATS = 4

_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_REPEAT = re.compile(r"[*+]|\{\d*,?\d*\}|\?")
_OPENING = re.compile(r"\((?:\?(?:[aiLmsux]+(?:-[imsx]+)?[:)]|:|P<\w+>))?")


def check_regex(pattern: str) -> str | None:
    """Return what is wrong with a regular expression, or None."""
    if len(pattern) > MAX_PATTERN:
        return f"a regular expression of more than {MAX_PATTERN} characters."
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"no regular expression: {error}."
    return _check_cost(pattern)


def _check_cost(pattern: str) -> str | None:
    """Walk the pattern once; a group that repeats must hold neither repeats nor choices."""
    groups = [False]  # for each open group: whether it holds a repeat or a choice
    closed = False  # whether the piece before is a group that holds one
    open_repeats = 0
    for piece in _pieces(pattern):
        if piece is None:
            return "look-around, back references and conditions are not taken in a search."
        if closed and _is_repeat(piece):
            return (
                "a repeat of a group that holds a repeat or a choice may take for ever; write "
                "it without, for instance [ab]+ for (a|b)+ or \\w+ for (\\w+)*."
            )
        open_repeats += _is_open(piece)
        groups[-1] |= piece in {"|", "?"} or _is_repeat(piece)
        closed = False
        if piece.startswith("(") and not piece.endswith(")"):
            groups.append(False)
        elif piece == ")":
            closed = groups.pop()
            groups[-1] |= closed
    if open_repeats > MAX_OPEN_REPEATS:
        return f"more than {MAX_OPEN_REPEATS} open repeats (* + {{n,}}) may take for ever."
    return None


def _pieces(pattern: str) -> Iterator[str | None]:
    """Yield the pieces of a pattern; None, and no more, at what is not taken."""
    place = 0
    while place < len(pattern):
        end = _piece(pattern, place)
        yield None if end is None else pattern[place:end]
        place = len(pattern) if end is None else end


def _is_repeat(piece: str) -> bool:
    return piece != "?" and _REPEAT.fullmatch(piece) is not None


def _is_open(repeat: str) -> bool:
    if not _is_repeat(repeat) or repeat in "*+":
        return repeat in {"*", "+"}
    low, comma, high = repeat[1:-1].partition(",")
    return bool(comma and not high) or max(int(low or 0), int(high or 0)) > 100


def _piece(pattern: str, place: int) -> int | None:
    """Return where the piece at a place ends; None for what is not taken."""
    character = pattern[place]
    if character == "\\":
        following = pattern[place + 1 : place + 2]
        return None if following.isdigit() and following != "0" else place + 2
    if character == "(":
        found = _OPENING.match(pattern, place)
        assert found is not None  # noqa: S101 - it matches a single (
        return None if pattern[found.end() : found.end() + 1] == "?" else found.end()
    found = (_CLASS if character == "[" else _REPEAT).match(pattern, place)
    return found.end() if found else place + 1
