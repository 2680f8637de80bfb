"""What people give by mistake: it is refused in words that help, or kept exactly; nothing is lost.

Each case is tried within a run that goes on; at the end the run has all that was right.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

import mendel
from mendel.cli.main import cli
from mendel.graph import values
from mendel.track import session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.story

NUMBER: Any = 5
DEEP: Any = "x"
for _ in range(200):
    DEEP = [DEEP]
WITHIN: dict[str, Any] = {}
WITHIN["self"] = WITHIN


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[mendel.ExperimentRun]:
    """Give a run that has something already, and must still have it afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MENDEL_QUIET", "1")
    monkeypatch.setenv("MENDEL_CAPTURE", "none")
    session.session = session.Session()
    mendel.init(experiment="e")
    begun = mendel.start_run("r")
    begun.log_params({"kept": 1})
    begun.log({"loss": 1.0}, 1)
    yield begun
    begun.log({"loss": 0.5}, 2)
    begun.end_run()
    begun.store.refresh()
    found = begun.store.catalog.get_runs([begun.id])[begun.id]
    assert found.params["kept"] == 1
    assert len(begun.get_time_series_data_frame()) >= 2
    if session.session.store is not None:
        session.session.store.close()
    session.session = session.Session()


# what is called, the error, and words of which the message has all
REFUSED: dict[str, tuple[Callable[[Any], object], type[Exception], tuple[str, ...]]] = {
    "a value of no known type": (lambda r: r.log({"a": object()}), TypeError, ("a", "object")),
    "points that are no dict": (lambda r: r.log([1, 2]), TypeError, ("dict", "list")),
    "a key that is no text": (lambda r: r.log({1: 2.0}), TypeError, ("text", "int")),
    "an empty key": (lambda r: r.log({"": 2.0}), ValueError, ("empty",)),
    "half a character in a key": (lambda r: r.log({"\ud800": 1.0}), ValueError, ("surrogate",)),
    "a step that is text": (lambda r: r.log({"a": 1.0}, "one"), TypeError, ("step",)),
    "a step that is a fraction": (lambda r: r.log({"a": 1.0}, 1.5), TypeError, ("step", "1.5")),
    "a step beyond 64 bits": (lambda r: r.log({"a": 1.0}, 1 << 63), ValueError, ("64 bits",)),
    "a step that is NaN": (lambda r: r.log({"a": 1.0}, math.nan), TypeError, ("step",)),
    "params that are a list": (lambda r: r.log_params([1]), TypeError, ("dict", "list")),
    "a param of no known type": (lambda r: r.log_params({"m": object()}), TypeError, ("m",)),
    "a param nested too deep": (lambda r: r.log_params({"p": DEEP}), ValueError, ("deep",)),
    "a param within itself": (lambda r: r.log_params({"p": WITHIN}), ValueError, ("itself",)),
    "a param of many types, one wrong": (
        lambda r: r.log_params({"good": 1, "bad": {"inner": [1, object()]}}),
        TypeError,
        ("inner", "object"),
    ),
    "metrics that are text": (lambda r: r.log_metrics("auc"), TypeError, ("dict", "str")),
    "tags that are a number": (lambda r: r.set_tags(5), TypeError, ("dict", "int")),
    "a note that is a number": (lambda r: r.set_note(5), TypeError, ("text", "int")),
    "an unknown goal": (
        lambda r: r.define_metric("a", goal="minimise it"),
        ValueError,
        ("minimize",),
    ),
    "an unknown level": (lambda r: r.alert("t", level="BAD"), ValueError, ("WARN", "ERROR")),
    "an unknown state": (lambda r: r.end_run(state="DONE"), ValueError, ("COMPLETE",)),
    "a matrix that is ragged": (
        lambda r: r.log_classification_metrics(labels=["a", "b"], matrix=[[1, 2], [3]]),
        ValueError,
        ("2", "1"),
    ),
    "a matrix without labels": (
        lambda r: r.log_classification_metrics(matrix=[[1, 2], [3, 4]]),
        ValueError,
        ("labels",),
    ),
    "labels without a matrix": (
        lambda r: r.log_classification_metrics(labels=["a", "b"]),
        ValueError,
        ("matrix",),
    ),
    "more labels than rows": (
        lambda r: r.log_classification_metrics(labels=["a", "b", "c"], matrix=[[1, 2], [3, 4]]),
        ValueError,
        ("3", "2"),
    ),
    "rates of unequal length": (
        lambda r: r.log_classification_metrics(fpr=[0, 1], tpr=[0, 1, 1], threshold=[1, 0]),
        ValueError,
        ("2", "3"),
    ),
    "rates without thresholds": (
        lambda r: r.log_classification_metrics(fpr=[0, 1], tpr=[0, 1]),
        ValueError,
        ("threshold",),
    ),
    "classification of text": (
        lambda r: r.log_classification_metrics(labels=["a"], matrix=[["x"]]),
        (TypeError, ValueError),  # type: ignore[dict-item]
        ("x",),
    ),
    "an artifact that is not there": (
        lambda r: r.log_artifact("no/such/file.bin"),
        (LookupError, OSError, ValueError),  # type: ignore[dict-item]
        ("no/such/file.bin",),
    ),
    "text that is none": (lambda r: r.log_text(5, "n"), TypeError, ("text", "int")),
    "an unknown run": (lambda _: mendel.get_run("rr"), LookupError, ("'r'",)),
    "an unknown run to resume": (
        lambda _: mendel.start_run("x", resume=True),
        LookupError,
        ("allow",),
    ),
    "an unknown experiment": (
        lambda _: mendel.get_experiment_df("ee"),
        (LookupError, ValueError),
        ("ee",),  # type: ignore[dict-item]
    ),
    "an unknown field in a search": (
        lambda _: mendel.runs("params.kep = 1").ids() or mendel.runs("stat = 'x'").ids(),
        ValueError,
        ("state",),
    ),
    "a search that breaks off": (lambda _: mendel.runs("params.a >").ids(), ValueError, ("^",)),
    "a run's name that is a number": (
        lambda _: mendel.start_run(NUMBER),
        TypeError,
        ("name", "int"),
    ),
    "an empty name": (lambda _: mendel.start_run(""), ValueError, ("empty",)),
    "a run id of one's own": (lambda _: mendel.start_run(run_id="mine"), ValueError, ("26",)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_in_words_that_help(run: mendel.ExperimentRun, case: str) -> None:
    call, kind, words = REFUSED[case]
    with pytest.raises(kind) as caught:
        call(run)
    assert isinstance(caught.value, mendel.MendelError | FileNotFoundError), "none slipped through"
    told = str(caught.value)
    assert len(told) < 2000
    for word in words:
        assert word in told, told
    assert mendel.active_run() is run
    assert run.get_state() == "RUNNING"


LONG = "n" * 10_000
ODD_NAMES = [
    "a b",
    "a/b",
    "a.b",
    "naïve ☃ 日本語",
    "tab\there",
    "line\nbreak",
    "\x00",
    "\x1b[31m",
    "$x",
    LONG,
]
PARAMS: dict[str, Any] = {
    "text of 10 MB": "x" * 10_000_000,
    "an int of 1,000 digits": int("7" * 1000),
    "a list of 100,000": list(range(100_000)),
    "half a character": "a\ud800b",
    "NaN": math.nan,
    "infinities": [math.inf, -math.inf],
    "nothing": None,
    "nested": {"a": {"b": [1, 2.0, True, None, {"c": "d"}]}},
    "an empty dict": {},
    "control characters": "\x00\x1b[31m\r\n",
}


@pytest.mark.parametrize("case", PARAMS)
def test_a_param_is_kept_exactly(run: mendel.ExperimentRun, case: str) -> None:
    run.log_params({case: PARAMS[case]})
    run.log_metrics({case: PARAMS[case]})
    run.set_tags({case: PARAMS[case]})
    run.store.refresh()
    found = run.store.catalog.get_runs([run.id])[run.id]
    assert values.same(found.params[case], PARAMS[case])
    assert values.same(found.metrics[case], PARAMS[case])
    assert values.same(found.tags[case], PARAMS[case])
    _every_page(run.id)


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_a_name_is_kept_exactly(run: mendel.ExperimentRun, name: str) -> None:
    run.log_params({name: 1, f"{name}2": {name: 2}})
    run.log({name: 1.0}, 1)
    run.set_tags({name: name})
    run.log_text("text", name)
    run.log_metrics({name: 3})
    run.store.refresh()
    found = run.store.catalog.get_runs([run.id])[run.id]
    assert found.params[name] == 1
    assert found.params[f"{name}2"] == {name: 2}
    assert found.tags == {name: name}
    assert found.series[name].count == 1
    assert found.metrics[name] == 3
    _every_page(run.id)


@pytest.mark.parametrize("step", [0, -1, -(1 << 63), (1 << 63) - 1, 1 << 53])
def test_a_step_is_kept_exactly(run: mendel.ExperimentRun, step: int) -> None:
    run.log({"at": 1.0}, step)
    run.store.refresh()
    found = run.store.catalog.get_runs([run.id])[run.id]
    assert (found.series["at"].first_step, found.series["at"].count) == (step, 1)


def test_names_that_collide_are_both_kept(run: mendel.ExperimentRun) -> None:
    run.log_params({"a.b": 1, "a": {"b": 2}})
    run.log_metrics({"m": 0.25})
    run.log({"m": 1.0}, 1)
    run.store.refresh()
    found = run.store.catalog.get_runs([run.id])[run.id]
    assert found.params["a.b"] == 1
    assert found.params["a"] == {"b": 2}
    assert found.metrics == {"m": 0.25}
    assert found.series["m"].last == 1.0
    assert mendel.runs("metrics.m = 0.25").ids() == [run.id]
    assert mendel.runs("metrics.m.max = 1.0").ids() == [run.id]


def test_one_name_in_two_experiments_means_the_one_that_is_said(run: mendel.ExperimentRun) -> None:
    with mendel.start_run("r", experiment="other", nested=True) as second:
        second.log_params({"second": True})
    store = run.store
    assert store.resolve_run("other/r") == second.id
    assert store.resolve_run("e/r") == run.id


def _every_page(run_id: str) -> None:
    """Have the program show the run in every way; nothing odd reaches the terminal."""
    from click.testing import CliRunner

    for words in (["show", run_id], ["show", run_id, "--json"], ["runs"], ["runs", "--json"]):
        result = CliRunner().invoke(cli, words, prog_name="mendel")
        assert result.exit_code == 0, result.output[:2000] + result.stderr[:2000]
        assert "\x1b[31m" not in result.stdout
        assert "\x00" not in result.stdout
