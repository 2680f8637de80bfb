"""The column engine says what the evaluation row by row says, for any search over any values."""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.catalog.column_group import group
from mendel.catalog.columns import ColumnEngine
from mendel.catalog.contract import MISSING, RunQuery
from mendel.graph.errors import InvalidError, QueryError
from mendel.graph.query import matches, parse
from mendel.graph.query_order import as_number, group_items, group_key, sort_items
from mendel.graph.query_tree import Compare, Expr, Or, OrderTerm
from mendel.graph.values import Missing, Value, same
from mendel.testing import searches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Table:
    """A column source over a list of documents."""

    def __init__(self, documents: Sequence[dict[str, Value]], created: Sequence[int] = ()) -> None:
        self.documents: list[dict[str, Value]] = []
        self.loads: list[str] = []
        self.row_loads: list[tuple[str, tuple[int, ...]]] = []
        for i, document in enumerate(documents):
            self.add(document, created[i] if created else i)

    def add(self, document: dict[str, Value], created: float = 0.0) -> None:
        row = len(self.documents)
        self.documents.append({"id": f"r{row:05}", "created": float(created), **document})

    def run_rows(self) -> int:
        return len(self.documents)

    def load(self, field: str) -> Iterator[tuple[int, Value]]:
        self.loads.append(field)
        return ((i, d[field]) for i, d in enumerate(self.documents) if field in d)

    def load_rows(self, field: str, rows: Sequence[int]) -> Iterator[tuple[int, Value]]:
        self.row_loads.append((field, tuple(rows)))
        return ((i, self.documents[i][field]) for i in rows if field in self.documents[i])

    def get(self, row: int, field: str) -> Value | Missing:
        return self.documents[row].get(field, MISSING)

    def matching(self, expr: Expr) -> list[int]:
        return [
            row
            for row, document in enumerate(self.documents)
            if "id" in document and matches(expr, functools.partial(self.get, row), searches.NOW)
        ]

    def ordered(self, rows: Sequence[int], order: tuple[OrderTerm, ...]) -> list[int]:
        ties = (OrderTerm("created", descending=True), OrderTerm("id"))
        return sort_items(rows, (*order, *ties), self.get)


tables = st.tuples(
    st.lists(searches.documents, min_size=1, max_size=12), st.lists(st.integers(0, 3), min_size=12)
).map(lambda both: Table(*both))


@given(tables, st.lists(searches.trees, min_size=1, max_size=3))
def test_a_search_over_columns_finds_what_the_search_row_by_row_finds(
    table: Table, trees: list[Expr]
) -> None:
    engine = ColumnEngine(table)
    for tree in trees:
        found = np.flatnonzero(engine.select(tree, searches.NOW)).tolist()
        assert found == table.matching(tree)


@given(tables, st.sampled_from(searches.FIELDS))
def test_a_column_gives_values_back_in_their_own_types(table: Table, field: str) -> None:
    rows = list(range(len(table.documents)))
    back = ColumnEngine(table).values(field, rows)
    for row, value in zip(rows, back, strict=True):
        expected = table.get(row, field)
        assert value is expected or same(value, expected)  # type: ignore[arg-type]


@given(tables, searches.orders, st.integers(1, 13))
def test_rows_come_in_the_order_of_values_one_by_one(
    table: Table, order: tuple[OrderTerm, ...], limit: int
) -> None:
    engine = ColumnEngine(table)
    everything = np.ones(len(table.documents), np.bool_)
    expected = table.ordered(range(len(table.documents)), order)
    assert engine.order(everything, order).tolist() == expected
    assert engine.order(everything, order, limit).tolist() == expected[:limit]


@given(tables, searches.orders, searches.orders)
def test_pages_follow_each_other_without_gap_or_overlap(
    table: Table, order: tuple[OrderTerm, ...], other: tuple[OrderTerm, ...]
) -> None:
    engine = ColumnEngine(table)
    order_by = tuple(f"{_name(t.field)} {'desc' if t.descending else ''}" for t in order)
    whole = engine.find(RunQuery(order_by=order_by, limit=None)).ids
    paged: list[str] = []
    cursor = None
    for _ in itertools.count():
        page = engine.find(RunQuery(order_by=order_by, limit=2, cursor=cursor))
        paged += page.ids
        assert page.total == len(table.documents)
        cursor = page.cursor
        if cursor is None:
            break
    assert tuple(paged) == whole
    assert len(other) >= 0


