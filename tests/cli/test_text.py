"""Text for a terminal: short, exact where it matters, never able to drive the terminal."""

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.cli.plot import plot, spark
from mendel.cli.table import Cell, Heading, cut, lay_out
from mendel.cli.text import ago, counted, duration, listed, number, safe, size, typed, value_text
from mendel.graph.values import Value, same

FLOATS = st.floats(width=64)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("日本 🙂 é", "日本 🙂 é"),
        ("\u2028\x9b", "\\u2028\\x9b"),
    ],
)
def test_control_characters_are_shown_not_obeyed(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text())
def test_a_safe_text_never_has_a_control_character(text: str) -> None:
    assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in safe(text))
    assert "\x1b" not in safe(text, keep_lines=True)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1, "1"),
        (1.0, "1"),
        (0.123456789, "0.123457"),
        (math.nan, "NaN"),
        (-math.inf, "-inf"),
        (True, "true"),
        (None, "none"),
        ("gbdt", "gbdt"),
        ("1", '"1"'),
        ("true", '"true"'),
        ("", '""'),
        ([1, "a"], '[1, "a"]'),
        ({"a": math.nan}, '{"a": {"$float": "nan"}}'),
    ],
)
def test_a_value_shows_its_type(value: object, shown: str) -> None:
    assert value_text(value) == shown


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.1", 0.1), ("true", True), ("null", None), ("final", "final"), ("[1]", [1]),
     ('"3"', "3"), ("[1", "[1"), ("1e-3", 0.001), (" a ", " a ")],
)  # fmt: skip
def test_what_a_person_types_gets_its_type(text: str, value: Value) -> None:
    assert same(typed(text), value)


def test_times_and_sizes_are_short() -> None:
    assert [duration(s) for s in (0.0123, 5.25, 185, 7800, 97200)] == [
        "12ms", "5.2s", "3m 05s", "2h 10m", "1d 3h",
    ]  # fmt: skip
    assert [ago(1000.0 - s, 1000.0) for s in (0, 5, 65, 7300)] == [
        "now",
        "5s ago",
        "1m ago",
        "2h ago",
    ]
    assert [size(n) for n in (5, 2048, 3 * 1024**3)] == ["5 B", "2.0 KiB", "3.0 GiB"]
    assert counted(1, "run") + counted(2000, "run") == "1 run2,000 runs"
    assert listed(["a", "b", "c"], 2) == "a, b and 1 more"


@given(FLOATS)
def test_a_number_has_few_characters(value: float) -> None:
    assert len(number(value)) <= 13


@given(st.lists(FLOATS, max_size=60), st.integers(1, 30))
def test_a_sparkline_fits_and_never_fails(values: list[float], width: int) -> None:
    assert len(spark(values, width)) <= width


@given(st.lists(FLOATS, max_size=60), st.integers(24, 100))
def test_a_plot_fits_and_never_fails(values: list[float], width: int) -> None:
    lines = plot(range(len(values)), values, width=width)
    assert all(len(line) <= width + 20 for line in lines)


def test_a_plot_says_what_it_does_not_draw() -> None:
    lines = plot([0, 1, 2, 3], [0.0, math.nan, math.inf, 1.0])
    assert "not drawn: 2 NaN or infinite" in lines[-1]
    assert lines[0].lstrip().startswith("1 ┤")


ROWS = st.lists(st.tuples(st.text(), FLOATS.map(number), st.text()), max_size=6)


@given(ROWS, st.integers(20, 90))
def test_a_table_keeps_its_width_and_cuts_no_number(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    headings = [Heading("name", stays=True), Heading("loss", numeric=True), Heading("why")]
    cells = [[Cell(safe(t)) for t in row] for row in rows]
    laid = lay_out(headings, cells, width)
    lines = ["".join(c.text for c in line) for line in laid.lines]
    from rich.cells import cell_len

    assert all(cell_len(line) <= width for line in lines)
    if "loss" not in laid.hidden:
        assert all(row[1] in line for row, line in zip(rows, lines[1:], strict=True))
    assert {"loss", "why"} - {c.text.strip() for c in laid.lines[0]} >= set(laid.hidden) - {"name"}


def test_a_table_without_a_width_cuts_nothing() -> None:
    laid = lay_out([Heading("a")], [[Cell("x" * 500)]])
    assert "x" * 500 in laid.lines[1][0].text
    assert cut("abcdef", 4) == "abc…"
