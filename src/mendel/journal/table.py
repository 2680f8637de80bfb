"""The points of one block as columns of 8-byte words, wherever they come from; what they say."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from mendel.graph.digest import BLOCK_POINTS, Block, BlockKey, BlockPoints
from mendel.graph.errors import CorruptError
from mendel.journal.stats import ends_of, key_stats, step_range, unknown_stats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mendel.journal.format import Shape

Letter = Literal["q", "d"]
Numbers = range | array  # type: ignore[type-arg]


class Table(Protocol):
    """The point records of one block, in the order they were written."""

    count: int
    start: int  # byte offsets in the unsealed segment
    end: int
    is_packed: bool  # it takes work to look at a column

    def ordinals(self) -> Sequence[int]:
        """Return the number of each record in its journal."""
        ...

    def words(self, column: int, letter: Letter) -> Any:
        """Return a column, a memory view: 0 steps, 1 times, 2 and on the keys.

        The letter is how to see the words: ``q`` int64, ``d`` float64.
        """
        ...


class Piece(NamedTuple):
    """Some point records of one shape, one after the other."""

    data: bytes | memoryview
    ordinals: Numbers
    offsets: Numbers


class RawTable:
    """Point records of one length as they lie in an unsealed segment."""

    is_packed = False

    def __init__(self, pieces: Sequence[Piece], units: int, skip: int) -> None:
        """Join pieces; ``skip`` is how many words stand before the step."""
        self.count = sum(len(piece.ordinals) for piece in pieces)
        self.start = pieces[0].offsets[0]
        self.end = pieces[-1].offsets[-1] + (units << 3)
        self._pieces = pieces
        self._units = units
        self._skip = skip
        data = pieces[0].data if len(pieces) == 1 else b"".join(piece.data for piece in pieces)
        self._data = memoryview(data)

    def ordinals(self) -> Sequence[int]:
        """See `Table`."""
        if len(self._pieces) == 1:
            return self._pieces[0].ordinals
        out = array("q")
        for piece in self._pieces:
            out.extend(piece.ordinals)
        return out

    def words(self, column: int, letter: Letter) -> Any:
        """See `Table`."""
        return self._data.cast(letter)[self._skip + column :: self._units]


def tables(pieces: Sequence[Piece], units: int, skip: int) -> Iterator[RawTable]:
    """Cut the records of one shape in one segment into the tables of its blocks."""
    part: list[Piece] = []
    room = BLOCK_POINTS
    size = units << 3
    for data, ordinals, offsets in pieces:
        at, count = 0, len(ordinals)
        while at < count:
            n = min(room, count - at)
            cut = slice(at, at + n)
            view = data if n == count else memoryview(data)[at * size : (at + n) * size]
            part.append(Piece(view, ordinals[cut], offsets[cut]))
            at, room = at + n, room - n
            if not room:
                yield RawTable(part, units, skip)
                part, room = [], BLOCK_POINTS
    if part:
        yield RawTable(part, units, skip)


def describe(
    key: BlockKey, shape: Shape, table: Table, np: Any = None
) -> tuple[Block, dict[str, str]]:
    """Return what a catalog keeps of a block, and what is wrong with which of its keys.

    Raises:
        CorruptError: its steps, times or ordinals are damaged.
    """
    wrong: dict[str, str] = {}
    steps, times = table.words(0, "q"), table.words(1, "d")
    if np is not None:
        steps, times = memoryview(np.ascontiguousarray(steps)), memoryview(np.asarray(times))
    ordinals = table.ordinals()
    least, largest, stride = step_range(steps, np)
    ends = None if stride is not None and stride > 0 else ends_of(steps, times, np)
    stats = []
    for number, letter in enumerate(shape.types):
        try:
            values = table.words(2 + number, "d" if letter == "d" else "q")
            stats.append(key_stats(values, steps, np, times=times, ends=ends))
        except CorruptError as error:
            wrong[shape.keys[number]] = str(error)
            stats.append(unknown_stats(table.count, steps[0]))
    block = Block(
        key=key,
        keys=shape.keys,
        types=shape.types,
        count=table.count,
        first_ordinal=ordinals[0],
        last_ordinal=ordinals[-1],
        first_step=steps[0],
        last_step=steps[-1],
        min_step=least,
        max_step=largest,
        regular_step=stride,
        first_time=times[0],
        last_time=times[-1],
        start=table.start,
        end=table.end,
        stats=tuple(stats),
        low=None if ends is None else (ordinals[ends.low], times[ends.low]),
        high=None if ends is None else (ordinals[ends.high], times[ends.high]),
    )
    return block, wrong


def points(
    shape: Shape,
    table: Table,
    keys: Sequence[str],
    count: int,
    guard: Callable[[Callable[[], Any]], Any] = lambda make: make(),
) -> BlockPoints:
    """Return the first ``count`` points of a block for some of its keys, as NumPy arrays.

    Of a packed table ordinals, steps and times are looked at when asked for; of another one times
    are a view of its bytes. ``guard`` calls what looks at a column,
    and may put what goes wrong into better words.
    """
    import numpy as np

    def view(number: int, letter: Letter) -> Any:
        return guard(lambda: np.asarray(table.words(number, letter))[:count])

    def column(number: int, letter: Letter) -> Any:
        return np.ascontiguousarray(view(number, letter))

    def ordinals() -> Any:
        numbers = guard(table.ordinals)[:count]
        if isinstance(numbers, range):
            return np.arange(numbers.start, numbers.stop, numbers.step, dtype=np.int64)
        return np.array(numbers, dtype=np.int64)

    values: dict[str, Any] = {}
    for key in keys:
        at = shape.keys.index(key)
        letter = shape.types[at]
        found = column(2 + at, "d" if letter == "d" else "q")
        values[key] = found.astype(bool) if letter == "?" else found
    times: Any = (lambda: column(1, "d")) if table.is_packed else view(1, "d")
    return BlockPoints(ordinals, lambda: column(0, "q"), times, values)
