"""Blocks into rows, and what they come to for each series, with what rewinds hid left out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

from mendel.catalog.sql import packing, summing
from mendel.graph.digest import BlockKey
from mendel.graph.errors import MendelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mendel.catalog.contract import Blocks
    from mendel.catalog.sql.names import Interner
    from mendel.graph.digest import Block
    from mendel.graph.run import Rewind

SHOWN, HIDDEN, PARTLY = 0, 1, 2
_SUM_COLUMNS = ", ".join(summing.COLUMNS)
_PUT_SUM = (
    f"INSERT OR REPLACE INTO series (key, run, {_SUM_COLUMNS})"
    f" VALUES (?, ?, {', '.join('?' * len(summing.COLUMNS))})"
)
_PUT_BLOCK = (
    "INSERT OR REPLACE INTO block"
    " (run, writer, segment, shape, number, layout, head, stats, hidden, visible)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


Steps = tuple["int | None", "int | None"]
Layout = tuple[tuple[str, ...], str]  # keys, and the letters of their types
EVERY_STEP: Steps = (None, None)


class StoredBlock(NamedTuple):
    """A block, and whether rewinds hide nothing, all or some of it."""

    block: Block
    hidden: int


class Place(NamedTuple):
    """Where the blocks of one run go, and where their points are read."""

    connection: Any
    names: Interner
    blocks: Blocks
    row: int
    run: str


def write(
    place: Place,
    writers: Mapping[str, int],
    news: Sequence[tuple[Block, bool]],
    rewinds: Sequence[Rewind],
    *,
    is_known: bool,
    is_rewound: bool,
) -> set[str]:
    """Write blocks (each with whether it may be known already); return what could not be read."""
    if is_rewound and is_known:
        for block, _ in news:
            _put(place, writers, block, block)
        return rebuild(place, rewinds)
    damage: set[str] = set()
    sums = _Sums(place, is_known=is_known)
    for block, may_be_known in news:
        before = _before(place, writers, block) if may_be_known else None
        shown = visible(place, block, rewinds, damage)
        _put(place, writers, block, shown)
        if shown is not None:
            sums.add(shown, before)
    sums.write()
    return damage


def rebuild(place: Place, rewinds: Sequence[Rewind]) -> set[str]:
    """Work out anew what rewinds hide and what every series comes to."""
    damage: set[str] = set()
    place.connection.execute("DELETE FROM series WHERE run = ?", (place.row,))
    sums = _Sums(place, is_known=False)
    writers = dict(
        place.connection.execute("SELECT id, row FROM writer WHERE run = ?", (place.row,))
    )
    for block, _ in read(place.connection, place.row, place.run):
        shown = visible(place, block, rewinds, damage)
        _put(place, writers, block, shown)
        if shown is not None:
            sums.add(shown, None)
    sums.write()
    return damage


class _Sums:
    """The sums of one run's series, while blocks are added."""

    def __init__(self, place: Place, *, is_known: bool) -> None:
        self.place = place
        self.is_known = is_known
        self.sums: dict[str, summing.Sum] = {}

    def add(self, block: Block, before: Block | None) -> None:
        for i, key in enumerate(block.keys):
            self._of(key).add(block, i, before)

    def _of(self, key: str) -> summing.Sum:
        known = self.sums.get(key)
        if known is None:
            known = self.sums[key] = self._read(key) if self.is_known else summing.Sum()
        return known

    def _read(self, key: str) -> summing.Sum:
        row = self.place.connection.execute(
            f"SELECT {_SUM_COLUMNS} FROM series WHERE key = ? AND run = ?",
            (self._name(key), self.place.row),
        ).fetchone()
        return summing.Sum() if row is None else summing.load(row)

    def _name(self, key: str) -> int:
        return self.place.names.row(self.place.connection, f"metrics.{key}")

    def write(self) -> None:
        rows = [(self._name(key), self.place.row, *s.row()) for key, s in self.sums.items()]
        self.place.connection.executemany(_PUT_SUM, rows)


def _put(place: Place, writers: Mapping[str, int], block: Block, shown: Block | None) -> None:
    hidden = HIDDEN if shown is None else SHOWN if shown is block else PARTLY
    part = None
    if shown is not None and shown is not block:
        part = packing.pack_head(shown) + packing.pack_stats(shown.types, shown.stats)
    key = block.key
    place.connection.execute(
        _PUT_BLOCK,
        (
            place.row, writers[key.writer], key.segment, key.shape, key.number,
            _layout(place, block), packing.pack_head(block),
            packing.pack_stats(block.types, block.stats), hidden, part,
        ),
    )  # fmt: skip


def _layout(place: Place, block: Block) -> int:
    keys = packing.dump_keys(block.keys)
    name = f"\0{block.types}\0{keys}"  # no key of a run begins so
    return place.names.layout(place.connection, name, keys, block.types)


