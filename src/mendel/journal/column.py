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

# How words became numbers.
AS_IS, REGULAR, DIFFERENCES, ABOVE = 0, 1, 2, 3
# What became of a plane.
CONSTANT, PLAIN, ZLIB, NIBBLES = 0, 1, 2, 3

_HEAD = struct.Struct("<IB")
_TWO = struct.Struct("<qq")
_ONE = struct.Struct("<q")
_LENGTH = struct.Struct("<I")
_MOST = (1 << 64) - 1
_SAMPLE = 1024  # bytes of a plane that tell whether zlib is worth its time
_WORTH = 0.92  # of its length; above, a plane is kept as it is
_NIBBLED = 0.3  # of its length; above, 4 bits a byte read faster than zlib, and cost little more


def pack(words: bytes, *, numbers: bool) -> bytes:
    """Return a column packed.

    Args:
        words: its 8-byte words, little-endian.
        numbers: they are int64 (or times, whose bits grow like numbers), not measured floats.
    """
    body = _pack_numbers(words) if numbers else bytes([AS_IS]) + _planes(words)
    return struct.pack("<I", crc32(body)) + body


def _pack_numbers(words: bytes) -> bytes:
    listed = memoryview(words).cast("q").tolist()
    gaps = list(map(sub, listed[1:], listed))
    base = min(gaps, default=0)
    spread = max(gaps, default=0) - base
    if not spread:
        return bytes([REGULAR]) + _TWO.pack(listed[0], base) if _fits(base) else _as_is(words)
    least = min(listed)
    most = max(listed) - least
    if spread.bit_length() < most.bit_length() and spread <= _MOST and _fits(base):
        small = array("Q", [gap - base for gap in gaps])
        head = bytes([DIFFERENCES]) + _TWO.pack(listed[0], base)
    else:
        small = array("Q", [word - least for word in listed])
        head = bytes([ABOVE]) + _ONE.pack(least)
    return head + _planes(small.tobytes())


def _as_is(words: bytes) -> bytes:
    return bytes([AS_IS]) + _planes(words)


def _fits(number: int) -> bool:
    return -(1 << 63) <= number < 1 << 63


def _planes(words: bytes) -> bytes:
    modes = bytearray()
    out = bytearray()
    for number in range(8):
        plane = words[number::8]
        mode, data = _plane(plane)
        modes.append(mode)
        out += data
    return bytes(modes) + out


def _plane(plane: bytes) -> tuple[int, bytes]:
    if plane.count(plane[:1]) == len(plane):
        return CONSTANT, plane[:1]
    if len(plane) > 4 * _SAMPLE:
        sample = plane[:_SAMPLE]
        if len(compress(sample, 1)) > _WORTH * len(sample):
            return PLAIN, plane
    data = compress(plane, 6)
    values = sorted(set(plane))
    if len(values) <= 16 and len(data) > _NIBBLED * len(plane):
        return NIBBLES, _to_nibbles(plane, bytes(values))
    if _LENGTH.size + len(data) > _WORTH * len(plane):
        return PLAIN, plane
    return ZLIB, _LENGTH.pack(len(data)) + data


def _to_nibbles(plane: bytes, values: bytes) -> bytes:
    """Return 16 values, then for every two bytes of the plane a byte of their places in them."""
    low = bytes.maketrans(values, bytes(range(len(values))))
    high = bytes.maketrans(values, bytes(range(0, 16 * len(values), 16)))
    lows, highs = plane[0::2].translate(low), plane[1::2].translate(high)
    highs += bytes(len(lows) - len(highs))
    joined = int.from_bytes(lows, "little") | int.from_bytes(highs, "little")
    return values.ljust(16, b"\0") + joined.to_bytes(len(lows), "little")


def _from_nibbles(data: bytes, count: int) -> bytearray:
    values, pairs = data[:16], data[16:]
    plane = bytearray(2 * len(pairs))
    plane[0::2] = pairs.translate(values * 16)
    plane[1::2] = pairs.translate(bytes(v for v in values for _ in range(16)))
    return plane[:count]


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
        return memoryview(_join(body, count)).cast("B")
    if how == REGULAR:
        first, stride = _TWO.unpack_from(body)
        if np is not None:
            return memoryview(np.arange(count, dtype=np.int64) * stride + first).cast("B")
        line = range(first, first + stride * count, stride) if stride else [first] * count
        return memoryview(array("q", line)).cast("B")
    if how == DIFFERENCES:
        first, base = _TWO.unpack_from(body)
        small = _join(body[_TWO.size :], count - 1)
        if np is not None:
            words = np.empty(count, np.int64)
            words[0] = first
            np.cumsum(np.frombuffer(small, np.int64) + np.int64(base), out=words[1:])
            words[1:] += first
            return memoryview(words).cast("B")
        gaps = memoryview(small).cast("Q").tolist()
        return memoryview(array("q", accumulate([first, *[gap + base for gap in gaps]]))).cast("B")
    if how == ABOVE:
        (least,) = _ONE.unpack_from(body)
        small = _join(body[_ONE.size :], count)
        if np is not None:
            return memoryview(np.frombuffer(small, np.int64) + np.int64(least)).cast("B")
        return memoryview(array("q", [w + least for w in memoryview(small).cast("Q")])).cast("B")
    raise ValueError(f"unknown way {how}")


def _join(body: memoryview, count: int) -> bytearray:
    """Put the planes together again."""
    words = bytearray(count << 3)
    at = 8
    for number, mode in enumerate(bytes(body[:8])):
        if mode == CONSTANT:
            size = 1
            if body[at]:
                words[number::8] = bytes(body[at : at + 1]) * count
        elif mode == PLAIN:
            size = count
            words[number::8] = body[at : at + size]
        elif mode == ZLIB:
            size = _LENGTH.size + _LENGTH.unpack_from(body, at)[0]
            words[number::8] = decompress(body[at + _LENGTH.size : at + size])
        elif mode == NIBBLES:
            size = 16 + (count + 1) // 2
            words[number::8] = _from_nibbles(bytes(body[at : at + size]), count)
        else:
            raise ValueError(f"unknown plane {mode}")
        at += size
    return words