def _name(field: str) -> str:
    return field.replace("odd name", '"odd name"')


@given(
    tables,
    searches.trees,
    st.lists(st.sampled_from(searches.FIELDS), max_size=2, unique=True),
    st.sampled_from(searches.FIELDS),
)
def test_groups_and_their_statistics_are_those_of_the_members(
    table: Table, tree: Expr, by: list[str], field: str
) -> None:
    engine = ColumnEngine(table)
    mask = engine.select(tree, searches.NOW)
    found = group(mask, engine.grouping(by), {field: engine.column(field).numbers()})
    expected = group_items(table.matching(tree), by, table.get)
    assert [(g.count, tuple(map(group_key, g.values))) for g in found] == [
        (len(rows), tuple(map(group_key, values))) for values, rows in expected
    ]
    for one, (values, rows) in zip(found, expected, strict=True):
        assert all(type(a) is type(b) for a, b in zip(one.values, values, strict=True))
        numbers = [n for row in rows if (n := as_number(table.get(row, field))) is not None]
        assert close(one.stats[field], statistics_of(numbers))


def statistics_of(numbers: list[float]) -> tuple[int, float, float, float, float]:
    n = len(numbers)
    if not n:
        return 0, math.nan, math.nan, math.nan, math.nan
    with np.errstate(all="ignore"):
        mean = float(np.mean(numbers))
        deviation = float(np.std(numbers, ddof=1)) if n > 1 else math.nan
    return n, mean, deviation, min(numbers), max(numbers)


