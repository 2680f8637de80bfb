"""One field of all runs as arrays, and how a test of the search language runs over them.

Rows are numbered from 0. A number stands in ``num``; whatever else a run may have (texts, lists,
datetimes, integers that no float64 holds) is coded: ``codes`` points into ``entries``, where each
different value stands once. A test asks NumPy about the numbers and `Leaf.holds` about each entry,
so it cannot come to differ from the evaluation row by row.
"""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mendel.graph.query_tree import (
    Between,
    Compare,
    FromNow,
    In,
    Leaf,
    Literal,
    Word,
    read_number,
    texts,
)
from mendel.graph.values import MISSING, Missing, Value, dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Array: TypeAlias = np.ndarray[Any, Any]

ABSENT, NULL, BOOL, INT, FLOAT, CODED = range(6)
EXACT = 1 << 53  # integers up to here are exact in float64
CACHED_TESTS = 32  # answers of a test for each entry that a column keeps
_ENTRY_BYTES = 120  # of one entry in list, index and object, about


class Column:
    """The values of one field. ``version`` is what its keeper makes of it."""

    __slots__ = (
        "_folded",
        "_index",
        "_tests",
        "codes",
        "entries",
        "kind",
        "memo",
        "num",
        "version",
    )

    def __init__(self, rows: int) -> None:
        self.kind: Array = np.zeros(rows, np.uint8)
        self.num: Array | None = None  # float64, NaN where there is no number
        self.codes: Array | None = None  # int32, -1 where there is no entry
        self.entries: list[Value] = []
        self.memo: dict[str, Any] = {}  # what others made of it, gone when it changes
        self.version = 0
        self._index: dict[object, int] = {}
        self._tests: OrderedDict[tuple[Leaf, tuple[type, ...]], Array] = OrderedDict()
        self._folded: list[str] | None = None

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def nbytes(self) -> int:
        """About how much memory it takes, in bytes."""
        arrays = [self.kind, self.num, self.codes, *self._tests.values()]
        arrays += [v for v in self.memo.values() if isinstance(v, np.ndarray)]
        held = sum(a.nbytes for a in arrays if a is not None)
        folded = 0 if self._folded is None else len(self._folded)
        return held + _ENTRY_BYTES * (len(self.entries) + folded)

    # -- writing --

    def put(self, pairs: Iterable[tuple[int, Value]]) -> None:
        """Set the values of some rows."""
        flat: list[Any] = list(itertools.chain.from_iterable(pairs))  # keeps no tuple alive
        self.forget()
        if flat:
            self._put(np.array(flat[::2], np.int64), flat[1::2])

    def forget(self) -> None:
        """Let go of what was made of the values before they change."""
        self.memo.clear()
        self._tests.clear()
        self._folded = None

    def clear_rows(self, rows: Array) -> None:
        """Set rows to having no value."""
        self.forget()
        self.kind[rows] = ABSENT
        if self.num is not None:
            self.num[rows] = math.nan
        if self.codes is not None:
            self.codes[rows] = -1

    def grow(self, rows: int) -> None:
        """Make room for more rows."""
        self.forget()
        more = rows - len(self.kind)
        self.kind = np.concatenate([self.kind, np.zeros(more, np.uint8)])
        if self.num is not None:
            self.num = np.concatenate([self.num, np.full(more, math.nan)])
        if self.codes is not None:
            self.codes = np.concatenate([self.codes, np.full(more, -1, np.int32)])

    def _put(self, rows: Array, values: Sequence[Value]) -> None:
        types = set(map(type, values))
        if len(types) > 1:
            numbers = {each: number for number, each in enumerate(types)}
            kinds = np.fromiter((numbers[type(v)] for v in values), np.uint8, len(values))
            for number in numbers.values():
                chosen = np.flatnonzero(kinds == number).tolist()
                self._put(rows[chosen], [values[i] for i in chosen])
            return
        [kind] = types
        if kind is float:
            self._put_numbers(rows, np.array(values, np.float64), FLOAT)
        elif kind is int:
            self._put_ints(rows, values)
        elif kind is bool:
            self._put_numbers(rows, np.array(values, np.float64), BOOL)
        elif kind is type(None):
            self.kind[rows] = NULL
        else:
            self._put_coded(rows, values)

    def _put_ints(self, rows: Array, values: Sequence[Any]) -> None:
        try:
            exact = np.array(values, np.int64)
            small = (exact <= EXACT) & (exact >= -EXACT)
        except OverflowError:
            small = np.array([-EXACT <= v <= EXACT for v in values])
        if small.all():
            self._put_numbers(rows, np.array(values, np.float64), INT)
            return
        for chosen, put in ((small, self._put_ints), (~small, self._put_coded)):
            places = np.flatnonzero(chosen).tolist()
            if places:
                put(rows[places], [values[i] for i in places])

    def _put_numbers(self, rows: Array, numbers: Array, kind: int) -> None:
        if self.num is None:
            self.num = np.full(len(self.kind), math.nan)
        self.num[rows] = numbers
        self.kind[rows] = kind

    def _put_coded(self, rows: Array, values: Sequence[Any]) -> None:
        if self.codes is None:
            self.codes = np.full(len(self.kind), -1, np.int32)
        plain = type(values[0]) in {str, int}
        keys = values if plain else [_entry_key(v) for v in values]
        index, entries = self._index, self.entries
        for key, value in dict(zip(keys, values, strict=True)).items():
            if key not in index:
                index[key] = len(entries)
                entries.append(value)
        self.codes[rows] = np.fromiter(map(index.__getitem__, keys), np.int32, len(values))
        self.kind[rows] = CODED

    # -- reading --

    def value(self, row: int) -> Value | Missing:
        """Return the value of one row, in its own type."""
        kind = self.kind[row]
        if kind == CODED:
            assert self.codes is not None  # noqa: S101 - coded rows have codes
            return self.entries[int(self.codes[row])]
        if kind <= NULL:
            return None if kind == NULL else MISSING
        assert self.num is not None  # noqa: S101 - number rows have numbers
        number = float(self.num[row])
        if kind == FLOAT:
            return number
        return bool(number) if kind == BOOL else int(number)

    def values(self, rows: Array) -> list[Value | Missing]:
        """Return the values of some rows, in their own types."""
        kinds = self.kind[rows]
        if self.num is not None and (kinds == FLOAT).all():
            floats: list[Value | Missing] = self.num[rows].tolist()
            return floats
        if self.codes is not None and (kinds == CODED).all():
            entries = self.entries
            return [entries[code] for code in self.codes[rows].tolist()]
        return self._mixed(rows, kinds)

    def _mixed(self, rows: Array, kinds: Array) -> list[Value | Missing]:
        out = np.full(len(rows), MISSING, object)
        out[kinds == NULL] = None
        if self.num is not None:
            numbers = self.num[rows]
            for kind, number in ((FLOAT, np.float64), (INT, np.int64), (BOOL, np.bool_)):
                chosen = kinds == kind
                out[chosen] = numbers[chosen].astype(number).tolist()
        if self.codes is not None:
            for place in np.flatnonzero(kinds == CODED).tolist():  # lists among them: one by one
                out[place] = self.entries[int(self.codes[rows[place]])]
        found: list[Value | Missing] = out.tolist()
        return found

    def numbers(self) -> Array:
        """Return float64 numbers for aggregates, NaN where there is none."""
        if "numbers" not in self.memo:
            self.memo["numbers"] = self._numbers()
        out: Array = self.memo["numbers"]
        return out

    def _numbers(self) -> Array:
        num = self.num if self.num is not None else np.full(len(self.kind), math.nan)
        large = [i for i, v in enumerate(self.entries) if isinstance(v, int)]
        if not large or self.codes is None:
            return num
        table = np.full(len(self.entries) + 1, math.nan)
        table[large] = [_to_float(self.entries[i]) for i in large]
        return np.where(self.kind == CODED, table[self.codes], num)

    # -- testing --

    def test(self, leaf: Leaf, now: float) -> Array:
        """Return for every row whether its value passes a test: an array of bool."""
        out = self._test_numbers(leaf, now)
        if leaf.holds(MISSING, now):
            out |= self.kind <= NULL
        if self.num is not None and leaf.holds(math.nan, now):
            out |= (self.kind == FLOAT) & np.isnan(self.num)
        if self.codes is not None:
            out |= self._test_entries(leaf, now)
        return out

    def _test_numbers(self, leaf: Leaf, now: float) -> Array:
        """Test what stands in ``num``; NaN there passes nothing."""
        if self.num is None:
            return np.zeros(len(self.kind), np.bool_)
        literals = _literals(leaf)
        if literals is None:  # a test that judges all numbers alike
            return _all_or_none(self.num, leaf.holds(1.0, now))
        numbers = [_number(literal, now) for literal in literals]
        out = _test_numbers(leaf, numbers, self.num)
        if any(isinstance(literal, str) for literal in literals):
            bools = self.kind == BOOL
            if bools.any():  # the text 'true' is a bool's, not a number's
                judged = np.array([leaf.holds(False, now), leaf.holds(True, now)])
                out[bools] = judged[self.num[bools].astype(np.intp)]
        return out

    def _test_entries(self, leaf: Leaf, now: float) -> Array:
        assert self.codes is not None  # noqa: S101 - asked by the caller
        if isinstance(leaf, Compare) and leaf.op == "=" and self._only_texts(leaf.value):
            equal: Array = self.codes == self._index.get(leaf.value, -2)
            return equal
        literals = _literals(leaf) or ()
        asked = leaf, tuple(map(type, literals))  # 1 equals True, but asks for something else
        table = self._tests.get(asked)
        if table is None:
            table = self._judge(leaf, now)
            if not any(isinstance(literal, FromNow) for literal in literals):
                self._tests[asked] = table
                if len(self._tests) > CACHED_TESTS:
                    self._tests.popitem(last=False)
        found: Array = table[self.codes]
        return found

    def _judge(self, leaf: Leaf, now: float) -> Array:
        """Return the answer for each entry, and False at the end, where code -1 points to."""
        if isinstance(leaf, Word) and "\n" not in leaf.text:
            wanted = leaf.text.casefold()
            found = [wanted in text for text in self._folded_texts()]
        else:
            found = [leaf.holds(entry, now) for entry in self.entries]
        return np.array([*found, False], np.bool_)

    def _folded_texts(self) -> list[str]:
        if self._folded is None:
            self._folded = ["\n".join(texts(entry)).casefold() for entry in self.entries]
        return self._folded

    def _only_texts(self, literal: Literal) -> bool:
        """Tell whether a value is a text and every entry too, so that equal means the same."""
        if type(literal) is not str:
            return False
        if "only_texts" not in self.memo:
            self.memo["only_texts"] = all(type(entry) is str for entry in self.entries)
        return bool(self.memo["only_texts"])


