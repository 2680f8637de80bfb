"""Series as text: a sparkline of one line, and a plot with axes. Pure functions of arrays.

A spike is never lost: each column of characters shows the minimum and the maximum of its points.
NaN and infinite points are not drawn; their number is said beneath the plot.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from mendel.cli.text import number

if TYPE_CHECKING:
    from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille character


def spark(values: Sequence[float], width: int = 20) -> str:
    """Return the shape of a series in one line of at most ``width`` characters.

    A column shows its last value, the first one its first; ``·`` stands for a column without a
    finite value.
    """
    columns = _split(list(values), width)
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return "·" * len(columns)
    low, high = min(finite), max(finite)
    first = [_bar(columns[0][::-1], low, high)]
    return "".join(first + [_bar(column, low, high) for column in columns[1:]])


def _bar(column: list[float], low: float, high: float) -> str:
    good = [v for v in column if math.isfinite(v)]
    if not good:
        return "·"
    share = 0.5 if high == low else _share(good[-1], low, high)
    return _BARS[min(len(_BARS) - 1, int(share * len(_BARS)))]


def _share(value: float, low: float, high: float) -> float:
    half = high / 2 - low / 2  # high - low may overflow
    return (value / 2 - low / 2) / half if half else 0.5


def _split(values: list[float], parts: int) -> list[list[float]]:
    parts = max(1, min(parts, len(values)))
    edges = [round(i * len(values) / parts) for i in range(parts + 1)]
    return [values[a:b] for a, b in pairwise(edges)]


def plot(
    steps: Sequence[int], values: Sequence[float], *, width: int = 72, height: int = 12
) -> list[str]:
    """Return a plot of values over steps as lines of text, axes included.

    Args:
        steps: training steps, ascending; one for each value.
        values: floats; what is not finite is left out and counted.
        width: of the whole picture, in terminal cells (at least 24).
        height: of the drawing, in lines.
    """
    points = [(s, v) for s, v in zip(steps, values, strict=True) if math.isfinite(v)]
    if not points:
        return ["(no finite point)"]
    low, high = min(v for _, v in points), max(v for _, v in points)
    labels = [number(high), number(low / 2 + high / 2), number(low)]
    margin = max(map(len, labels))
    columns = max(8, width - margin - 2)
    canvas = _draw(points, low, high, columns, height)
    rows = {0: labels[0], height // 2: labels[1], height - 1: labels[2]}
    lines = [
        f"{rows.get(row, ''):>{margin}} {'┤' if row in rows else '│'}{''.join(line).rstrip()}"
        for row, line in enumerate(canvas)
    ]
    lines.append(f"{'':>{margin}} └{'─' * columns}")
    first, last = f"step {points[0][0]}", str(points[-1][0])
    lines.append(f"{'':>{margin}}  {first}{last:>{max(1, columns - len(first))}}")
    left_out = len(values) - len(points)
    if left_out:
        lines.append(f"{'':>{margin}}  not drawn: {left_out} NaN or infinite")
    return lines


def _draw(
    points: list[tuple[int, float]], low: float, high: float, columns: int, height: int
) -> list[list[str]]:
    canvas = [[0x2800] * columns for _ in range(height)]
    start, end = points[0][0], points[-1][0]
    across, up = columns * 2 - 1, height * 4 - 1

    def place(step: int, value: float) -> tuple[int, int]:
        x = round((step - start) / (end - start) * across) if end > start else 0
        share = _share(value, low, high) if high > low else 0.5
        return x, up - round(share * up)

    before: tuple[int, int] | None = None
    for step, value in points:
        x, y = place(step, value)
        for dot_x, dot_y in _line(before or (x, y), (x, y)):
            canvas[dot_y // 4][dot_x // 2] |= _DOTS[dot_y % 4][dot_x % 2]
        before = (x, y)
    return [[" " if code == 0x2800 else chr(code) for code in line] for line in canvas]


def _line(a: tuple[int, int], b: tuple[int, int]) -> list[tuple[int, int]]:
    length = max(abs(b[0] - a[0]), abs(b[1] - a[1]), 1)
    return [
        (
            round(a[0] + (b[0] - a[0]) * i / length),
            round(a[1] + (b[1] - a[1]) * i / length),
        )
        for i in range(length + 1)
    ]
