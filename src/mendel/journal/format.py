"""The bytes of a journal: names of files, headers, records. ``docs/reference/journal.md`` is law.

Everything here needs the standard library only, for it is loaded into people's training.
"""

from __future__ import annotations

import functools
import json
import re
import struct
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from mendel.graph.errors import CorruptError, NewerStoreError
from mendel.graph.values import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mendel.graph.digest import WriterInfo
    from mendel.graph.values import Value

FORMAT = 1
MAGIC = b"MENDELJ1"
SEALED_MAGIC = b"MENDELZ1"
RAW = ".mdj"
SEALED = ".mdz"

# Kinds of records; a kind of POINTS and above is a point record of shape ``kind - POINTS``.
SHAPE, FACT, END, POINTS = 1, 2, 3, 16
MOST_SHAPES = 65536 - POINTS
# A record of this many units of 8 bytes or more tells its length in a word of its own.
LONG = 65535

_FILE = re.compile(r"^([0-9A-HJKMNP-TV-Z]{26})\.(\d{5,})\.(mdj|mdz)$")
_HEAD = struct.Struct("<HH")
_LONG_HEAD = struct.Struct("<HHQ")
_LENGTH = struct.Struct("<I")
_FILE_HEAD = struct.Struct("<8sII")


class Shape(NamedTuple):
    """The keys of a `log` call, and a letter for the type of each: d float64, q int64, ? bool."""

    keys: tuple[str, ...]
    types: str


class Header(NamedTuple):
    """What a segment tells of itself, and where its records begin."""

    run: str | None
    writer: WriterInfo
    segment: int
    first: int  # ordinal of its first fact or point record
    last_step: int | None  # the largest step of this writer before this segment
    size: int


class SegmentFile(NamedTuple):
    """A segment as it lies in a folder. Sorts by writer and number."""

    writer: str
    segment: int
    sealed: bool


def segment_name(writer: str, segment: int, suffix: str = RAW) -> str:
    """Return a segment's file name."""
    return f"{writer}.{segment:05d}{suffix}"


def parse_name(name: str) -> SegmentFile | None:
    """Return which segment a file name tells of; None for any other file."""
    found = _FILE.match(name)
    if found is None:
        return None
    return SegmentFile(found[1], int(found[2]), found[3] == "mdz")


def segments(folder: Path) -> dict[str, dict[int, bool]]:
    """Return writers, by id, with their segments, by number, and whether each is sealed.

    A segment that lies there in both forms was sealed, and its raw form not yet removed.
    """
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    found: dict[str, dict[int, bool]] = {}
    for file in sorted(filter(None, map(parse_name, names))):
        found.setdefault(file.writer, {})[file.segment] = file.sealed
    return found


def dump_header(
    run: str | None, writer: Mapping[str, Any], segment: int, first: int, last_step: int | None
) -> bytes:
    """Return the bytes that a segment begins with, padded to a multiple of 8."""
    told = {
        "format": FORMAT,
        "run": run,
        "writer": {k: v for k, v in writer.items() if k != "run"},
        "segment": segment,
        "first": first,
        "last_step": last_step,
    }
    return head_bytes(MAGIC, told)


def head_bytes(magic: bytes, told: dict[str, Any]) -> bytes:
    """Return a file's magic, CRC-32, length and JSON, padded to a multiple of 8."""
    text = json.dumps(told, separators=(",", ":")).encode()
    head = _FILE_HEAD.pack(magic, crc32(text), len(text)) + text
    return head + bytes(-len(head) % 8)


def parse_head(data: bytes | memoryview, magic: bytes) -> tuple[dict[str, Any], int]:
    """Return the JSON that a file begins with, and where what follows it begins.

    Raises:
        CorruptError: it is not what was written.
        NewerStoreError: a newer Mendel wrote it.
    """
    if len(data) < _FILE_HEAD.size:
        raise CorruptError("it is shorter than a header")
    found, crc, length = _FILE_HEAD.unpack_from(data)
    text = bytes(data[_FILE_HEAD.size : _FILE_HEAD.size + length])
    if len(text) != length or crc32(text) != crc:
        raise CorruptError("its header is damaged")
    told = json.loads(text)
    if told.get("format") != FORMAT:
        raise NewerStoreError(
            f"it is of format {told.get('format')!r}, this Mendel reads format {FORMAT}: "
            "install a newer Mendel."
        )
    if found != magic:
        raise CorruptError(f"it begins with {found!r}, not with {magic!r}")
    size = _FILE_HEAD.size + length
    return told, size + (-size % 8)


