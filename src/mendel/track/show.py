"""Small tables as plain text and HTML: what a result shows of itself at a prompt, in a notebook.

Plain text, because a repr goes into logs and doctests; the command line has richer tables of its
own. Everything cut is said to be cut.
"""

from __future__ import annotations

import html
import math
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mendel.graph.clock import now
from mendel.graph.errors import MendelError
from mendel.graph.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CELL_WIDTH = 32
GAP = "–"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400

_STYLE = (
    "<style>.mendel table{border-collapse:collapse;font-size:13px}"
    ".mendel th,.mendel td{text-align:left;padding:3px 10px;border-bottom:1px solid #8884}"
    ".mendel td.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".mendel caption{caption-side:bottom;text-align:left;opacity:.7;padding:4px 10px}</style>"
)


def text(value: Any, *, width: int = CELL_WIDTH) -> str:
    """Return a value as a short text on one line; ``–`` where there is none."""
    if value is MISSING:
        return GAP
    if type(value) is float:
        out = f"{value:.6g}"
        # A float that looks like an int is still a float.
        return out if not out.lstrip("-").isdigit() else f"{out}.0"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return cut(str(value), width)


def cut(long: str, width: int) -> str:
    """Return a text of printable characters on one line, at most ``width`` columns wide."""
    line = "".join(c if c.isprintable() else "�" for c in " ".join(long.split()))
    if columns(line) <= width:
        return line
    out, used = [], 1
    for character in line:
        used += columns(character)
        if used > width:
            break
        out.append(character)
    return "".join(out) + "…"


def columns(line: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if line.isascii():
        return len(line)
    return sum(_column_count(c) for c in line)


def _column_count(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def ago(seconds: float | None) -> str:
    """Return how long ago a moment was, in its largest unit: ``3 h ago``."""
    if seconds is None:
        return GAP
    past = now() - seconds
    if past < _MINUTE:
        return "just now"
    for unit, size in (("d", _DAY), ("h", _HOUR), ("min", _MINUTE)):
        if past >= size:
            return f"{past / size:.0f} {unit} ago"
    return GAP


def span(seconds: float | None) -> str:
    """Return a duration in two units at most: ``2 h 5 min``; ``–`` where there is none."""
    if seconds is None:
        return GAP
    if seconds < 1:
        return f"{seconds * 1000:.{0 if seconds >= 0.01 else 1}f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"
    if seconds < _DAY:
        return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"
    return f"{seconds // _DAY:.0f} d {seconds % _DAY // _HOUR:.0f} h"


def table(
    head: Sequence[str], rows: Iterable[Sequence[Any]], *, width: int = CELL_WIDTH, note: str = ""
) -> str:
    """Return rows as lines of aligned text; numbers to the right."""
    body = [list(row) for row in rows]
    cells = [[text(v, width=width) for v in row] for row in body]
    titles = [cut(h, width) for h in head]
    right = [_numeric(body, i) for i in range(len(titles))]
    widths = [
        max([columns(titles[i]), *(columns(row[i]) for row in cells)]) for i in range(len(titles))
    ]
    lines = [_line(row, widths, right) for row in [titles, *cells]]
    if note:
        lines.append(note)
    return "\n".join(lines)


def _numeric(rows: list[list[Any]], i: int) -> bool:
    kinds = {type(row[i]) for row in rows} - {type(MISSING)}
    return bool(kinds) and kinds <= {int, float}


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    out = []
    for cell, width, to_right in zip(cells, widths, right, strict=True):
        space = " " * (width - columns(cell))
        out.append(space + cell if to_right else cell + space)
    return "  ".join(out).rstrip()


def html_table(
    head: Sequence[str], rows: Iterable[Sequence[Any]], *, width: int = 80, note: str = ""
) -> str:
    """Return rows as an HTML table; everything a user wrote is escaped."""
    body = [list(row) for row in rows]
    right = [_numeric(body, i) for i in range(len(head))]
    out = ["<div class='mendel'>", _STYLE, "<table><thead><tr>"]
    out += [f"<th>{html.escape(cut(h, width))}</th>" for h in head]
    out.append("</tr></thead><tbody>")
    for row in body:
        out.append("<tr>")
        for value, number in zip(row, right, strict=True):
            kind = " class='n'" if number else ""
            out.append(f"<td{kind}>{html.escape(text(value, width=width))}</td>")
        out.append("</tr>")
    out.append("</tbody>")
    if note:
        out.append(f"<caption>{html.escape(note)}</caption>")
    out.append("</table></div>")
    return "".join(out)


def curve(steps: Sequence[float], values: Sequence[float], title: str, *, width: int = 480) -> str:
    """Return a curve as an SVG picture with its title; NaN and infinities break the line."""
    height, edge = width // 4, 4
    points = [(x, y) for x, y in zip(steps, values, strict=True) if math.isfinite(y)]
    if not points:
        return f"<div class='mendel'>{html.escape(title)}</div>"
    left, low = min(x for x, _ in points), min(y for _, y in points)
    wide = (max(x for x, _ in points) - left) or 1
    high = (max(y for _, y in points) - low) or 1
    path, pen = [], "M"
    for x, y in zip(steps, values, strict=True):
        if not math.isfinite(y):
            pen = "M"
            continue
        across = edge + (x - left) / wide * (width - 2 * edge)
        down = height - edge - (y - low) / high * (height - 2 * edge)
        path.append(f"{pen}{across:.1f} {down:.1f}")
        pen = "L"
    if len(points) == 1:
        path.append("h0")  # a line of no length is drawn as a dot
    return (
        f"<div class='mendel'><svg width='{width}' height='{height}' role='img'>"
        f"<path d='{''.join(path)}' fill='none' stroke='currentColor' stroke-width='1.5' "
        f"stroke-linecap='round'/></svg><br>{html.escape(title)}</div>"
    )


class Picture:
    """What shows itself as a small table: `_picture` gives its head, its rows and a note."""

    __slots__ = ()

    def _picture(self) -> tuple[Sequence[str], Sequence[Sequence[Any]], str]:
        raise NotImplementedError

    def __repr__(self) -> str:
        try:
            head, rows, note = self._picture()
        except MendelError as error:  # a repr must not raise: it stands in logs and debuggers
            return f"<{type(self).__name__}: {error}>"
        return table(head, rows, note=note)

    def _repr_html_(self) -> str:
        head, rows, note = self._picture()
        return html_table(head, rows, note=note)
