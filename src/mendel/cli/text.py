"""How values look in a terminal: short, exact where it matters, and unable to drive it.

Names and notes are free text, so a run may be called ESC [2J, which clears a screen. `safe` shows
such characters by their escapes; what a person typed goes through it before it is printed.
"""

from __future__ import annotations

import json
import math
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

from mendel.graph.values import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mendel.graph.values import Value

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Zs other than the plain space, Cc, Cf (bidi marks, zero width), Cs (lone surrogates), Zl, Zp
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = {"\u200d", "\ufe0f"}  # parts of an emoji: harmless, and ugly when shown


def safe(text: str, *, keep_lines: bool = False) -> str:
    """Return a text without characters that act on a terminal; they are shown by their escapes.

    Args:
        text: anything, also with lone surrogates.
        keep_lines: line ends and tabs stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(c, keep_lines=keep_lines) for c in text)


def _shown(character: str, *, keep_lines: bool) -> str:
    if character in "\n\t" and keep_lines:
        return character
    if character in _NAMED:
        return _NAMED[character]
    if character in _JOINERS or unicodedata.category(character) not in _UNSAFE:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def number(value: float, digits: int = 6) -> str:
    """Return a number for a table: ints whole, floats to six significant digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**15 else _rounded(value, digits)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if 10**digits <= abs(value) < 10**12:
        return f"{value:.0f}"  # 16367 is easier to read than 1.637e+04
    return f"{value:.{digits}g}"


def _rounded(value: int, digits: int) -> str:
    """Return a large int in a few digits, also one beyond every float."""
    try:
        return f"{value:.{digits}g}"
    except OverflowError:
        sign = "-" if value < 0 else ""
        exponent = int((value.bit_length() - 1) * math.log10(2))
        return f"{sign}10^{exponent:,}"


def value_text(value: object, *, exact: bool = False) -> str:
    """Return any value on one line. A text that looks like another type is quoted: ``"1"``.

    ``exact`` shows every digit of a float, and that it is one: ``1.0``.
    """
    if value is None:
        return "none"
    if isinstance(value, bool | int | float):
        return _exactly(value) if exact else number(value)
    if isinstance(value, str):
        return json.dumps(value) if _looks_typed(value) else safe(value)
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    return safe(json.dumps(to_json(value), ensure_ascii=False))  # type: ignore[arg-type]


def _exactly(value: float) -> str:
    if isinstance(value, bool):
        return number(value)
    if isinstance(value, int):
        return _whole(value)
    return repr(value) if math.isfinite(value) else number(value)


def _whole(value: int) -> str:
    """Return an int, also one of more digits than Python writes at once."""
    try:
        return str(value)
    except ValueError:  # more than 4,300
        return f"about 2^{value.bit_length() - 1:,}"


def _looks_typed(text: str) -> bool:
    if not text or text != text.strip() or text.lower() in {"none", "null", "true", "false"}:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def typed(text: str) -> Value:
    """Return the value that a person typed: a number, true, false, null, JSON, else text."""
    word = text.strip()
    if word.lower() in {"true", "false"}:
        return word.lower() == "true"
    if word.lower() in {"none", "null"}:
        return None
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    if word[:1] in set('[{"'):
        try:
            return json.loads(word)  # type: ignore[no-any-return]
        except ValueError:
            return text
    return text


def duration(seconds: float | None) -> str:
    """Return a stretch of time in its two largest units: ``3m 05s``, ``2h 10m``, ``4d 3h``."""
    if seconds is None:
        return ""
    if seconds < 0:
        return "-" + duration(-seconds)
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600}h"


def ago(then: float | None, now: float) -> str:
    """Return how long ago something was, in one unit: ``now``, ``5m ago``, ``3d ago``."""
    if then is None:
        return ""
    past = now - then
    if past < -60:
        return moment(then)  # a clock that is ahead of ours
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if past >= length:
            return f"{int(past // length)}{unit} ago" if past < 100 * 86400 else moment(then)[:10]
    return f"{int(past)}s ago" if past >= 1 else "now"


def moment(seconds: float | None) -> str:
    """Return a time in the zone of the machine: ``2026-11-23 05:44:10``."""
    if seconds is None:
        return ""
    try:
        return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):  # a clock far out of range
        return f"{seconds!r} s"


def size(count: int) -> str:
    """Return a number of bytes: ``512 B``, ``3.4 KiB``, ``1.2 GiB``."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(amount) < 1024:
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def counted(count: int, thing: str, plural: str = "") -> str:
    """Return ``1 run``, ``2 runs``, ``12,000 runs``."""
    return f"{count:,} {thing if count == 1 else plural or thing + 's'}"


def listed(words: Iterable[str], most: int = 6) -> str:
    """Return words with commas, no more than ``most``, and how many are not shown."""
    every = [safe(word) for word in words]
    rest = len(every) - most
    return ", ".join(every[:most]) + (f" and {rest} more" if rest > 0 else "")