def _entry_key(value: Value) -> object:
    """Return what tells an entry from others; texts and integers are their own keys."""
    if isinstance(value, list) and all(type(v) is str for v in value):
        return ("texts", *value)
    return type(value).__name__, dumps(value)


def _to_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _literals(leaf: Leaf) -> tuple[Literal, ...] | None:
    """Return what a test compares numbers with; None where it does not compare."""
    if isinstance(leaf, Compare):
        return (leaf.value,)
    if isinstance(leaf, In):
        return leaf.values
    return (leaf.low, leaf.high) if isinstance(leaf, Between) else None


def _number(literal: Literal, now: float) -> int | float | None:
    """Return the number that a value compares as with numbers, None where it does not compare."""
    if isinstance(literal, FromNow):
        return now + literal.seconds
    return read_number(literal) if isinstance(literal, str) else literal


def _test_numbers(leaf: Leaf, numbers: list[int | float | None], num: Array) -> Array:
    if isinstance(leaf, Compare):
        return _compare(leaf.op, numbers[0], num)
    if isinstance(leaf, Between):
        out = _compare(">=", numbers[0], num) & _compare("<=", numbers[1], num)
        return np.logical_not(out) & ~np.isnan(num) if leaf.negated else out
    exact = [float(n) for n in numbers if n is not None and _exact("=", n)[0] == "="]
    found: Array = np.isin(num, exact)
    if isinstance(leaf, In) and leaf.negated:
        return ~found & ~np.isnan(num)
    return found


def _compare(op: str, number: float | None, num: Array) -> Array:
    if number is None:
        return _all_or_none(num, op == "!=")
    op, exact = _exact(op, number)
    if op in {"never", "always"}:
        return _all_or_none(num, op == "always")
    out: Array = _UFUNCS[op](num, exact)
    return out & ~np.isnan(num) if op == "!=" else out


_UFUNCS = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_ABOVE = {"<": "<", "<=": "<", ">": ">=", ">=": ">=", "=": "never", "!=": "always"}
_BELOW = {"<": "<=", "<=": "<=", ">": ">", ">=": ">", "=": "never", "!=": "always"}


def _exact(op: str, number: float) -> tuple[str, float]:
    """Return a comparison with a float64 that means the same as one with a number of any size.

    An integer that no float64 equals lies between two of them, so that ``< n`` says the same as
    ``<`` the upper or ``<=`` the lower of them.
    """
    near = _to_float(number)
    if near == number or math.isnan(near):
        return op, near
    return (_ABOVE if near > number else _BELOW)[op], near


def _all_or_none(num: Array, every: bool) -> Array:
    out: Array = ~np.isnan(num) if every else np.zeros(len(num), np.bool_)
    return out