def close(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    scale = max((abs(v) for v in other if math.isfinite(v)), default=0.0)
    return bool(
        np.allclose(one, other, rtol=1e-9, atol=1e-9 * scale, equal_nan=True)
        or not math.isfinite(scale * scale)
    )


def test_int_and_float_of_one_value_are_one_group_and_bools_another() -> None:
    values: list[Value] = [1.0, 1, True, 2**53 + 2, 2.0**53 + 2, None, "1"]
    table = Table([*({"params.x": value} for value in values), {}])
    groups = ColumnEngine(table).group(RunQuery(), ["params.x"], ["params.x"])
    assert [(g.values[0], type(g.values[0]), g.count) for g in groups] == [
        (1, int, 2),
        (2**53 + 2, int, 2),
        (True, bool, 1),
        ("1", str, 1),
        (MISSING, Missing, 1),
        (None, type(None), 1),
    ]


@given(
    tables,
    st.lists(st.tuples(st.integers(0, 30), searches.documents), min_size=1, max_size=6),
    searches.trees,
    searches.orders,
)
def test_what_changed_is_seen_after_it_was_told(
    table: Table,
    changes: list[tuple[int, dict[str, Value]]],
    tree: Expr,
    order: tuple[OrderTerm, ...],
) -> None:
    engine = ColumnEngine(table)
    engine.select(tree, searches.NOW)
    for place, document in changes:
        row = min(place, len(table.documents))
        if row == len(table.documents):
            table.add(document)
        else:
            table.documents[row] = {"id": f"r{row:05}", "created": 5.0, **document}
        engine.invalidate([row])
    mask = engine.select(tree, searches.NOW)
    expected = table.matching(tree)
    assert np.flatnonzero(mask).tolist() == expected
    assert engine.order(mask, order).tolist() == table.ordered(expected, order)


def many(count: int) -> Table:
    return Table([{"params.x": i, "name": f"run-{i % 7}"} for i in range(count)])


def test_only_the_rows_that_changed_are_read_again() -> None:
    table = many(100)
    engine = ColumnEngine(table)
    engine.select(parse("params.x > 3"))
    loads = list(table.loads)
    table.documents[7]["params.x"] = -1
    engine.invalidate([7])
    assert 7 not in np.flatnonzero(engine.select(parse("params.x > 3")))
    assert table.loads == loads
    assert ("params.x", (7,)) in table.row_loads


def test_a_column_is_read_whole_when_much_of_it_changed_or_everything_did() -> None:
    table = many(100)
    engine = ColumnEngine(table)
    engine.column("params.x")
    for _ in range(3):
        engine.invalidate(range(50))
    engine.column("params.x")
    engine.invalidate(None)
    engine.column("params.x")
    assert table.loads.count("params.x") == 3
    assert table.row_loads == []


def test_texts_that_are_gone_do_not_pile_up() -> None:
    table = Table([{"name": "x"} for _ in range(10)])
    engine = ColumnEngine(table)
    for i in range(1200):
        table.documents[0]["name"] = f"name {i}"
        engine.invalidate([0])
        engine.column("name")
    assert len(engine.column("name").entries) < 1100
    assert engine.values("name", [0, 1]) == ["name 1199", "x"]


def test_the_least_used_columns_leave_when_memory_runs_short() -> None:
    table = many(1000)
    engine = ColumnEngine(table, max_bytes=130_000)
    for i in range(20):
        engine.select(parse(f"params.p{i} > 0"))
    assert engine.nbytes <= 130_000
    engine.select(parse("params.p19 > 0"))
    engine.select(parse("params.p0 > 0"))
    assert table.loads.count("params.p19") == 1
    assert table.loads.count("params.p0") == 2


def test_a_purged_run_is_found_by_nothing() -> None:
    table = many(3)
    table.documents[1].clear()
    engine = ColumnEngine(table)
    assert engine.find(RunQuery(filter="not params.x = 99")).ids == ("r00002", "r00000")
    assert engine.find(RunQuery(filter="params.x is null", deleted=None)).ids == ()


def test_a_page_of_a_query_says_how_many_match_in_all() -> None:
    engine = ColumnEngine(many(100))
    page = engine.find(RunQuery(filter="params.x >= 10", order_by=("params.x asc",), limit=3))
    assert page.ids == ("r00010", "r00011", "r00012")
    assert page.total == 90
    following = engine.find(
        RunQuery(filter="params.x >= 10", order_by=("params.x asc",), limit=3, cursor=page.cursor)
    )
    assert following.ids == ("r00013", "r00014", "r00015")
    assert engine.find(RunQuery(limit=0)).ids == ()


def test_a_page_goes_on_where_it_ended_though_runs_came_and_went() -> None:
    table = many(10)
    engine = ColumnEngine(table)
    query = RunQuery(order_by=("params.x",), limit=4)
    page = engine.find(query)
    table.add({"params.x": -5})
    table.documents[3].clear()  # the last one of the page
    engine.invalidate([3, 10])
    following = engine.find(RunQuery(order_by=("params.x",), limit=4, cursor=page.cursor))
    assert following.ids == ("r00004", "r00005", "r00006", "r00007")


def test_experiments_and_the_trash_are_part_of_a_query() -> None:
    table = Table(
        [
            {"experiment": "team/churn"},
            {"experiment": "team/churn_2", "deleted": 5.0},
            {"experiment": "teamwork"},
            {"experiment": "100%_done/x"},
        ]
    )
    engine = ColumnEngine(table)
    assert engine.find(RunQuery(experiments=("team/",))).ids == ("r00000",)
    assert engine.find(RunQuery(experiments=("team/", "teamwork"), deleted=None)).total == 3
    assert engine.find(RunQuery(experiments=("100%_done/",))).ids == ("r00003",)
    assert engine.find(RunQuery(deleted=True)).ids == ("r00001",)
    assert engine.find(RunQuery(experiments=())).ids == ()


@pytest.mark.parametrize("cursor", ["", "x", "bm9uc2Vuc2U=", "WyJhIiwgW1tdXV0="])
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidError, match="cursor"):
        ColumnEngine(many(3)).find(RunQuery(cursor=cursor))


