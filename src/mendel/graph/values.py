"""Values that keep their types, and their exact form in JSON.

A value is None, bool, int (any size), float (also NaN and ±Inf), str, datetime, list or dict with
string keys. NumPy scalars are taken as their Python values, tuples as lists, enums as their values,
paths as text, dates as midnight UTC, missing times (NaT) as None. Anything else is refused with an
error that says where it stands.

A key is any text that UTF-8 can hold, of any length but none: spaces, slashes, control characters
and all of Unicode are kept as they are (what shows a key escapes what cannot be seen). Lone
surrogates are refused in keys; in values they are kept.

In JSON a value is itself, but for what JSON lacks: ``{"$float": "nan" | "inf" | "-inf"}``,
``{"$datetime": "<ISO 8601>"}``, ``{"$text": "<base64 of UTF-16>"}`` for text with lone surrogates,
and ``{"$dict": {…}}`` around a dict that has a key beginning with ``$``.
"""

from __future__ import annotations

import base64
import enum
import json
import math
from datetime import UTC, date, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

from mendel.graph.errors import InvalidError, WrongTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Value: TypeAlias = "bool | int | float | str | datetime | list[Value] | dict[str, Value] | None"

MAX_DEPTH = 100


class Missing:
    """The type of `MISSING`: what a run without the field has (None is a value)."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "MISSING"


MISSING = Missing()
_PLAIN = (bool, int, float, str, type(None), datetime)


def normal(value: object, where: str = "value") -> Value:
    """Return a value in its plain Python form.

    Args:
        value: what the user gave.
        where: how to call it in an error, for instance ``param 'lr'``.

    Raises:
        WrongTypeError: a type that cannot be kept (it names the type and the place).
        InvalidError: nested more than 100 deep, or within itself.
    """
    if type(value) in _PLAIN:
        return value  # type: ignore[return-value]
    return _normal(value, where, 0)


def _normal(value: object, where: str, depth: int) -> Value:
    if type(value) in _PLAIN:
        return value  # type: ignore[return-value]
    if depth > MAX_DEPTH:
        raise InvalidError(f"{where} is nested more than {MAX_DEPTH} deep, or contains itself.")
    if isinstance(value, enum.Enum):
        return _normal(value.value, where, depth + 1)
    if isinstance(value, dict) or (hasattr(value, "keys") and hasattr(value, "__getitem__")):
        return _normal_dict(value, where, depth)
    if isinstance(value, list | tuple):
        return [_normal(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    return _normal_scalar(value, where, depth)


def _normal_dict(value: Any, where: str, depth: int) -> dict[str, Value]:
    out: dict[str, Value] = {}
    for key in value.keys():  # noqa: SIM118 - any mapping, also ones that iterate otherwise
        if not isinstance(key, str):
            raise WrongTypeError(
                f"{where} has the key {key!r} of type {type(key).__name__}; keys must be text: "
                f"write {str(key)!r}, or log a list of pairs."
            )
        check_key(key, f"a key of {where}")
        out[str(key)] = _normal(value[key], f"{where}[{key!r}]", depth + 1)
    return out


def check_key(key: str, what: str) -> None:
    """Refuse a key that no file could hold.

    Raises:
        InvalidError: it has a lone surrogate, half of a character.
    """
    try:
        key.encode()
    except UnicodeEncodeError as error:
        raise InvalidError(
            f"{what} has half a character ({key[error.start]!a}, a lone surrogate) at "
            f"{error.start}: {shorten(ascii(key))}; names must be whole Unicode text."
        ) from None


def _normal_scalar(value: object, where: str, depth: int) -> Value:
    for plain in (bool, int, float, str):  # subclasses, numpy.float64 and numpy.str_ among them
        if isinstance(value, plain):
            return plain(value)
    if isinstance(value, datetime):  # a subclass; pandas.NaT is one, and does not equal itself
        return datetime.fromisoformat(value.isoformat()) if value == value else None  # noqa: PLR0124
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, PurePath):
        return str(value)
    return _normal_array(value, where, depth)


def _normal_array(value: Any, where: str, depth: int) -> Value:
    """Take NumPy scalars and arrays and tensors by what they can do, so that none is imported."""
    shape = getattr(value, "shape", None)
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind == "M":  # nanoseconds would come as an int
        value = value.astype("datetime64[us]")
    if shape == () and kind != "m":
        item = value.item() if hasattr(value, "item") else value
        if type(item) in _PLAIN:
            return item  # type: ignore[no-any-return]
    elif isinstance(shape, tuple) and kind != "m" and hasattr(value, "tolist"):
        return _normal(value.tolist(), where, depth + 1)
    raise WrongTypeError(
        f"{where} is of type {type(value).__module__}.{type(value).__qualname__}, which cannot be "
        "kept as a value. Give None, bool, int, float, str, datetime, list or dict; for other "
        "objects use log_artifact, log_text, log_table or log_figure."
    )


def normal_items(items: Mapping[str, object], what: str) -> dict[str, Value]:
    """Return a mapping with text keys and normal values, all or nothing.

    Raises:
        WrongTypeError: it is no mapping, a key is no text, or a value cannot be kept.
        InvalidError: a key is empty, or has a lone surrogate.
    """
    if not hasattr(items, "keys"):
        raise WrongTypeError(
            f"{what}s must be a dict of names to values, not {type(items).__name__}."
        )
    out: dict[str, Value] = {}
    for key in items.keys():  # noqa: SIM118 - any mapping
        if not isinstance(key, str):
            raise WrongTypeError(
                f"the name of a {what} must be text, not {type(key).__name__} {key!r}."
            )
        if not key:
            raise InvalidError(f"the name of a {what} is empty; give it a name.")
        check_key(key, f"the name of a {what}")
        out[str(key)] = normal(items[key], f"{what} {shorten(key)!r}")
    return out


def shorten(text: str, most: int = 80) -> str:
    """Return a text short enough for one line of a message."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def to_json(value: Value) -> Any:
    """Return what stands for a value in JSON (see the top of this file).

    Keys must have passed `check_key`, as those of `normal` values have.
    """
    write = _WRITERS.get(type(value))
    return value if write is None else write(value)


