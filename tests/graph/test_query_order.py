"""How values sort and group, one by one."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from mendel.graph.query_order import as_number, group_items, sort_items
from mendel.graph.query_tree import OrderTerm
from mendel.graph.values import MISSING, Missing, Value

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
LATE = datetime.fromisoformat("2026-06-01")
MIXED: list[Value | Missing] = [
    "b", None, 2, [1], math.nan, True, LATE, "a", MISSING, -math.inf, EARLY, 1.5, {},
]  # fmt: skip


def test_numbers_come_first_and_what_is_missing_last_either_way() -> None:
    up = sort_items(MIXED, (OrderTerm("x"),), lambda value, _: value)
    assert up[:8] == [-math.inf, True, 1.5, 2, EARLY, LATE, "a", "b"]
    assert up[8:10] == [[1], {}]
    down = sort_items(MIXED, (OrderTerm("x", descending=True),), lambda value, _: value)
    assert down[:8] == [2, 1.5, True, -math.inf, LATE, EARLY, "b", "a"]
    assert [str(v) for v in up[10:]] == [str(v) for v in down[10:]] == ["None", "nan", "MISSING"]


def test_later_terms_settle_ties_and_the_rest_stays_as_it_came() -> None:
    rows = [("b", 1), ("a", 1), ("a", 2), ("b", 1)]
    order = (OrderTerm("0"), OrderTerm("1", descending=True))
    ordered = sort_items(list(enumerate(rows)), order, lambda item, name: item[1][int(name)])
    assert [place for place, _ in ordered] == [2, 1, 0, 3]


def test_groups_are_by_value_the_largest_first() -> None:
    values: list[Value | Missing] = [1.0, 1, "x", True, math.nan, math.nan, None, MISSING, [1], [1]]
    groups = group_items(values, ["v"], lambda value, _: value)
    assert [(str(shown), len(members)) for (shown,), members in groups] == [
        ("1", 2), ("[1]", 2), ("nan", 2), ("True", 1), ("x", 1), ("MISSING", 1), ("None", 1),
    ]  # fmt: skip
    assert group_items([], ["v"], lambda value, _: value) == []
    assert group_items([1, 2], [], lambda value, _: value) == [((), [1, 2])]


def test_what_aggregates_take_for_a_number() -> None:
    assert as_number(True) == 1.0
    assert as_number(3) == 3.0
    assert as_number(10**400) == math.inf
    assert as_number(-(10**400)) == -math.inf
    assert as_number(math.nan) is None
    assert as_number("3") is None
    assert as_number(MISSING) is None
