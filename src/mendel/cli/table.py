"""Lays out a table in the width that there is: pure, so that tests can look at every line.

What does not fit is not broken over lines: long text is cut with an ``…``, then whole columns are
left out from the right, and said to be. A number is never cut: a cut number is another number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 2  # columns between two columns
LEAST_TEXT = 8  # a text column is not cut below this
LEAST_NAME = 14  # nor one that stays below this: names are told apart by their ends
LEAST_TITLE = 12  # nor the title of a column of numbers below this


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text and its style: words such as ``bold`` or ``red``, or none."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A column: its title, whether it holds numbers (never cut), whether it stays.

    Where there is no room, columns of the least weight go first, of those the last.
    """

    title: str
    numeric: bool = False
    stays: bool = False
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Laid:
    """A table as lines of cells, and the titles of the columns that did not fit."""

    lines: list[list[Cell]]
    hidden: list[str]


def lay_out(
    headings: Sequence[Heading], rows: Sequence[Sequence[Cell]], width: int | None = None
) -> Laid:
    """Return the table's lines, the first being the titles.

    Args:
        headings: the columns.
        rows: one cell for each heading.
        width: how wide a line may be in terminal cells; None: as wide as it needs to be.
    """
    content = [
        max((cell_len(row[i].text) for row in rows), default=0) for i in range(len(headings))
    ]
    widths = [max(cell_len(h.title), c) for h, c in zip(headings, content, strict=True)]
    shown = list(range(len(headings)))
    if width is not None:
        shown = _fit(headings, content, widths, width)
    lines = [[_title(headings[i], widths[i]) for i in shown]]
    lines += [[_fill(row[i], headings[i].numeric, widths[i]) for i in shown] for row in rows]
    hidden = [h.title for i, h in enumerate(headings) if i not in set(shown)]
    return Laid([_joined(line) for line in lines], hidden)


def _fit(
    headings: Sequence[Heading], content: list[int], widths: list[int], width: int
) -> list[int]:
    """Narrow ``widths`` in place and return the columns that are shown."""
    least = [_least(heading, c, w) for heading, c, w in zip(headings, content, widths, strict=True)]
    shown = list(range(len(headings)))

    def needed(sizes: list[int]) -> int:
        return sum(sizes[i] for i in shown) + GAP * (len(shown) - 1)

    while needed(least) > width and len(shown) > 1:
        free = [i for i in shown if not headings[i].stays]
        gone = min(free, key=lambda i: (headings[i].weight, -i)) if free else shown[-1]
        shown.remove(gone)
    while needed(widths) > width:
        widest = max(shown, key=lambda i: widths[i] - least[i])
        if widths[widest] <= least[widest]:
            widths[widest] = max(1, widths[widest] - (needed(widths) - width))
            break
        widths[widest] -= 1
    return shown


def _least(heading: Heading, content: int, width: int) -> int:
    """Return how narrow a column may get: its numbers whole, its title to be told from others."""
    if heading.numeric:
        return max(content, min(width, LEAST_TITLE))
    return min(width, LEAST_NAME if heading.stays else LEAST_TEXT)


def _title(heading: Heading, width: int) -> Cell:
    text = heading.title
    if cell_len(text) > width:  # the end of a metric's name tells more than its beginning
        while cell_len(text) > width - 1 and text:
            text = text[1:]
        text = "…" + text
    return _fill(Cell(text, "bold"), heading.numeric, width)


def _fill(cell: Cell, numeric: bool, width: int) -> Cell:
    text = cut(cell.text, width)
    space = " " * (width - cell_len(text))
    return Cell(space + text if numeric else text + space, cell.style)


def _joined(line: list[Cell]) -> list[Cell]:
    out: list[Cell] = []
    for position, cell in enumerate(line):
        if position:
            out.append(Cell(" " * GAP))
        out.append(cell)
    if out:
        out[-1] = Cell(out[-1].text.rstrip(), out[-1].style)
    return out


def cut(text: str, width: int) -> str:
    """Return a text in at most so many terminal cells, ended by ``…`` where it was longer."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 1 else "…"[:width]