def _float_to_json(value: float) -> Any:
    return value if math.isfinite(value) else {"$float": repr(value)}


def _dict_to_json(value: dict[str, Value]) -> Any:
    out = {k: to_json(v) for k, v in value.items()}
    return {"$dict": out} if any(k.startswith("$") for k in out) else out


def _text_to_json(text: str) -> Any:
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return {"$text": base64.b64encode(text.encode("utf-16-le", "surrogatepass")).decode()}
    return text


_WRITERS: dict[type, Callable[[Any], Any]] = {
    float: _float_to_json,
    str: _text_to_json,
    list: lambda value: [to_json(v) for v in value],
    dict: _dict_to_json,
    datetime: lambda value: {"$datetime": value.isoformat()},
}


def from_json(data: Any) -> Value:
    """Return the value that `to_json` wrote."""
    if type(data) is list:
        return [from_json(v) for v in data]
    if type(data) is not dict:
        return data  # type: ignore[no-any-return]
    if len(data) == 1:
        [(tag, inner)] = data.items()
        if tag in _READERS:
            return _READERS[tag](inner)
    return {k: from_json(v) for k, v in data.items()}


_READERS: dict[str, Callable[[Any], Value]] = {
    "$float": float,
    "$text": lambda inner: base64.b64decode(inner).decode("utf-16-le", "surrogatepass"),
    "$datetime": datetime.fromisoformat,
    "$dict": lambda inner: {k: from_json(v) for k, v in inner.items()},
}


def dumps(value: Value) -> str:
    """Return a value as compact JSON text."""
    return json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def loads(text: str | bytes) -> Value:
    """Return the value of a JSON text that `dumps` wrote."""
    return from_json(json.loads(text))


def same(a: Value, b: Value) -> bool:
    """Tell whether two values are the same, type and all: 1 is not 1.0 nor True, NaN is NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return a == b or (a != a and b != b)  # noqa: PLR0124 - NaN
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))  # type: ignore[arg-type]
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())  # type: ignore[union-attr,index,call-overload]
    return a == b


def flatten(tree: Mapping[str, Value], prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Yield the leaves of nested dicts as dotted names: ``{"a": {"b": 1}}`` gives ``("a.b", 1)``.

    An empty dict is a leaf. A flat key with a dot and a nested one may give the same name
    (``{"a": {"b": 1}, "a.b": 2}``); both are yielded, in order. Whoever needs one of them takes the
    one with the fewest steps, as `mendel.graph.query_run.find` does: what is really called ``a.b``.
    """
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
