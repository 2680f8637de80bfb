"""The points of one block that are in question: only what is asked of them is looked at.

Steps of a regular block are arithmetic. Times and ordinals are needed for the few points that are
chosen, and to settle ties: they stay packed until then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mendel.graph.digest import Block, BlockPoints

Array: TypeAlias = np.ndarray[Any, Any]

MAX_STEP = 2**63 - 1
_FEW = 64  # steps to be looked up, for which plain integers are faster


class Stretches(NamedTuple):
    """Stretches of points, each within one bucket: arrays of one length."""

    buckets: Array
    starts: Array
    stops: Array


class Line:
    """Regular steps that grow."""

    def __init__(self, first: int, stride: int) -> None:
        self.first = first
        self.stride = stride

    def at(self, places: Array) -> Array:
        """Return the steps of some points."""
        return self.first + self.stride * places


class Places:
    """Where points stand in their block, and with it what else is known of them."""

    def __init__(self, read: BlockPoints | None, rows: Array | int) -> None:
        """Take the rows of the points in what was read: all of them, or from which on."""
        self._read = read
        self._rows = rows

    def _of(self, places: Array) -> Array:
        return places + self._rows if isinstance(self._rows, int) else self._rows[places]

    @property
    def is_packed(self) -> bool:
        """Whether times take work to look at."""
        return self._read is not None and self._read.is_packed

    def times(self, places: Array) -> Array:
        """Return the times of some points."""
        found: Array = np.zeros(0) if self._read is None else self._read.times[self._of(places)]
        return found

    def all_times(self, count: int) -> Array:
        """Return the times of all points, of which there are so many."""
        if self._read is None or not isinstance(self._rows, int):
            return self.times(np.arange(count))
        found: Array = self._read.times[self._rows : self._rows + count]
        return found

    def ordinals(self, places: Array) -> Array:
        """Return the ordinals of some points."""
        if self._read is None:
            return np.zeros(0, np.int64)
        found: Array = self._read.ordinals[self._of(places)]
        return found

    def cut(self, start: int) -> Places:
        """Return those of the points from one on."""
        rows = self._rows + start if isinstance(self._rows, int) else self._rows[start:]
        return Places(self._read, rows)

    def take(self, chosen: Array) -> Places:
        """Return those of some points."""
        return Places(self._read, self._of(chosen))


class Picked:
    """What is known of some points only, so that the bytes of the others need not be kept."""

    is_packed = False

    def __init__(self, places: Places, chosen: Array) -> None:
        """Look up some points."""
        self._chosen = np.sort(chosen)
        self._times = places.times(self._chosen)
        self._ordinals = places.ordinals(self._chosen)

    def times(self, places: Array) -> Array:
        """Return the times of some of them, by their places among all."""
        found: Array = self._times[np.searchsorted(self._chosen, places)]
        return found

    def ordinals(self, places: Array) -> Array:
        """Return the ordinals of some of them, by their places among all."""
        found: Array = self._ordinals[np.searchsorted(self._chosen, places)]
        return found


class Points:
    """Points of one block, in order."""

    def __init__(self, block: Block, read: BlockPoints, values: Array, *, has_nan: bool) -> None:
        """Take all points of a block; `sorted` brings them into order."""
        self.writer = block.key.writer
        self.values = values
        self.has_nan = has_nan  # perhaps
        self.places = Places(read, 0)
        self.line: Line | None = None
        self._steps: Array | None = None
        if block.regular_step is not None and block.regular_step > 0:
            self.line = Line(block.first_step, block.regular_step)
        else:
            self._steps = read.steps

    @classmethod
    def none(cls, writer: str) -> Points:
        """Return no points."""
        out = cls.__new__(cls)
        out.writer, out.values, out.has_nan = writer, np.zeros(0), False
        out.places, out.line, out._steps = Places(None, 0), None, np.zeros(0, np.int64)
        return out

    def __len__(self) -> int:
        return len(self.values)

    @property
    def steps(self) -> Array:
        """All steps."""
        if self._steps is None:
            self._steps = self.steps_at(np.arange(len(self)))
        return self._steps

    def steps_at(self, places: Array) -> Array:
        """Return the steps of some points."""
        if self.line is not None:
            return self.line.at(places)
        found: Array = self.steps[places]
        return found

    def step(self, place: int) -> int:
        """Return the step of the first point, 0, or the last, -1."""
        if self.line is None:
            return int(self.steps[place])
        return self.line.first + self.line.stride * (place % len(self))

    @property
    def times(self) -> Array:
        """All times."""
        return self.places.all_times(len(self))

    @property
    def ordinals(self) -> Array:
        """All ordinals."""
        return self.places.ordinals(np.arange(len(self)))

    def search(self, steps: Sequence[int]) -> list[int]:
        """Return how many points come before each of some steps, which are in order."""
        count, line = len(self), self.line
        if line is not None and len(steps) <= _FEW:
            return [min(max(-((line.first - s) // line.stride), 0), count) for s in steps]
        inner = np.array([step for step in steps if step <= MAX_STEP], np.int64)
        found: list[int] = np.searchsorted(self.steps, inner, "left").tolist()
        return found + [count] * (len(steps) - len(found))

    def cut(self, start: int, stop: int) -> Points:
        """Return the points from one to another."""
        if (start, stop) == (0, len(self)):
            return self
        out = self._with(self.values[start:stop], self.places.cut(start))
        if self.line is not None:
            out.line = Line(self.line.first + self.line.stride * start, self.line.stride)
        else:
            out._steps = self.steps[start:stop]
        return out

    def take(self, chosen: Array) -> Points:
        """Return some points."""
        out = self._with(self.values[chosen], self.places.take(chosen))
        out._steps = self.steps_at(chosen)
        return out

    def _with(self, values: Array, places: Places) -> Points:
        out = self.none(self.writer)
        out.values, out.places, out.has_nan = values, places, self.has_nan
        out._steps = None
        return out

    def sorted(self) -> Points:
        """Return them in the order of steps, times and ordinals."""
        if self.line is not None or (self.steps[1:] > self.steps[:-1]).all():
            return self
        return self.take(np.lexsort((self.ordinals, self.times, self.steps)))
