"""All columns of many runs at once: the SQL catalog says what whole runs say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from past import Past

from mendel.catalog.contract import Column
from mendel.catalog.sql.catalog import SqlCatalog
from mendel.graph.errors import InvalidError
from mendel.graph.values import MISSING, Missing, same

DRAWERS = ("params", "summary", "series", "tags")

key = st.sampled_from(["lr", "a.b", "ü", "x y", "a", "m.min"])
value = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.none(), st.text(), st.lists(st.integers())
)
numbers = st.lists(st.floats(), min_size=1, max_size=3) | st.lists(st.integers(-9, 9), min_size=1)
runs = st.lists(
    st.fixed_dictionaries(
        {
            "params": st.dictionaries(key, value, max_size=3),
            "metrics": st.dictionaries(key, value, max_size=3),
            "tags": st.dictionaries(key, value, max_size=2),
            "series": st.dictionaries(st.sampled_from(["loss", "m"]), numbers, max_size=2),
        }
    ),
    max_size=4,
)


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Past, Past]]:
    sql = Past(tmp_path, lambda blocks: SqlCatalog(tmp_path / "catalog.sqlite", blocks))
    yield Past(tmp_path), sql
    sql.catalog.close()


def told(columns: list[Column]) -> dict[str, list[Any]]:
    return {column.name: list(column.values) for column in columns}


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, Missing) or isinstance(other, Missing):
        return one is other
    return same(one, other)


@given(made=runs, most=st.booleans())
def test_both_catalogs_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, made: list[Any], *, most: bool
) -> None:
    folder = tmp_path_factory.mktemp("sheet")
    memory = Past(folder)
    sql = Past(folder, lambda blocks: SqlCatalog(folder / "catalog.sqlite", blocks))
    for i, run in enumerate(made):
        memory.catalog.ingest([digest := _digest(memory, f"run {i}", run)])
        sql.blocks.kept = memory.blocks.kept
        sql.catalog.ingest([digest])
    ids = [run.id for run in memory.runs]
    asked = [*ids, "no run"] if most else [*ids, *ids]

    one, other = told(memory.catalog.sheet(asked, DRAWERS)), told(sql.catalog.sheet(asked, DRAWERS))
    sql.catalog.close()

    assert list(one) == list(other)
    for name, values in one.items():
        assert all(map(equal, values, other[name])), (name, values, other[name])


def _digest(past: Past, name: str, run: dict[str, Any]) -> Any:
    taken: list[Any] = []
    catalog, past.catalog = past.catalog, _Taking(taken)  # type: ignore[assignment]
    past.run(name, **run)
    past.catalog = catalog
    return taken[0]


class _Taking:
    def __init__(self, taken: list[Any]) -> None:
        self.ingest = taken.extend


def test_columns_come_by_drawer_then_name(both: tuple[Past, Past]) -> None:
    for past in both:
        run = past.run("a", params={"b": 1, "a": {"x": 2}}, metrics={"m": 3}, series={"s": [4, 5]})
        past.run("b", tags={"t": "u"})

        columns = past.catalog.sheet([run], ("params", "summary", "series", "tags"))

        assert told(columns) == {
            "params.a.x": [2],
            "params.b": [1],
            "summary.m": [3],
            "series.s": [5],
        }
        assert told(past.catalog.sheet([], DRAWERS)) == {}


def test_a_run_that_is_not_there_has_nothing(both: tuple[Past, Past]) -> None:
    for past in both:
        run = past.run("a", params={"lr": 1})

        assert told(past.catalog.sheet(["gone", run], ("params",))) == {"params.lr": [MISSING, 1]}


def test_a_few_of_many_runs_are_read_run_by_run(both: tuple[Past, Past]) -> None:
    _, sql = both
    ids = [sql.run(f"r{i}", params={"i": i}, series={"s": [i]}) for i in range(70)]

    assert told(sql.catalog.sheet([ids[7]], ("params", "series"))) == {
        "params.i": [7],
        "series.s": [7],
    }
    assert told(sql.catalog.sheet(ids[:9], ("params",))) == {"params.i": list(range(9))}
    assert told(sql.catalog.sheet(ids, ("params",))) == {"params.i": list(range(70))}


def test_an_unknown_drawer_is_refused(both: tuple[Past, Past]) -> None:
    for past in both:
        with pytest.raises(InvalidError, match="did you mean 'params'"):
            past.catalog.sheet([], ("parms",))
