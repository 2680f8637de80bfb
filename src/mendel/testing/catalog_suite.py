"""The suite that every catalog passes. Inherit `CatalogSuite` and make your catalog.

class TestMyCatalog(CatalogSuite):
    def make(self, folder, blocks, ledger):
        return MyCatalog(folder / "catalog", blocks, ledger)
"""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mendel.catalog.contract import MISSING, RunQuery
from mendel.graph.digest import Position
from mendel.graph.errors import InvalidError, NotFoundError, QueryError, StateError
from mendel.graph.run import Goal, RunState
from mendel.graph.values import same
from mendel.testing.catalog_case import OTHER, RUN, CatalogCase, begin, take, told
from mendel.testing.catalog_suite_deciding import DecidingSuite
from mendel.testing.catalog_suite_lineage import LineageSuite
from mendel.testing.catalog_suite_series import SeriesSuite

if TYPE_CHECKING:
    from mendel.catalog.contract import Catalog
    from mendel.testing.catalog_journals import PaperJournals

VALUES: dict[str, Any] = {
    "int": 1,
    "float": 1.0,
    "big": 2**80,
    "edge": -(2**63),
    "nan": math.nan,
    "inf": -math.inf,
    "bool": True,
    "none": None,
    "text": "ünï \0 x",
    "lone": "\ud800",
    "empty": "",
    "list": [1, [2.0, None]],
    "nested": {"a": {"b": 1}, "c": {}},
    "$dict": {"$float": "nan"},
    "time": datetime(2026, 11, 23, 5, tzinfo=UTC),
}


