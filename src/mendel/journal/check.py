"""Checks the commit words of many records of one length at once.

With the standard library every record's CRC-32 is computed by itself. With NumPy a whole stretch is
checked in one go: CRC-32 is linear over GF(2), so from the commit words alone follows what the
CRC-32 of the stretch as it lies there, commit words included, must be; zlib computes what it is.
A damaged record changes the one and not the other, exactly as surely as with its own check.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any
from zlib import crc32

_ONES = 0xFFFFFFFF
_AT_ONCE = 1 << 17  # records: as many as a large segment has of the shortest
_MANY = 16384  # of them, from which on tables of 512 KiB pay


def bad_records(data: memoryview, size: int, np: Any = None) -> list[int]:
    """Return which records of a stretch are not what was written, by index.

    Args:
        data: the records, one after the other.
        size: the length of each, in bytes.
        np: NumPy, if it may be used.
    """
    if np is None:
        return _bad_one_by_one(data, size, 0)
    bad: list[int] = []
    for start in range(0, len(data) // size, _AT_ONCE):
        part = data[start * size : (start + _AT_ONCE) * size]
        if not _all_good(part, size, np):
            bad += _bad_one_by_one(part, size, start)
    return bad


def _bad_one_by_one(data: memoryview, size: int, first: int) -> list[int]:
    bodies = struct.Struct(f"4x{size - 4}s").iter_unpack(data)
    found = [crc32(body) or 1 for (body,) in bodies]
    said = data.cast("I")[:: size >> 2].tolist()
    if found == said:
        return []
    return [first + i for i, pair in enumerate(zip(found, said, strict=True)) if pair[0] != pair[1]]


def _all_good(data: memoryview, size: int, np: Any) -> bool:
    said = np.frombuffer(data, "<u4")[:: size >> 2]
    if (said <= 1).any():  # 1 stands for two sums, so these are for the slow way
        return False
    # Let a(r) be what CRC-32's register r becomes after `size` zero bytes. Feeding a record's
    # commit word c and then its body, of sum c, takes r to a(r) ^ a(c) ^ c ^ k. So the
    # register after n records is a^n(e0) ^ … ^ e[n] with e[i] = c[i] ^ c[i-1] ^ k.
    k = crc32(bytes(size - 4))  # the sum of a body of zeros
    terms = np.empty(len(said) + 1, np.uint32)
    terms[:-1] = said
    terms[-1] = 0
    terms[1:] ^= said ^ np.uint32(k)
    level = 0
    while len(terms) > 1:
        if len(terms) & 1:
            terms = np.concatenate((np.zeros(1, np.uint32), terms))
        if len(terms) > _MANY:
            terms = _advance_many(_wide_tables(size, level, np), terms)
        else:
            terms = _advance(_tables(size, level, np), terms[0::2]) ^ terms[1::2]
        level += 1
    return int(terms[0]) == crc32(data, _ONES) ^ _ONES


def _advance_many(tables: Any, terms: Any) -> Any:
    """Return what `_advance` makes of every other term, and the following ones, with less work."""
    halves = terms.view("<u2").reshape(-1, 4)
    out = tables[0].take(halves[:, 0])
    out ^= tables[1].take(halves[:, 1])
    out ^= terms[1::2]
    return out


def _advance(tables: Any, registers: Any) -> Any:
    out = tables[0].take(registers & 0xFF)
    out ^= tables[1].take((registers >> 8) & 0xFF)
    out ^= tables[2].take((registers >> 16) & 0xFF)
    out ^= tables[3].take(registers >> 24)
    return out


@lru_cache(maxsize=512)
def _tables(size: int, level: int, np: Any) -> Any:
    """Return what ``size << level`` zero bytes make of each byte of a register: 4 × 256 words."""
    if level:
        half = _tables(size, level - 1, np)
        return _advance(half, half.reshape(-1)).reshape(4, 256)
    zeros = bytes(size)
    out = [
        [crc32(zeros, (byte << shift) ^ _ONES) ^ _ONES for byte in range(256)]
        for shift in (0, 8, 16, 24)
    ]
    return np.array(out, np.uint32)


@lru_cache(maxsize=16)
def _wide_tables(size: int, level: int, np: Any) -> Any:
    """Return the same for both halves of a register: 2 × 65,536 words."""
    narrow = _tables(size, level, np)
    return np.stack([(high[:, None] ^ low).reshape(-1) for low, high in (narrow[:2], narrow[2:])])
