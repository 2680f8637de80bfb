"""Draws the demo's picture as SVG, so that no plotting library is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDE, _HIGH, _EDGE = 420, 420, 46  # pixels


def reliability(rows: Sequence[tuple[float, float, int]], title: str) -> str:
    """Return a reliability diagram (Murphy and Winkler 1977).

    Args:
        rows: for each bin (mean predicted probability, share that was late, flights).
        title: what stands above it.
    """
    most = max((n for _, _, n in rows), default=1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}"',
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDE}" height="{_HIGH}" fill="white"/>',
        f'<text x="{_EDGE}" y="24" font-size="14">{title}</text>',
        _line((0, 0), (1, 1), "#999", "4 4"),
        _line((0, 0), (1, 0), "black"),
        _line((0, 0), (0, 1), "black"),
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _at(tick, 0)
        parts.append(f'<text x="{x:.0f}" y="{y + 16:.0f}" text-anchor="middle">{tick:g}</text>')
        x, y = _at(0, tick)
        parts.append(f'<text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">{tick:g}</text>')
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_at(p, share) for p, share, _ in rows))
    parts.append(f'<polyline points="{points}" fill="none" stroke="#1f77b4" stroke-width="2"/>')
    for p, share, n in rows:
        x, y = _at(p, share)
        radius = 2 + 7 * (n / most) ** 0.5
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="#1f77b4">'
            f"<title>{n:,} flights: said {p:.2f}, were {share:.2f}</title></circle>"
        )
    x, y = _at(0.5, 0)
    parts.append(f'<text x="{x:.0f}" y="{y + 34:.0f}" text-anchor="middle">said to be late</text>')
    x, y = _at(0, 0.5)
    parts.append(
        f'<text transform="translate({x - 34:.0f} {y:.0f}) rotate(-90)" '
        'text-anchor="middle">was late</text>'
    )
    return "\n".join([*parts, "</svg>\n"])


def _at(x: float, y: float) -> tuple[float, float]:
    """Return the pixel of a point of the unit square."""
    wide, high = _WIDE - 2 * _EDGE, _HIGH - 2 * _EDGE
    return _EDGE + x * wide, _HIGH - _EDGE - y * high


def _line(a: tuple[float, float], b: tuple[float, float], colour: str, dashes: str = "") -> str:
    (x1, y1), (x2, y2) = _at(*a), _at(*b)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"{dashed}/>'
