"""How values stand in a column of the database: typed, sortable where they can be, nothing lost.

Whole numbers that fit, finite and infinite floats and texts are themselves. The rest is a BLOB: one
letter that tells the type, then what is needed.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from mendel.graph.values import Value, dumps, loads

Cell: TypeAlias = "int | float | str | bytes | None"

_TRUE, _FALSE, _NONE, _NAN = b"t", b"f", b"n", b"N"
_PLAIN: dict[bytes, Value] = {_TRUE: True, _FALSE: False, _NONE: None, _NAN: math.nan}
_LETTERS: dict[type, bytes] = {int: b"i", float: b"F", str: b"s", list: b"l", dict: b"d"}

# What a letter says of the type (as Python calls it), for those who only count.
TYPES = {
    "t": "bool", "f": "bool", "n": "NoneType", "N": "float", "i": "int", "F": "float",
    "s": "str", "l": "list", "d": "dict", "D": "datetime",
    "integer": "int", "real": "float", "text": "str",
}  # fmt: skip


def cell(value: Value) -> Cell:
    """Return what stands for a value in the database."""
    kind = type(value)
    if kind is float:
        return value if value == value else _NAN  # type: ignore[return-value] # noqa: PLR0124
    if kind is int:
        if -(2**63) <= value < 2**63:  # type: ignore[operator]
            return value  # type: ignore[return-value]
        return b"i" + dumps(value).encode()
    if kind is str:
        return text_cell(value)  # type: ignore[arg-type]
    if kind is bool:
        return _TRUE if value else _FALSE
    if value is None:
        return _NONE
    return _LETTERS.get(kind, b"D") + dumps(value).encode("utf-8", "backslashreplace")


def text_cell(value: str) -> Cell:
    """Return what stands for a text: itself, unless it holds lone surrogates."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return b"s" + dumps(value).encode()
    return value


def value(cell: Cell) -> Value:
    """Return the value that a cell stands for."""
    if type(cell) is not bytes:
        return cell  # type: ignore[return-value]
    return _PLAIN[cell] if len(cell) == 1 else loads(cell[1:])


def text(cell: Cell) -> str:
    """Return the text that a cell stands for."""
    return str(value(cell))


def optional(given: Value) -> Cell:
    """Return the cell of a text that may be missing: NULL for None."""
    return None if given is None else text_cell(str(given))


def maybe(cell: Cell) -> str | None:
    """Return the text of a cell that may be NULL."""
    return None if cell is None else text(cell)
