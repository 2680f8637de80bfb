"""Tells what is a number in a `log` call, and what else to keep, before anything is written.

NumPy scalars and 0-d arrays or tensors are known by what they can do, so no library is imported.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, NamedTuple

from mendel.graph.errors import InvalidError, WrongTypeError
from mendel.graph.values import normal, shorten

if TYPE_CHECKING:
    from mendel.graph.values import Value

_MIN, _MAX = -(1 << 63), (1 << 63) - 1


class Call(NamedTuple):
    """One `log` call: its numbers as a point record takes them, and the other values."""

    keys: tuple[str, ...]
    types: str
    values: list[float]
    others: dict[str, Value]


def sort_out(data: Any) -> Call:
    """Return what a call says, all or nothing.

    Raises:
        WrongTypeError: it is no mapping, a key is no text, or a value cannot be kept.
        InvalidError: a key is empty, no valid text, or there twice.
    """
    if not hasattr(data, "keys") or not hasattr(data, "__getitem__"):
        raise WrongTypeError(
            f"log takes a dict of names to values, not {type(data).__name__} "
            f"{shorten(repr(data))}; for instance log({{'loss': 0.5}}, step=3)."
        )
    keys: list[str] = []
    types: list[str] = []
    values: list[float] = []
    others: dict[str, Value] = {}
    seen: set[str] = set()
    for given in data.keys():  # noqa: SIM118 - any mapping, also ones that iterate otherwise
        key = as_key(given)
        letter, value = _number(data[given], key)
        if key in seen:
            raise InvalidError(f"the key {shorten(key)!r} is there twice; rename one of the two.")
        seen.add(key)
        if letter:
            keys.append(key)
            types.append(letter)
            values.append(value)
        else:
            others[key] = value
    return Call(tuple(keys), "".join(types), values, others)


def as_key(key: Any) -> str:
    """Return a key as plain text.

    Raises:
        WrongTypeError: it is no text.
        InvalidError: it is empty, or has lone surrogates and so no bytes.
    """
    if not isinstance(key, str):
        raise WrongTypeError(
            f"a key must be text, not {type(key).__name__} {shorten(repr(key))}; "
            f"write {shorten(repr(str(key)))}."
        )
    if not key:
        raise InvalidError("a key is empty; give it a name.")
    plain = str.__str__(key)
    try:
        plain.encode()
    except UnicodeEncodeError as error:
        raise InvalidError(
            f"the key {shorten(ascii(plain))} is no valid text: it has a lone surrogate at "
            f"character {error.start}. It was probably decoded with 'surrogateescape'; "
            "decode it with the right encoding."
        ) from None
    return plain


def _number(value: Any, key: str) -> tuple[str, Any]:
    """Return a value's letter and the number; no letter and the value for what is no number."""
    kind = type(value)
    if kind is float:
        return "d", value
    if kind is bool:
        return "?", value
    if kind is not int:
        value = _plain(value, key)
        kind = type(value)
        if kind is float or kind is bool:
            return ("d" if kind is float else "?"), value
    if kind is int and _MIN <= value <= _MAX:
        return "q", value
    return "", value


def _plain(value: Any, key: str) -> Value:
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        letter = getattr(getattr(value, "dtype", None), "kind", "")
        if letter in {"M", "m"}:  # NumPy's dates: item() may be a bare count of nanoseconds
            value = value.astype("datetime64[us]").item() if letter == "M" else value
        else:
            value = value.item()
    return normal(value, f"the value of {shorten(key)!r}")


def as_step(step: Any) -> int:
    """Return a step as an int within 64 bits.

    Raises:
        WrongTypeError: it is no whole number.
        InvalidError: it does not fit 64 bits.
    """
    if isinstance(step, bool):
        raise _wrong_step(step)
    try:
        number = operator.index(step)
    except TypeError:
        number = _whole(step)
    if not _MIN <= number <= _MAX:
        raise InvalidError(f"step {shorten(str(number))} does not fit 64 bits; give a smaller one.")
    return number


def _whole(step: Any) -> int:
    if getattr(step, "shape", None) == () and hasattr(step, "item"):
        step = step.item()
    if isinstance(step, int) and not isinstance(step, bool):
        return step
    if not isinstance(step, float) or not math.isfinite(step) or step != int(step):
        raise _wrong_step(step)
    return int(step)


def _wrong_step(step: Any) -> WrongTypeError:
    return WrongTypeError(
        f"a step must be a whole number, not {type(step).__name__} {shorten(repr(step))}; "
        "count batches or epochs, or log the fraction as a value of its own."
    )


def as_time(time: Any) -> float:
    """Return a time in seconds since 1970.

    Raises:
        WrongTypeError: it is no number.
        InvalidError: it is not finite.
    """
    if isinstance(time, bool) or not isinstance(time, int | float):
        raise WrongTypeError(
            f"a time must be seconds since 1970, not {type(time).__name__} {shorten(repr(time))}; "
            "of a datetime take .timestamp()."
        )
    if not math.isfinite(time):
        raise InvalidError(f"a time must be finite, not {time!r}.")
    return float(time)
