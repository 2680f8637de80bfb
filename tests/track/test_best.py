"""The best run: by a goal that somebody said, never by NaN, and with its rivals told."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from past import Past

from mendel.graph.errors import InvalidError, NotFoundError, QueryError, WrongTypeError
from mendel.graph.run import Goal
from mendel.track.best import best
from mendel.track.goal import is_number, told_goals, winners


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


def test_the_goal_that_the_runs_define_is_taken(past: Past) -> None:
    past.run("a", metrics={"loss": 0.3}, goals={"loss": "minimize"})
    past.run("b", metrics={"loss": 0.1}, goals={"loss": "minimize"})
    past.run("c", metrics={"loss": 0.2})

    found = best(past.runs, "loss")

    assert found.run.name == "b"
    assert found.value == 0.1
    assert found.goal is Goal.MINIMIZE
    assert (found.considered, found.without, found.nan) == (3, 0, 0)
    assert found.metric == "metrics.loss"


def test_a_goal_that_only_older_runs_told_is_found(past: Past) -> None:
    past.run("old", metrics={"loss": 0.3}, goals={"loss": "minimize"})
    for n in range(205):
        past.run(f"r{n}", metrics={"loss": 0.5 + n})

    assert best(past.runs, "loss").run.name == "old"
    assert told_goals(past.catalog, past.runs.ids(), "metrics.loss.min") == {Goal.MINIMIZE: "old"}


@pytest.mark.parametrize(
    ("goal", "name"),
    [
        ("min", "low"),
        ("minimize", "low"),
        ("max", "high"),
        ("MAXIMIZE", "high"),
        (Goal.MAXIMIZE, "high"),
    ],
)
def test_a_goal_that_is_said_wins_over_the_defined(past: Past, goal: str, name: str) -> None:
    past.run("low", metrics={"m": -1}, goals={"m": "maximize"})
    past.run("high", metrics={"m": 1})

    assert best(past.runs, "m", goal).run.name == name


def test_an_unknown_goal_is_asked_for_and_both_ways_to_say_it_are_shown(past: Past) -> None:
    past.run("a", metrics={"loss": 0.3})

    with pytest.raises(InvalidError, match="define_metric") as caught:
        best(past.runs, "loss")
    assert "'minimize'" in str(caught.value)


def test_runs_that_contradict_one_another_are_named(past: Past) -> None:
    past.run("up", metrics={"m": 1}, goals={"m": "maximize"})
    past.run("down", metrics={"m": 1}, goals={"m": "minimize"})

    with pytest.raises(InvalidError, match="contradict") as caught:
        best(past.runs, "m")
    assert "'up'" in str(caught.value)
    assert "'down'" in str(caught.value)


def test_a_goal_may_be_defined_by_a_pattern(past: Past) -> None:
    past.run("a", metrics={"val/loss": 2.0}, goals={"val/*": "minimize"})
    past.run("b", metrics={"val/loss": 1.0})

    assert best(past.runs, "val/loss").run.name == "b"


def test_nan_missing_and_text_never_win(past: Past) -> None:
    past.run("nan", metrics={"m": float("nan")})
    past.run("text", metrics={"m": "great"})
    past.run("none", metrics={"m": None})
    past.run("without")
    past.run("number", metrics={"m": 0.0})

    for goal in ("min", "max"):
        found = best(past.runs, "m", goal)
        assert found.run.name == "number"
        assert (found.considered, found.without, found.nan) == (1, 3, 1)
    assert "1 with NaN" in repr(found)
    assert "3 without a number" in repr(found)


def test_ties_are_told_and_the_newest_is_the_run(past: Past) -> None:
    for name in ("old", "mid", "new"):
        past.run(name, metrics={"m": 1.0})
    past.run("worse", metrics={"m": 0.5})

    found = best(past.runs, "m", "max")

    assert found.run.name == "new"
    assert [t.name for t in found.ties] == ["mid", "old"]
    assert "tied with mid, old" in repr(found)


def test_a_run_must_also_pass_the_constraint(past: Past) -> None:
    past.run("good but slow", metrics={"auc": 0.99, "ms": 80})
    past.run("fast", metrics={"auc": 0.91, "ms": 8})

    assert best(past.runs, "auc", "max", where="metrics.ms < 20").run.name == "fast"


def test_a_series_counts_by_its_last_value_or_by_its_least(past: Past) -> None:
    past.run("deep", series={"loss": [0.1, 0.9]}, goals={"loss": "minimize"})
    past.run("steady", series={"loss": [0.6, 0.5]})

    assert best(past.runs, "loss").run.name == "steady"
    assert best(past.runs, "loss.min").run.name == "deep"
    assert best(past.runs, "loss.min").value == 0.1
    assert best(past.runs, "metrics.loss").run.name == "steady"


def test_a_metric_of_an_odd_name_needs_no_quotes(past: Past) -> None:
    past.run("a", metrics={"AUC (test) `x`": 0.5, "ünï/cödé key": 1})

    assert best(past.runs, "AUC (test) `x`", "max").value == 0.5
    assert best(past.runs, "ünï/cödé key", "max").value == 1


def test_a_metric_that_no_run_has_names_a_near_one(past: Past) -> None:
    past.run("a", metrics={"accuracy": 0.5})

    with pytest.raises(NotFoundError, match="did you mean 'accuracy'"):
        best(past.runs, "acuracy", "max")


def test_a_search_without_runs_has_no_best(past: Past) -> None:
    with pytest.raises(NotFoundError, match="no run matches"):
        best(past.runs, "m", "max")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((3, "m"), WrongTypeError),
        ((None, ""), InvalidError),
        ((None, 4), WrongTypeError),
        ((None, "m", "better"), InvalidError),
        ((None, "m", 5), InvalidError),
        ((None, "metrics.a b"), QueryError),
    ],
)
def test_what_cannot_be_meant_is_refused(
    past: Past, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    past.run("a", metrics={"m": 1})
    runs, *rest = arguments

    with pytest.raises(error):
        best(past.runs if runs is None else runs, *rest)


@given(st.lists(st.floats() | st.integers() | st.none() | st.text(max_size=2)))
def test_winners_are_all_the_numbers_that_nothing_beats(values: list[Any]) -> None:
    numbers = [v for v in values if is_number(v)]

    for goal, pick in ((Goal.MINIMIZE, min), (Goal.MAXIMIZE, max)):
        won = winners(values, goal)
        assert [values[i] for i in won] == [v for v in numbers if v == pick(numbers)]
        assert list(won) == sorted(won)
