"""The careful walk through a segment that is not whole: what is whole is found, the rest is told.

A record is whole if its commit word fits. Where one is not, the walk goes on at the next that is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mendel.graph.errors import CorruptError
from mendel.journal import format as fmt
from mendel.journal.scan import Contents, is_zero, take

_RECORD = struct.Struct("<IHH")


@dataclass(slots=True)
class _Record:
    at: int
    body: int
    end: int
    kind: int


def careful(
    data: memoryview,
    start: int,
    ordinal: int,
    *,
    finished: bool,
    shapes: dict[int, fmt.Shape] | None = None,
) -> Contents:
    """Read records of which some may be damaged.

    Args:
        data: a segment, whole or a part of it.
        start: where its records begin.
        ordinal: the number of the first.
        shapes: those that were defined before ``data``.
        finished: nobody writes to it any more, so what is not committed never will be.
    """
    out = Contents(start, ordinal, dict(shapes or {}))
    unknown: dict[int, int] = {}
    while out.ended is None and out.end + 8 <= len(data):
        record = _whole(data, out.end)
        if record is not None:
            _take(out, data, record, unknown)
            continue
        if not _skip(out, data, finished=finished):
            break
    for shape, count in unknown.items():
        what = f"{count} points are of shape {shape}, whose definition is damaged"
        out.damage.append((start, 0, what))
    return out


def headless(data: memoryview, ordinal: int, *, last: bool) -> Contents:
    """Read the records of a segment whose header is damaged.

    Args:
        data: the whole segment.
        ordinal: the number of its first record.
        last: it is the writer's newest: then it may be that it was never begun.
    """
    at = next_whole(data, 8)
    if at is None:
        out = Contents(0, ordinal)
        if not last and not is_zero(data):
            out.damage.append((0, len(data), "are damaged, header and all"))
        return out
    out = careful(data, at, ordinal, finished=not last)
    out.damage.insert(0, (0, at, "are damaged: the header"))
    return out


def _take(out: Contents, data: memoryview, record: _Record, unknown: dict[int, int]) -> None:
    payload, whole = data[record.body : record.end], data[record.at : record.end]
    number = out.ordinal
    out.end = record.end
    if record.kind >= fmt.POINTS and record.kind - fmt.POINTS not in out.shapes:
        shape = record.kind - fmt.POINTS
        unknown[shape] = unknown.get(shape, 0) + 1
        out.ordinal += 1
        return
    try:
        take(out, record.kind, record.at, payload, whole)
        if out.facts and out.facts[-1].offset == record.at:
            fmt.parse_fact(out.facts[-1].text)
    except (CorruptError, ValueError, KeyError, TypeError, struct.error) as error:
        if out.facts and out.facts[-1].offset == record.at:
            out.facts.pop()
        out.ordinal = number + _counted(record.kind)
        out.damage.append((record.at, record.end - record.at, f"make no sense: {error}"))


def _skip(out: Contents, data: memoryview, *, finished: bool) -> bool:
    """Go over what is not whole; False where nothing that can be read now comes after it."""
    at = out.end
    commit, _, kind = _RECORD.unpack_from(data, at)
    follows = next_whole(data, at)
    if follows is None:
        rest = data[at:]
        if commit and finished and not is_zero(rest):
            out.damage.append((at, len(rest), "are damaged, up to the end"))
        return False
    if not commit and not finished:
        return False  # a call that is being interrupted; its record will be there soon
    what = "are damaged" if commit else "were never committed, or their commit word is damaged"
    out.damage.append((at, follows - at, what))
    # One record was there at least, and one that is not committed was never numbered.
    out.ordinal += _counted(kind)
    out.end = follows
    return True


def _counted(kind: int) -> int:
    """Return 1 for the kinds of records that have a number."""
    return int(kind == fmt.FACT or kind >= fmt.POINTS)


def _whole(data: memoryview, at: int) -> _Record | None:
    """Return the record at a place; None where there is none, or it is damaged."""
    commit, units, kind = _RECORD.unpack_from(data, at)
    body = at + 8
    if units == fmt.LONG:
        if at + 16 > len(data):
            return None
        (units,) = struct.unpack_from("<Q", data, body)
        body += 8
    end = at + (units << 3)
    if not commit or units < 2 or end > len(data) or not kind:
        return None
    if fmt.commit_word(data[at + 4 : end]) != commit:
        return None
    return _Record(at, body, end, kind)


def next_whole(data: memoryview, at: int) -> int | None:
    """Return the nearest place after ``at`` where a whole record stands."""
    for place in range(at + 8, len(data) - 7, 8):
        if _whole(data, place) is not None:
            return place
    return None