class IngestSuite(CatalogCase):
    """What happened is taken in: exactly, once, in any order."""

    def test_values_come_back_as_they_went_in(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        pen = begin(journals, params=VALUES)
        pen.fact("metrics", {"set": VALUES}, 2).fact("tags", {"set": VALUES}, 2)
        pen.fact("capture", {"set": VALUES}, 2).fact("values", {"step": 3, "set": VALUES}, 2)
        take(catalog, pen)
        run = told(catalog)
        for drawer in (run.params, run.metrics, run.tags, run.capture):
            assert same(drawer, VALUES)
        assert same({v.key: v.value for v in catalog.series_values(RUN)}, VALUES)
        column = catalog.columns([RUN], ["params.nested.a.b", "params.big", "params.list"])
        assert [c.values[0] for c in column] == [1, 2**80, [1, [2.0, None]]]

    def test_taking_a_digest_again_changes_nothing(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        pen = begin(journals).log({"loss": 1.0}, 0, 2.0).fact("lost_points", {"count": 2}, 3.0)
        digest = pen.digest()
        catalog.ingest([digest])
        before = told(catalog)
        catalog.ingest([digest, digest])
        assert told(catalog) == before
        assert before.lost_points == 2

    def test_a_digest_after_a_gap_waits_for_the_one_before(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        pen = begin(journals, params={"a": 1}).fact("params", {"set": {"b": 2}}, 2.0)
        first = pen.digest(records=2)
        rest = pen.digest(first.end)
        catalog.ingest([rest])
        assert catalog.get_runs([RUN]) == {}
        catalog.ingest([first, rest])
        assert told(catalog).params == {"a": 1, "b": 2}
        assert catalog.positions([RUN]) == {RUN: {"w1": Position(0, 32, 4)}}

    def test_the_newest_fact_holds_whichever_comes_first(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        old, new = begin(journals), journals.writer(RUN, "w2")
        old.fact("params", {"set": {"lr": 1, "old": 1}}, 2.0).fact("tags", {"set": {"t": 1}}, 2.0)
        new.fact("params", {"set": {"lr": 2}}, 3.0).fact("tags", {"remove": ["t"]}, 3.0)
        new.fact("state", {"state": "FAILED", "reason": "oops"}, 4.0)
        take(catalog, new)
        assert told(catalog).name == RUN
        take(catalog, old)
        run = told(catalog)
        assert run.params == {"lr": 2, "old": 1}
        assert run.tags == {}
        assert (run.state, run.started, run.ended, run.duration) == (RunState.FAILED, 1.0, 4.0, 3.0)
        assert run.end == {"reason": "oops"}

    def test_a_run_is_told_whole(self, catalog: Catalog, journals: PaperJournals) -> None:
        pen = begin(journals)
        pen.fact("define_metric", {"name": "loss", "goal": "minimize"}, 2.0)
        pen.fact("define_metric", {"name": "loss", "step_metric": "epoch"}, 3.0)
        pen.fact("alert", {"title": "hot", "level": "WARN"}, 4.0)
        pen.fact("file", {"path": "a.txt", "size": 1}, 3.5)
        take(catalog, pen)
        run = told(catalog)
        assert (run.name, run.experiment, run.experiment_id) == ("first", "churn", "id-of-churn")
        assert run.definitions["loss"].goal is Goal.MINIMIZE
        assert run.definitions["loss"].step_metric == "epoch"
        assert [alert["title"] for alert in run.alerts] == ["hot"]
        kinds = [fact["kind"] for fact in catalog.facts(RUN, ["alert", "file", "params"])]
        assert kinds == ["file", "alert"]
        assert catalog.facts("nobody", ["file"]) == []

    def test_a_fact_that_cannot_be_understood_is_noted_and_hides_nothing(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        pen = begin(journals)
        pen.fact("state", {"state": "DANCING"}, 2.0).fact("params", {"set": {"a": 1}}, 3.0)
        pen.damage.append("w1.00000.mdj: 3 bytes are torn")
        take(catalog, pen)
        run = told(catalog)
        assert run.params == {"a": 1}
        assert run.state is RunState.RUNNING
        assert len(run.damage) == 2
        assert any("'state'" in line and "COMPLETE" in line for line in run.damage)

    def test_open_runs_tell_who_still_writes(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        one, two = begin(journals), journals.writer(RUN, "w2").fact("heartbeat", {}, 9.0)
        done = begin(journals, OTHER, "w3").fact("state", {"state": "COMPLETE"}, 2.0)
        one.closed = True
        take(catalog, one, two, done)
        assert catalog.open_runs() == {RUN: (two.info,)}
        assert catalog.last_seen([RUN, OTHER, "nobody"]) == {RUN: 9.0, OTHER: 2.0}

    def test_a_dead_run_is_lost_until_it_speaks_again(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        pen = begin(journals)
        take(catalog, pen)
        catalog.observe({RUN: RunState.LOST, "nobody": RunState.LOST})
        assert told(catalog).state is RunState.LOST
        assert catalog.find_runs(RunQuery("state = 'LOST'")).ids == (RUN,)
        catalog.observe({RUN: RunState.RUNNING})
        assert told(catalog).state is RunState.RUNNING
        catalog.observe({RUN: RunState.LOST})
        take(catalog, pen.fact("state", {"state": "COMPLETE"}, 5.0))
        catalog.observe({RUN: RunState.LOST})
        assert told(catalog).state is RunState.COMPLETE

    def test_many_threads_take_in_and_look(self, catalog: Catalog, journals: PaperJournals) -> None:
        pens = [begin(journals, f"run-{n}", f"w{n}", params={"n": n}) for n in range(8)]
        errors: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for pen in pens[number::4]:
                    catalog.ingest([pen.digest()])
                    catalog.find_runs(RunQuery("params.n >= 0"))
            except BaseException as error:  # noqa: BLE001 - told to the test
                errors.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors, repr(errors)
        assert catalog.find_runs(RunQuery("params.n >= 0")).total == 8

    def test_changes_tell_each_run_that_changed(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        one, two = begin(journals), begin(journals, OTHER, "w2")
        take(catalog, one)
        seen = catalog.changes(0)
        assert seen.runs == (RUN,)
        assert catalog.changes(seen.cursor).runs == ()
        take(catalog, two)
        assert catalog.changes(seen.cursor).runs == (OTHER,)
        assert set(catalog.changes(10**9).runs) == {RUN, OTHER}

    def test_a_closed_catalog_says_so(self, catalog: Catalog) -> None:
        catalog.close()
        catalog.close()
        with pytest.raises(StateError):
            catalog.get_runs([RUN])


class FindSuite(CatalogCase):
    """Runs are found, sorted, paged, grouped."""

    @pytest.fixture
    def many(self, catalog: Catalog, journals: PaperJournals) -> Catalog:
        for n in range(7):
            experiment = "team/a" if n % 2 else "team/b"
            params: dict[str, Any] = {"n": n, "half": n / 2, "kind": "ab"[n % 2]}
            if n == 6:
                params["n"] = "six"
            pen = begin(
                journals,
                f"run-{n}",
                f"w{n}",
                name=f"name {n}",
                experiment=experiment,
                time=float(n),
                params=params,
            )
            pen.log({"loss": 1 / (n + 1)}, 0, float(n))
            take(catalog, pen)
        return catalog

    def test_newest_first_and_page_by_page(self, many: Catalog) -> None:
        page = many.find_runs(RunQuery(limit=3))
        assert (page.ids, page.total) == (("run-6", "run-5", "run-4"), 7)
        rest = many.find_runs(RunQuery(limit=3, cursor=page.cursor))
        last = many.find_runs(RunQuery(limit=3, cursor=rest.cursor))
        assert (*rest.ids, *last.ids) == ("run-3", "run-2", "run-1", "run-0")
        assert last.cursor is None
        with pytest.raises(InvalidError):
            many.find_runs(RunQuery("params.n > 1", limit=3, cursor=page.cursor))
        with pytest.raises(InvalidError):
            many.find_runs(RunQuery(cursor="nonsense"))
        with pytest.raises(InvalidError):
            many.find_runs(RunQuery(limit=-1))

    def test_filters_and_orders(self, many: Catalog) -> None:
        found = many.find_runs(
            RunQuery("params.n > 1 and metrics.loss > 0.2", order_by=("metrics.loss",))
        )
        assert found.ids == ("run-3", "run-2")
        found = many.find_runs(
            RunQuery("params.kind = 'a'", order_by=("params.half desc",), limit=2)
        )
        assert found.ids == ("run-6", "run-4")
        assert many.find_runs(RunQuery(experiments=("team/a",))).total == 3
        assert many.find_runs(RunQuery(experiments=("team/",))).total == 7
        assert many.find_runs(RunQuery(experiments=("team",))).total == 0
        with pytest.raises(QueryError):
            many.find_runs(RunQuery("params.n >"))

    def test_columns_are_typed_and_say_what_is_missing(self, many: Catalog) -> None:
        n, loss = many.columns(["run-6", "nobody", "run-1"], ["params.n", "metrics.loss.count"])
        assert n.values == ("six", MISSING, 1)
        assert loss.values == (1, MISSING, 1)
        assert type(n.values[2]) is int

    def test_keys_tell_names_counts_and_types(self, many: Catalog) -> None:
        keys = {key.name: (key.runs, key.types) for key in many.keys(limit=99)}
        assert keys == {
            "metrics.loss": (7, ("float",)),
            "params.half": (7, ("float",)),
            "params.kind": (7, ("str",)),
            "params.n": (7, ("int", "str")),
        }
        assert [k.runs for k in many.keys(RunQuery("params.n < 2"), prefix="params.h")] == [2]
        assert [k.name for k in many.keys(containing="LOSS")] == ["metrics.loss"]
        assert len(many.keys(limit=2)) == 2

    def test_groups_aggregate_all_their_members(self, many: Catalog) -> None:
        groups = many.group(RunQuery(limit=1), ["params.kind"], ["params.half", "params.n"])
        assert [(g.values, g.count) for g in groups] == [(("a",), 4), (("b",), 3)]
        n, mean, deviation, low, high = groups[1].stats["params.half"]
        assert (n, mean, low, high) == (3, 1.5, 0.5, 2.5)
        assert deviation == pytest.approx(1.0)
        assert groups[0].stats["params.n"][0] == 3  # "six" is no number

    def test_a_new_value_is_found_at_once(self, many: Catalog, journals: PaperJournals) -> None:
        assert many.find_runs(RunQuery("params.half = 0.5")).ids == ("run-1",)
        take(many, journals.writer("run-1", "w1").fact("params", {"set": {"half": 9}}, 50.0))
        assert many.find_runs(RunQuery("params.half = 0.5")).ids == ()
        assert many.find_runs(RunQuery("params.half = 9")).ids == ("run-1",)

    def test_experiments_count_their_runs(self, many: Catalog) -> None:
        found = {e.name: (e.run_count, e.last_activity) for e in many.experiments()}
        assert found == {"team/a": (3, 5.0), "team/b": (4, 6.0)}
        assert many.get_experiment("id-of-team/a").name == "team/a"
        with pytest.raises(NotFoundError, match="team/a"):
            many.get_experiment("team/aa")

    def test_experiments_of_one_name_are_one(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        for number, an_id in enumerate(("later", "first")):
            pen = journals.writer(f"run-{number}", f"w{number}")
            body: dict[str, Any] = {"id": an_id, "name": "churn", "created": 9.0 - number}
            pen.fact("experiment", body, 10.0)
            named: dict[str, Any] = {"id": an_id, "name": "churn"}
            pen.fact("run", {"name": "x", "experiment": named, "created": 10.0}, 10.0)
            take(catalog, pen)
        [one] = catalog.experiments()
        assert (one.id, one.run_count) == ("first", 2)
        assert catalog.get_experiment("later") == one
        assert {r.experiment_id for r in catalog.get_runs(["run-0", "run-1"]).values()} == {"first"}


class CatalogSuite(IngestSuite, FindSuite, SeriesSuite, DecidingSuite, LineageSuite):
    """All of it."""
