"""Blocks as rows: what is known of one, packed with the standard library alone.

A head is 17 numbers of 8 bytes; statistics are 80 bytes a key, integers exact where the key's are.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mendel.graph.digest import Block, BlockKey, KeyStats

if TYPE_CHECKING:
    from collections.abc import Sequence

# The fields of a block from count to end, with 1 or 0 before the regular step (whether there
# is one), then the ordinals and times of its low and high records.
_HEAD = struct.Struct("<9q2d2qqdqd")
HEAD_BYTES = _HEAD.size
_SPAN = struct.Struct("<2q")
_NOWHERE = -1  # the ordinal of a low or high that stands at the end


@lru_cache(maxsize=1024)
def _struct(types: str) -> struct.Struct:
    """Return the struct of the statistics of keys of some types."""
    return struct.Struct("<" + "".join("qdddqdqddd" if t == "d" else "qqqqqqqddd" for t in types))


def pack_head(block: Block) -> bytes:
    """Return the head of a block."""
    low = block.low or (_NOWHERE, 0.0)
    high = block.high or (_NOWHERE, 0.0)
    regular = block.regular_step
    return _HEAD.pack(
        block.count, block.first_ordinal, block.last_ordinal,
        block.first_step, block.last_step, block.min_step, block.max_step,
        regular is not None, regular or 0,
        block.first_time, block.last_time, block.start, block.end, *low, *high,
    )  # fmt: skip


def pack_stats(types: str, stats: Sequence[KeyStats]) -> bytes:
    """Return the statistics of a block."""
    fields: list[Any] = []
    for letter, s in zip(types, stats, strict=True):
        row = (s.nan_count, s.first, s.last, s.min, s.min_step, s.max, s.max_step)
        if letter != "d" and s.nan_count:  # integers that are damaged; no other integer is NaN
            row = (s.nan_count, 0, 0, 0, s.min_step, 0, s.max_step)
        fields += row if letter == "d" else map(int, row)
        fields += (s.total, _time(s.min_time), _time(s.max_time))
    return _struct(types).pack(*fields)


def unpack_stats(types: str, stats: bytes) -> tuple[KeyStats, ...]:
    """Return the statistics that `pack_stats` packed."""
    fields = _struct(types).unpack(stats)
    if not types:
        return ()
    found = tuple(map(_key_stats, *(fields[i::10] for i in range(10))))
    if types.strip("d") and any(fields[::10]):
        return tuple(map(_unknown_integers, types, found))
    return found


def _unknown_integers(letter: str, stats: KeyStats) -> KeyStats:
    """Return statistics of a key; of integers that are damaged nothing is known but the count."""
    if letter == "d" or not stats.nan_count:
        return stats
    nan = math.nan
    return replace(stats, first=nan, last=nan, min=nan, max=nan)


def _key_stats(*fields: Any) -> KeyStats:
    nan_count, first, last, least, min_step, most, max_step, total, min_time, max_time = fields
    return KeyStats(
        nan_count, first, last, least, min_step, most, max_step, total,
        _maybe(min_time), _maybe(max_time),
    )  # fmt: skip


def _time(time: float | None) -> float:
    return math.nan if time is None else time


def _maybe(time: float) -> float | None:
    return None if math.isnan(time) else time


def unpack(key: BlockKey, keys: tuple[str, ...], types: str, head: bytes, stats: bytes) -> Block:
    """Return the block of a row."""
    h: Sequence[Any] = _HEAD.unpack(head)
    regular = h[8] if h[7] else None
    low = None if h[13] == _NOWHERE else (h[13], h[14])
    high = None if h[15] == _NOWHERE else (h[15], h[16])
    return Block(
        key, keys, types, h[0], h[1], h[2], h[3], h[4], h[5], h[6], regular,
        h[9], h[10], h[11], h[12], unpack_stats(types, stats), low, high,
    )  # fmt: skip


def span(head: bytes) -> tuple[int, int]:
    """Return the lowest and the highest step that a head tells of."""
    low, high = _SPAN.unpack_from(head, 40)
    return low, high


def dump_keys(keys: Sequence[str]) -> str:
    """Return the keys of a layout as text."""
    return json.dumps(list(keys), separators=(",", ":"))


def load_keys(text: str) -> tuple[str, ...]:
    """Return the keys that `dump_keys` wrote."""
    return tuple(json.loads(text))
