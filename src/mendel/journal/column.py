"""Packs a column of 8-byte words into few bytes, losing none, and unpacks it.

Words become small numbers where they can (regular ones vanish), then the first bytes of all words
are put together, then the second ones, and so on: such a *plane* is often all the same, and where
it is not, zlib or nothing at all does best. The page ``docs/reference/journal.md`` has the bytes.
"""

from __future__ import annotations

import struct
from array import array
from itertools import accumulate
from operator import sub
from typing import Any
from zlib import compress, crc32, decompress
from zlib import error as zlib_error

from mendel.graph.errors import CorruptError

# How words became numbers: not at all; the first word and the gaps between neighbours; floats as
# float32, which is what most measured values come from: half the planes, and fast to widen.
AS_IS, GAPS, SINGLE = 0, 1, 2

_HEAD = struct.Struct("<IB")
_TWO = struct.Struct("<qq")
_SIZES = {4: struct.Struct("<4H"), 8: struct.Struct("<8H")}  # of planes, by how many there are
_MOST = (1 << 64) - 1
_SAMPLE = 1024  # bytes of a plane that tell whether zlib is worth its time
_WORTH = 0.85  # of its length; above, a plane is kept as it is: zlib takes most of a read's time
_NO_BITS = bytes(1 << 16)


def pack(words: bytes, *, numbers: bool, np: Any = None) -> bytes:
    """Return a column packed.

    Args:
        words: its 8-byte words, little-endian; at most 65,535.
        numbers: they are int64 (or times, whose bits grow like numbers), not measured floats.
        np: NumPy, if it may be used.
    """
    body = _pack_gaps(words, np) if numbers else _pack_single(words)
    body = body or bytes([AS_IS]) + _planes(words)
    return struct.pack("<I", crc32(body)) + body


def _pack_gaps(words: bytes, np: Any) -> bytes:
    """Return the gaps between neighbours, packed; nothing where they are larger than the words."""
    if len(words) <= 8:
        return b""
    first = memoryview(words).cast("q")[0]
    if np is not None:
        listed = np.frombuffer(words, np.int64)
        low, high = int(listed.min()), int(listed.max())
        if high - low < 1 << 62:  # so that no gap overflows
            gaps = np.diff(listed)
            base, most = int(gaps.min()), int(gaps.max())
            if _is_larger(most - base, low, high):
                return b""
            return bytes([GAPS]) + _TWO.pack(first, base) + _planes((gaps - base).tobytes())
    plain = memoryview(words).cast("q").tolist()
    steps = list(map(sub, plain[1:], plain))
    base, most = min(steps), max(steps)
    if _is_larger(most - base, min(plain), max(plain)) or not -(1 << 63) <= base < 1 << 63:
        return b""
    small = array("Q", [step - base for step in steps]).tobytes()
    return bytes([GAPS]) + _TWO.pack(first, base) + _planes(small)


def _is_larger(spread: int, low: int, high: int) -> bool:
    """Tell whether gaps of this spread take as many bytes as the words, from low to high, do."""
    width = max(low.bit_length(), high.bit_length(), 64 if low < 0 else 0)
    return spread > _MOST or spread.bit_length() >= width


def _pack_single(words: bytes) -> bytes:
    """Return floats as float32, packed; nothing where that would change a bit of one."""
    count = len(words) >> 3
    if any(words[number::8] != _NO_BITS[:count] for number in range(3)):
        return b""
    doubles = array("d", words)
    singles = array("f", doubles)
    if array("d", singles).tobytes() != words:
        return b""
    return bytes([SINGLE]) + _planes(singles.tobytes(), 4)


def _planes(words: bytes, width: int = 8) -> bytes:
    planes = [_plane(words[number::width]) for number in range(width)]
    return _SIZES[width].pack(*map(len, planes)) + b"".join(planes)


def _plane(plane: bytes) -> bytes:
    """Return a plane's only byte, or its bytes as they are, or, if it is shorter, through zlib."""
    if plane.count(plane[:1]) == len(plane):
        return plane[:1]
    if len(plane) > 4 * _SAMPLE:
        sample = plane[:_SAMPLE]
        if len(compress(sample, 1)) > _WORTH * len(sample):
            return plane
    data = compress(plane, 6)
    return plane if len(data) > _WORTH * len(plane) else data


def unpack(data: bytes | memoryview, count: int, np: Any = None) -> memoryview:
    """Return a column's words, as bytes.

    Args:
        data: what `pack` returned.
        count: how many words there are.
        np: NumPy, if it may be used.

    Raises:
        CorruptError: it is not what `pack` returned.
    """
    if len(data) < _HEAD.size:
        raise CorruptError("a column is cut short")
    crc, how = _HEAD.unpack_from(data)
    if crc32(memoryview(data)[4:]) != crc:
        raise CorruptError("a column is damaged")
    body = memoryview(data)[_HEAD.size :]
    try:
        words = _unpack(how, body, count, np)
    except (zlib_error, struct.error, ValueError, IndexError) as error:
        raise CorruptError(f"a column makes no sense: {error}") from None
    if len(words) != count << 3:
        raise CorruptError("a column has not as many words as it should")
    return words


def _unpack(how: int, body: memoryview, count: int, np: Any) -> memoryview:
    if how == AS_IS:
        return memoryview(_join(body, count))
    if how == SINGLE:
        singles = _join(body, count, 4)
        if np is not None:
            return memoryview(np.frombuffer(singles, np.float32).astype(np.float64)).cast("B")
        return memoryview(array("d", array("f", bytes(singles)))).cast("B")
    if how != GAPS:
        raise ValueError(f"unknown way {how}")
    first, base = _TWO.unpack_from(body)
    if bytes(body[_TWO.size :]) == _REGULAR:
        if np is not None:
            line = np.arange(count, dtype=np.int64)
            return memoryview(line * base + first).cast("B")
        every = range(first, first + base * count, base) if base else [first] * count
        return memoryview(array("q", every)).cast("B")
    small = _join(body[_TWO.size :], count - 1)
    if np is not None:
        words = np.empty(count, np.int64)
        words[0] = first
        np.add(np.frombuffer(small, np.int64), np.int64(base), out=words[1:])
        return memoryview(np.cumsum(words, out=words)).cast("B")
    gaps = memoryview(small).cast("Q").tolist()
    return memoryview(array("q", accumulate([gap + base for gap in gaps], initial=first))).cast("B")


# The planes of gaps that are all the same.
_REGULAR = _SIZES[8].pack(*[1] * 8) + bytes(8)


def _join(body: memoryview, count: int, width: int = 8) -> bytearray:
    """Put the planes together again."""
    words = bytearray(count * width)
    sizes, at = _SIZES[width].unpack_from(body), _SIZES[width].size
    for number, size in enumerate(sizes):
        plane: bytes | memoryview = body[at : at + size]
        at += size
        if size == 1:
            if plane[0]:
                words[number::width] = bytes(plane) * count
        else:
            words[number::width] = plane if size == count else decompress(plane, bufsize=count)
    return words
