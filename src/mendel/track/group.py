"""Runs that share values, taken together: what the seeds of one setting say.

The means are over all members, computed where the runs are kept: never over a page of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import InvalidError
from mendel.graph.query_text import name_text
from mendel.graph.values import MISSING, dumps
from mendel.track.columnar import Tabular, typed
from mendel.track.show import Picture
from mendel.track.statistics import Estimate, summarised
from mendel.track.view import field_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mendel.catalog.contract import Group, RunQuery
    from mendel.graph.values import Value
    from mendel.track.columnar import TypedColumn
    from mendel.track.view import Source

SHOWN_GROUPS = 20
STATISTICS = {  # the column's name, and the attribute of an Estimate
    "n": "n",
    "mean": "mean",
    "sd": "deviation",
    "low": "low",
    "high": "high",
    "min": "minimum",
    "max": "maximum",
}


class GroupBy:
    """Runs grouped by equal values of some fields; ``agg`` says what to know of each group."""

    __slots__ = ("_by", "_query", "_source")

    def __init__(self, source: Source, query: RunQuery, by: Sequence[str]) -> None:
        if not by:
            raise InvalidError('group_by() needs a field: group_by("params.lr").')
        self._source = source
        self._query = query
        self._by = tuple(by)

    def agg(self, *fields: str, confidence: float = 0.95) -> Groups:
        """Return each group with the n, mean, sample deviation, interval, min and max of fields.

        The interval is Student's t over the runs of the group. Runs where a field is missing, NaN
        or no number do not take part in its mean; n says how many did.

        Args:
            fields: names of numbers, as in a filter: ``"metrics.loss"``, ``"duration"``.
            confidence: coverage of the interval.

        Raises:
            InvalidError: the confidence is not between 0 and 1.
            QueryError: a field's name cannot be read.
        """
        summarised(0, 0.0, 0.0, confidence=confidence)
        self._source.refresh()
        names = [field_name(field, "a field to aggregate") for field in fields]
        found = self._source.catalog.group(
            self._query, [name_text(name) for name in self._by], [name_text(name) for name in names]
        )
        found = sorted(found, key=lambda group: [_sort_key(value) for value in group.values])
        members = [_member(g, self._by, names, confidence) for g in found]
        return Groups(self._by, names, members)


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One group: the values that its runs share (absent: they have none), how many, estimates."""

    by: dict[str, Value]
    count: int
    stats: dict[str, Estimate]

    def __getitem__(self, field: str) -> Estimate:
        return self.stats[field]


class Groups(Tabular, Picture):
    """All groups of a search, sorted by the values that they share.

    A sequence of `GroupMember`; as a table, ``runs`` is the size of the group, ``<field>.n`` how
    many of them have a number, and ``.mean .sd .low .high .min .max`` tell what those say.
    """

    __slots__ = ("_by", "_fields", "_members")

    def __init__(
        self, by: Sequence[str], fields: Sequence[str], members: Sequence[GroupMember]
    ) -> None:
        self._by = tuple(by)
        self._fields = tuple(fields)
        self._members = tuple(members)

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[GroupMember]:
        return iter(self._members)

    def __getitem__(self, index: int) -> GroupMember:
        return self._members[index]

    def _table(self) -> tuple[list[TypedColumn], int]:
        table: dict[str, list[Any]] = {
            name: [m.by.get(name, MISSING) for m in self._members] for name in self._by
        }
        table["runs"] = [m.count for m in self._members]
        for field in self._fields:
            for title, attribute in STATISTICS.items():
                column = [getattr(m.stats[field], attribute) for m in self._members]
                table[f"{field}.{title}"] = column
        return [typed(name, values) for name, values in table.items()], len(self)

    def _picture(self) -> tuple[list[str], list[list[Any]], str]:
        head = [*self._by, "runs", *self._fields]
        rows = [
            [
                *(m.by.get(name, MISSING) for name in self._by),
                m.count,
                *(str(m.stats[field]) for field in self._fields),
            ]
            for m in self._members[:SHOWN_GROUPS]
        ]
        note = f"{len(self)} group{'' if len(self) == 1 else 's'}"
        if self._fields:
            note += ": mean ± half the confidence interval (Student t)"
        if len(self) > SHOWN_GROUPS:
            note += f"; the first {SHOWN_GROUPS} are shown, to_pandas() has all"
        return head, rows, note


def _sort_key(value: Any) -> tuple[int, float, str]:
    """Numbers by size, then all else by its text; runs without a value come last."""
    if value is MISSING:
        return 3, 0, ""
    if isinstance(value, int | float) and value == value:  # noqa: PLR0124 - NaN
        return 0, value, ""
    return (1, 0, value) if isinstance(value, str) else (2, 0, dumps(value))


def _member(
    group: Group, by: Sequence[str], fields: Sequence[str], confidence: float
) -> GroupMember:
    shared = {
        name: value for name, value in zip(by, group.values, strict=True) if value is not MISSING
    }
    stats = {}
    for field in fields:
        n, mean, deviation, least, most = group.stats[name_text(field)]
        stats[field] = summarised(
            n, mean, deviation, minimum=least, maximum=most, confidence=confidence
        )
    return GroupMember(shared, group.count, stats)
