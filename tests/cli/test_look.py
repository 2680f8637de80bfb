"""Looking at runs: lists, pages, comparisons, the best, searches."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any

import pytest
from front import call, fill, good, working

from mendel.graph.values import from_json

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def ids(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("look")
        with working(folder, patch):
            yield fill(folder)


def names(*args: str) -> list[str]:
    return [run["name"] for run in good("runs", *args, "--json").json()["runs"]]


def test_runs_are_listed_newest_first(ids: dict[str, str]) -> None:
    assert names() == list(ids)[::-1]
    lines = good("runs").lines
    assert lines[0].split()[:4] == ["name", "state", "started", "duration"]
    assert "auc" in lines[0]
    assert "lr" in lines[0]
    assert "seed" not in lines[0]  # the same in all runs
    assert lines[1].split()[:2] == ["bad", "FAILED"]


def test_runs_are_filtered_sorted_and_limited(ids: dict[str, str]) -> None:
    assert names("-f", "params.lr < 0.5", "-s", "metrics.auc") == ["one", "two"]
    assert names("-s", "-metrics.auc", "-n", "2") == ["two", "one"]
    assert names("-s", "-auc", "-n", "1") == ["two"]
    assert names("-s", "auc desc", "-n", "1") == ["two"]
    assert names("-e", "flights", "-f", "state = 'FAILED'") == ["bad"]
    assert names("-e", "nothing") == []
    answer = good("runs", "-n", "1")
    assert "1 of 4 runs" in answer.err
    assert len(good("runs", "--all").lines) == 5
    assert good("runs", "--ids", "-f", "name = 'one'").out == ids["one"] + "\n"
    assert good("runs", "--ids", "name = 'one'").out == ids["one"] + "\n"
    assert good("runs", "--ids", "name = 'one'", "-f", "name = 'two'").out == ""


@pytest.mark.usefixtures("ids")
def test_a_search_that_finds_nothing_says_which_name_nobody_has() -> None:
    assert (
        "no run has metrics.acu; did you mean 'auc'?" in good("runs", "-f", "metrics.acu > 0").err
    )
    told = good("runs", "-e", "fligths").err
    assert "no experiment 'fligths'; did you mean 'flights'?" in told
    assert "the store has 4 runs" in good("runs", "-f", "metrics.auc.max > 1e9").err
    assert good("runs", "-f", "metrics.acu > 0", "--json").json()["total"] == 0
    assert "did you mean 'auc'?" in call("best", "acu").err
    assert "no experiment 'fligths'" in call("best", "auc", "-e", "fligths").err


def test_alone_it_shows_its_help() -> None:
    assert good().out == good("--help").out


def test_columns_may_be_named_in_short(ids: dict[str, str]) -> None:
    answer = good("runs", "-c", "name,lr,loss.min")
    assert answer.lines[0].split() == ["name", "lr", "loss.min"]
    rows = good("runs", "-c", "name,lr", "--json").json()["runs"]
    assert rows[0] == {"id": ids["bad"], "columns": {"name": "bad", "params.lr": None}}
    told = call("runs", "-c", "nmae")
    assert told.code == 1


def test_csv_is_exact(ids: dict[str, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(good("runs", "-c", "name,lr,auc,state", "--csv").out)))
    one = next(row for row in rows if row["name"] == "one")
    assert one["id"] == ids["one"]
    assert float(one["metrics.auc"]) == 0.5 + 19 / 50 - 0.1 / 10
    assert one["params.lr"] == "0.1"
    assert next(row for row in rows if row["name"] == "bad")["params.lr"] == ""


def test_groups_are_over_all_members(ids: dict[str, str]) -> None:
    assert ids
    groups = good("runs", "-g", "model", "-n", "1", "--json").json()["groups"]
    by = {g["by"]["params.model"]: g for g in groups}
    assert by["gbdt"]["runs"] == 2
    stats = by["gbdt"]["stats"]["metrics.auc"]
    a, b = 0.5 + 19 / 50 - 0.01, 0.5 + 19 / 50 - 0.001
    assert stats["n"] == 2
    assert math.isclose(stats["mean"], (a + b) / 2)
    assert math.isclose(stats["deviation"], (b - a) / math.sqrt(2), rel_tol=1e-9)
    assert "±" in good("runs", "-g", "model").out


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_every_page_keeps_its_width(
    ids: dict[str, str], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ids
    monkeypatch.setenv("COLUMNS", str(width))
    for args in (["runs"], ["runs", "-g", "model"], ["compare", "one", "two"], ["search", "gbdt"],
                 ["experiments"], ["du"], ["best", "auc"]):  # fmt: skip
        lines = good(*args).lines
        assert max(map(len, lines)) <= width, (args, lines)
        assert lines[0].split()[0] in {
            "name",
            "model",
            "field",
            "experiment",
            "kind",
            "params.model",
        }
    narrow = good("runs")
    if width == 40:
        assert "no room for: " in narrow.err
        assert "auc" in narrow.lines[0]  # metrics matter more than times


def test_a_run_is_shown_whole(ids: dict[str, str]) -> None:
    page = good("show", "one").out
    for part in ("one", "COMPLETE", ids["one"], "flights", "lr", "0.1", "opt.eps", "1e-08", "auc",
                 "loss", "model.bin", "stage", "█"):  # fmt: skip
        assert part in page
    assert "odd\\x1b[31m key" in page
    assert "a\\nb" in page
    assert "\x1b" not in page


def test_a_failed_run_shows_its_traceback(ids: dict[str, str]) -> None:
    assert ids
    page = good("show", "bad").out
    assert "ValueError: invalid literal" in page
    assert "Traceback" in page
    end = good("show", "bad", "--json").json()["end"]
    assert end["reason"].startswith("ValueError: invalid literal")


def test_json_keeps_types(ids: dict[str, str]) -> None:
    assert ids
    told: dict[str, Any] = good("show", "one", "--json").json()
    assert told["params"] == {"model": "gbdt", "lr": 0.1, "seed": 7, "opt": {"eps": 1e-8}}
    assert type(told["metrics"]["final"]) is int
    assert told["metrics"]["nan"] == {"$float": "nan"}
    assert math.isnan(from_json(told["metrics"]["nan"]))  # type: ignore[arg-type]
    assert told["series"]["auc"]["count"] == 20
    assert told["outputs"][0]["display_name"] == "model.bin"


def test_a_run_is_found_by_id_its_beginning_and_experiment(ids: dict[str, str]) -> None:
    for text in (ids["two"], ids["two"][:25], "two", "flights/two"):
        assert good("show", text, "--json").json()["id"] == ids["two"]


def test_a_series_is_drawn_and_told(ids: dict[str, str]) -> None:
    assert ids
    lines = good("show", "one", "--metric", "auc").lines
    assert lines[0].startswith("auc  last 0.87 at step 19")
    assert "┤" in lines[1]
    told = good("show", "one", "-m", "loss", "--json").json()["series"][0]
    assert told["steps"] == list(range(20))
    assert told["values"][1] == 0.5
    wrong = call("show", "one", "-m", "los")
    assert wrong.code == 1
    assert "did you mean 'loss'?" in wrong.err


def test_comparing_shows_only_what_differs(ids: dict[str, str]) -> None:
    page = good("compare", "one", "two").out
    assert "params.lr" in page
    assert "params.seed" not in page
    assert "0.879 (+0.009) *" in page
    assert "params.seed" in good("compare", "one", "two", "--all").out
    told = good("compare", "one", "two", "three", "--baseline", "two", "--json").json()
    assert told["baseline"] == ids["two"]
    lr = next(row for row in told["params"] if row["name"] == "lr")
    assert lr["values"] == {ids["one"]: 0.1, ids["two"]: 0.01, ids["three"]: 1.0}
    rows = list(csv.reader(io.StringIO(good("compare", "one", "two", "--csv").out)))
    assert rows[0] == ["field", ids["one"], ids["two"]]


def test_the_best_run_follows_the_goal(ids: dict[str, str]) -> None:
    best = good("best", "auc", "--json").json()
    assert best["goal"] == "maximize"
    assert best["runs"][0]["run"]["id"] == ids["two"]
    least = good("best", "loss.min", "--goal", "minimize", "-n", "5", "--json").json()["runs"]
    assert {r["run"]["name"] for r in least} == {"one", "two", "three"}  # NaN is never the best
    only = good("best", "auc", "-f", "params.model = 'linear'", "--json").json()["runs"]
    assert only[0]["run"]["name"] == "three"
    assert "two" in good("best", "auc").out
    asked = call("best", "loss")
    assert asked.code == 1
    assert "--goal" in asked.err
    unknown = call("best", "acu", "--goal", "maximize")
    assert unknown.code == 1
    assert "did you mean 'auc'" in unknown.err


def test_words_are_found_wherever_they_stand(ids: dict[str, str]) -> None:
    found = good("search", "GBDT", "--json").json()
    assert {r["run"]["name"] for r in found["runs"]} == {"one", "two"}
    assert found["runs"][0]["where"] == ["params.model"]
    assert good("search", "flig", "--json").json()["experiments"][0]["name"] == "flights"
    both = good("search", "gbdt", "one", "--json").json()["runs"]
    assert [r["run"]["id"] for r in both] == [ids["one"]]
    assert good("search", "gbdt", "-f", "params.lr < 0.05", "--json").json()["total"] == 1
    assert good("search", "100%", "--json").json()["runs"] == []
    assert "nothing found" in good("search", "nowhere").err


def test_a_run_that_ended_is_watched_once(ids: dict[str, str]) -> None:
    assert ids
    assert len(good("watch", "one", "--json").lines) == 1
    assert call("watch", "bad").code == 1
    nothing = call("watch")
    assert nothing.code == 1
    assert "no run is running" in nothing.err