def _before(place: Place, writers: Mapping[str, int], block: Block) -> Block | None:
    """Return what is known of a block and visible."""
    key = block.key
    row = place.connection.execute(
        "SELECT head, stats, hidden, visible FROM block"
        " WHERE run = ? AND writer = ? AND segment = ? AND shape = ? AND number = ?",
        (place.row, writers[key.writer], key.segment, key.shape, key.number),
    ).fetchone()
    if row is None or row[2] == HIDDEN:
        return None
    head, stats, hidden, part = row
    if hidden == PARTLY:
        head, stats = part[: packing.HEAD_BYTES], part[packing.HEAD_BYTES :]
    return packing.unpack(key, block.keys, block.types, head, stats)


def read(connection: Any, row: int, run: str, *, steps: Steps = EVERY_STEP) -> list[StoredBlock]:
    """Return the blocks of a run that have steps in a range, each with what rewinds hide of it.

    A series that was logged in several types is told by all its blocks: only they say which.
    """
    layouts, mixed = _layouts(connection, row)
    writers = dict(
        connection.execute("SELECT row, id FROM writer WHERE run = ?", (row,)).fetchall()
    )
    low, high = steps
    out = []
    for writer, segment, shape, number, layout, head, stats, hidden in connection.execute(
        "SELECT writer, segment, shape, number, layout, head, stats, hidden FROM block"
        " WHERE run = ?",
        (row,),
    ):
        if steps != EVERY_STEP and layout not in mixed:
            first, last = packing.span(head)
            if (low is not None and last < low) or (high is not None and first > high):
                continue
        keys, types = layouts[layout]
        key = BlockKey(run, writers[writer], segment, shape, number)
        out.append(StoredBlock(packing.unpack(key, keys, types, head, stats), hidden))
    return out


def _layouts(connection: Any, row: int) -> tuple[dict[int, Layout], set[int]]:
    """Return the layouts of a run's blocks, and those with a key that has several types."""
    found: dict[int, Layout] = {
        number: (packing.load_keys(keys), types)
        for number, keys, types in connection.execute(
            "SELECT row, keys, types FROM layout WHERE row IN"
            " (SELECT DISTINCT layout FROM block WHERE run = ?)",
            (row,),
        )
    }
    types_of: dict[str, set[str]] = {}
    for keys, types in found.values():
        for key, letter in zip(keys, types, strict=True):
            types_of.setdefault(key, set()).add(letter)
    several = {key for key, letters in types_of.items() if len(letters) > 1}
    return found, {number for number, (keys, _) in found.items() if several & {*keys}}


# -- rewinds --------------------------------------------------------------------------------------


def visible(
    place: Place, block: Block, rewinds: Sequence[Rewind], damage: set[str]
) -> Block | None:
    """Return what of a block no rewind hides: itself, a part (as if nothing else were there), None.

    Where its points must be read and cannot be, all are shown, and the damage is noted.
    """
    touching = [r for r in rewinds if _touches(r, block)]
    if not touching:
        return block
    if any(_hides(r, block) for r in touching):
        return None
    try:
        points = place.blocks.read(block.key, block.keys, block.count, (block.start, block.end))
    except MendelError as error:
        damage.add(f"block {tuple(block.key[1:])}: a rewind is not applied to it: {error}")
        return block
    return _part(block, points, touching)


def _touches(rewind: Rewind, block: Block) -> bool:
    """Tell whether a rewind hides some points of a block, as far as its statistics tell."""
    before = rewind.before.get(block.key.writer, 0)
    return block.first_ordinal < before and block.max_step > rewind.step


def _hides(rewind: Rewind, block: Block) -> bool:
    before = rewind.before.get(block.key.writer, 0)
    return block.last_ordinal < before and block.min_step > rewind.step


def _part(block: Block, points: Any, rewinds: Sequence[Rewind]) -> Block | None:
    import numpy as np

    from mendel.catalog.sql.seen import key_stats

    hidden = np.zeros(block.count, np.bool_)
    for rewind in rewinds:
        before = rewind.before.get(block.key.writer, 0)
        hidden |= (points.steps > rewind.step) & (points.ordinals < before)
    if not hidden.any():
        return block
    rows = np.flatnonzero(~hidden)
    if not len(rows):
        return None
    steps, times, ordinals = points.steps[rows], points.times[rows], points.ordinals[rows]
    order = np.lexsort((ordinals, times, steps))
    lowest = order[np.searchsorted(steps[order], steps[order[0]], side="right") - 1]
    highest = order[-1]
    return dataclasses.replace(
        block,
        count=len(rows),
        min_step=int(steps[lowest]),
        max_step=int(steps[highest]),
        regular_step=None,
        low=(int(ordinals[lowest]), float(times[lowest])),
        high=(int(ordinals[highest]), float(times[highest])),
        stats=tuple(
            key_stats(points.values[key][rows], steps, int(lowest), int(highest))
            for key in block.keys
        ),
    )