def test_a_cursor_of_another_query_is_refused() -> None:
    engine = ColumnEngine(many(5))
    cursor = engine.find(RunQuery(limit=2)).cursor
    with pytest.raises(InvalidError, match="another query"):
        engine.find(RunQuery(filter="params.x > 1", limit=2, cursor=cursor))


def test_a_query_that_cannot_be_read_is_refused() -> None:
    engine = ColumnEngine(many(3))
    with pytest.raises(QueryError):
        engine.find(RunQuery(filter="params.x >"))
    with pytest.raises(QueryError):
        engine.find(RunQuery(order_by=("nonsense",)))
    with pytest.raises(InvalidError, match="limit"):
        engine.find(RunQuery(limit=-1))


def test_ten_thousand_terms_are_no_matter() -> None:
    table = many(200)
    terms = tuple(Compare("params.x", "=", i) for i in range(0, 20_000, 2))
    assert np.count_nonzero(ColumnEngine(table).select(Or(terms))) == 100
    text = " or ".join(f"params.x = {i}" for i in range(0, 20_000, 2))
    assert ColumnEngine(table).find(RunQuery(filter=text)).total == 100
    text = " and ".join(f"params.x != {i}" for i in range(0, 20_000, 2))
    assert ColumnEngine(table).find(RunQuery(filter=text)).total == 100


def test_a_page_far_down_a_sorted_table_is_found() -> None:
    engine = ColumnEngine(many(30_000))
    page = engine.find(RunQuery(filter="params.x < 100", order_by=("params.x desc",), limit=2))
    assert page.ids == ("r00099", "r00098")
    everything = np.ones(30_000, np.bool_)
    everything[200:] = False
    everything[25_000:] = True
    last = engine.order(everything, (OrderTerm("params.x"),), 5_150)
    assert last[:200].tolist() == list(range(200))
    assert last[-1] == 25_000 + 4_949


def test_a_number_and_a_bool_that_equal_it_ask_for_different_texts() -> None:
    engine = ColumnEngine(Table([{"params.x": "true"}, {"params.x": "1"}]))
    for _ in range(2):
        assert engine.find(RunQuery(filter="params.x = 1")).ids == ("r00001",)
        assert engine.find(RunQuery(filter="params.x = true")).ids == ("r00000",)


def test_only_the_newest_answers_and_orders_are_kept() -> None:
    table = Table([{"name": f"n{i}", **{f"params.p{j}": i for j in range(10)}} for i in range(30)])
    engine = ColumnEngine(table)
    for i in range(40):
        assert engine.find(RunQuery(filter=f"name like 'n{i}'")).total == int(i < 30)
    for j in range(10):
        page = engine.find(RunQuery(order_by=(f"params.p{j}",), limit=1))
        assert page.ids == ("r00000",)
    assert engine.nbytes < 200_000


def test_numbers_of_any_size_compare_exactly() -> None:
    table = Table([{"params.x": v} for v in (2.0**53, 2**53 + 1, 10**399, -(10**399), 1e308)])
    engine = ColumnEngine(table)
    for text in ("= 9007199254740993", "!= 9007199254740993", f"< {10**399}", f"> {-(10**399)}",
                 "> 9007199254740993", "<= 9007199254740993", f"= {10**399}", "< inf"):  # fmt: skip
        tree = parse(f"params.x {text}")
        assert np.flatnonzero(engine.select(tree)).tolist() == table.matching(tree)
    [whole] = engine.group(RunQuery(), [], ["params.x"])
    assert whole.stats["params.x"][3:] == (-math.inf, math.inf)
    assert engine.group(RunQuery(), [], ["params.x"]) == [whole] or math.isnan(
        whole.stats["params.x"][1]
    )


def test_groups_by_many_columns_at_once() -> None:
    rows: list[dict[str, Value]] = [{"params.a": i, "params.b": i % 50} for i in range(200)]
    engine = ColumnEngine(Table(rows))
    for _ in range(2):
        groups = engine.group(RunQuery(filter="params.a < 3"), ["params.a", "params.b"], [])
        assert [g.values for g in groups] == [(0, 0), (1, 1), (2, 2)]
