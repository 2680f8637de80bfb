"""Keeps regular expressions bounded: those that may take for ever on a short text are refused.

Python's matcher tries alternatives one after the other; a repeat inside a repeat, as in ``(a+)+b``,
makes it try exponentially many. A search must answer, so such patterns are refused beforehand.
"""

from __future__ import annotations

import re

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
    """Walk the pattern once; a group that repeats must hold neither repeats nor alternatives."""
    groups = [False]  # for each open group: whether it holds a repeat or an alternative
    closed: bool | None = None  # what the piece before holds, where it is a group
    open_repeats = 0
    place = 0
    while place < len(pattern):
        end = _piece(pattern, place)
        if end is None:
            return "look-around, back references and conditions are not taken in a search."
        piece, place = pattern[place:end], end
        repeat = _REPEAT.fullmatch(piece)
        if repeat and piece != "?":
            if closed:
                return (
                    "a repeat of a group that holds a repeat or a choice may take for ever; write "
                    "it without, for instance [ab]+ for (a|b)+ or \\w+ for (\\w+)*."
                )
            open_repeats += _is_open(piece)
            groups[-1] = True
        closed = None
        if piece.startswith("(") and not piece.endswith(")"):
            groups.append(False)
        elif piece == ")":
            closed = groups.pop()
            groups[-1] = groups[-1] or closed
        elif piece in {"|", "?"}:
            groups[-1] = True
    if open_repeats > MAX_OPEN_REPEATS:
        return f"more than {MAX_OPEN_REPEATS} open repeats (* + {{n,}}) may take for ever."
    return None


def _is_open(repeat: str) -> bool:
    if repeat in "*+":
        return True
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
