"""The only source of time and of ids, so that tests can hold both still."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_LENGTH = 26

_lock = threading.Lock()
_last: tuple[int, int] = (0, 0)


# The wall clock: seconds since 1970 as float64. Bound, not wrapped: every `log` call asks for it.
now = time.time


def monotonic() -> float:
    """Return a clock that never jumps, in seconds; only differences mean anything."""
    return time.monotonic()


def new_id() -> str:
    """Return a new ULID: 26 characters, unique without asking anyone, sorted by time.

    48 bits of milliseconds, then 80 random bits; within one process and millisecond the random
    part counts up, so that ids made one after the other also sort so.
    Source: https://github.com/ulid/spec.
    """
    global _last  # noqa: PLW0603 - one sequence a process is the point
    with _lock:
        millis = time.time_ns() // 1_000_000
        last_millis, last_random = _last
        if millis > last_millis:
            random = int.from_bytes(os.urandom(10), "big") & ((1 << 79) - 1)
        else:  # the same millisecond, or a clock that went back
            millis, random = last_millis, last_random + 1
        _last = (millis, random)
    number = (millis << 80) | random
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def _after_fork() -> None:
    global _last, _lock  # noqa: PLW0603 - a forked child must not repeat its parent's sequence
    _lock = threading.Lock()
    _last = (0, 0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def is_id(text: str) -> bool:
    """Tell whether a text has the form of an id that `new_id` makes."""
    return len(text) == ID_LENGTH and text[0] in "01234567" and all(c in _CROCKFORD for c in text)


def id_time(an_id: str) -> float:
    """Return when an id was made: seconds since 1970, to the millisecond."""
    millis = 0
    for character in an_id[:10]:
        millis = millis << 5 | _CROCKFORD.index(character)
    return millis / 1000


def day(an_id: str) -> str:
    """Return the UTC day of an id, the folder that its run lies in: ``2026-11-23``."""
    return datetime.fromtimestamp(id_time(an_id), UTC).strftime("%Y-%m-%d")


def iso(seconds: float) -> str:
    """Return a time as RFC 3339 in UTC with microseconds: ``2026-11-23T05:44:00.000000Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_iso(text: str) -> float:
    """Return the seconds since 1970 of an RFC 3339 or ISO 8601 time; without a zone it is UTC.

    Raises:
        ValueError: the text is no such time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()