def parse_header(data: bytes | memoryview) -> Header:
    """Return a segment's header.

    Raises:
        CorruptError: it is not what was written.
        NewerStoreError: a newer Mendel wrote it.
    """
    return header_of(*parse_head(data, MAGIC))


def header_of(told: dict[str, Any], size: int) -> Header:
    """Return a header from its JSON."""
    from mendel.graph.digest import WriterInfo  # writing needs none of this

    who = told["writer"]
    names = ("id", "host", "pid", "pid_start", "boot", "opened", "rank")
    known = {name: who.get(name) for name in names}
    writer = WriterInfo(run=told["run"], **known, aside=bool(who.get("aside")))
    return Header(told["run"], writer, told["segment"], told["first"], told.get("last_step"), size)


def frame(kind: int, payload: bytes) -> bytes:
    """Return what follows a record's commit word: length, kind and payload, padded."""
    units = (8 + len(payload) + 7) >> 3
    if units < LONG:
        record = _HEAD.pack(units, kind) + payload
    else:
        units += 1
        record = _LONG_HEAD.pack(LONG, kind, units) + payload
    return record + bytes((units << 3) - 4 - len(record))


def text_record(kind: int, text: str) -> bytes:
    """Return what follows the commit word of a record that holds JSON."""
    raw = text.encode()
    return frame(kind, _LENGTH.pack(len(raw)) + raw)


def shape_record(number: int, shape: Shape) -> bytes:
    """Return what follows the commit word of a shape's definition."""
    told = {"shape": number, "keys": shape.keys, "types": shape.types}
    return text_record(SHAPE, json.dumps(told, separators=(",", ":"), ensure_ascii=False))


def end_record(records: int, last: bool, last_step: int | None) -> bytes:
    """Return what follows the commit word of the record that ends a segment."""
    told = {"records": records, "last": last, "last_step": last_step}
    return text_record(END, json.dumps(told, separators=(",", ":")))


END_ROOM = 160  # bytes: more than any end record needs


def commit_word(record: bytes | memoryview) -> int:
    """Return the commit word of what follows it; 0 stands for "not written", so it becomes 1."""
    return crc32(record) or 1


def text_of(payload: bytes | memoryview) -> bytes:
    """Return the JSON text of a shape's, a fact's or an end record's payload.

    Raises:
        CorruptError: the length does not fit.
    """
    (length,) = _LENGTH.unpack_from(payload)
    if length > len(payload) - _LENGTH.size:
        raise CorruptError("its text is longer than the record")
    return bytes(payload[_LENGTH.size : _LENGTH.size + length])


def parse_shape(text: bytes) -> tuple[int, Shape]:
    """Return a shape's number and the shape.

    Raises:
        CorruptError: it is no shape.
    """
    told = json.loads(text)
    keys, types = tuple(told["keys"]), told["types"]
    if len(keys) != len(types) or set(types) - set("dq?"):
        raise CorruptError("its keys and types do not fit")
    return told["shape"], Shape(keys, types)


def point_units(keys: int) -> int:
    """Return the length of a point record of so many keys, in units of 8 bytes."""
    units = 3 + keys
    return units if units < LONG else units + 1


@functools.lru_cache(maxsize=256)
def point_struct(types: str) -> struct.Struct:
    """Return how a point's step, time and values are packed, for keys of these types."""
    return struct.Struct("<qd" + _values_format(types))


def whole_point_struct(types: str) -> struct.Struct:
    """Return how all that follows the commit word is packed: length and kind as one word first."""
    return struct.Struct("<Iqd" + _values_format(types))


def point_head(kind: int, keys: int) -> bytes:
    """Return length and kind of a point record, and its long length where it has one."""
    units = point_units(keys)
    return _HEAD.pack(units, kind) if units < LONG else _LONG_HEAD.pack(LONG, kind, units)


def _values_format(types: str) -> str:
    return "".join("d" if t == "d" else "q" for t in types)


def fact_record(kind: str, time: float, body: dict[str, Value]) -> bytes:
    """Return what follows the commit word of a fact; ``body`` must hold plain values."""
    return text_record(FACT, dumps([kind, time, body]))


def parse_fact(text: bytes) -> tuple[str, float, dict[str, Value]]:
    """Return a fact's kind, time (seconds since 1970) and body.

    Raises:
        CorruptError: it is no fact.
    """
    told = loads(text)
    if not isinstance(told, list) or len(told) != 3:
        raise CorruptError("it is no fact")
    kind, time, body = told
    if not isinstance(kind, str) or not isinstance(time, float | int) or not isinstance(body, dict):
        raise CorruptError("it is no fact")
    return kind, time, body
