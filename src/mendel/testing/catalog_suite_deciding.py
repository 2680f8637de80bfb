"""The part of the catalogs' suite that is about decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mendel.catalog.contract import RunQuery
from mendel.graph.errors import (
    AlreadyExistsError,
    InvalidError,
    NotFoundError,
    ProtectedError,
    StateError,
)
from mendel.testing.catalog_case import OTHER, RUN, CatalogCase, begin, decision, take, told

if TYPE_CHECKING:
    from pathlib import Path

    from mendel.catalog.contract import Catalog
    from mendel.testing.catalog_case import PaperLedger
    from mendel.testing.catalog_journals import PaperJournals

CHURN = "id-of-churn"


class DecidingSuite(CatalogCase):
    """What people decide: all or none, once, kept in the ledger, taken again from it."""

    @pytest.fixture
    def decided(self, catalog: Catalog, journals: PaperJournals) -> Catalog:
        take(catalog, begin(journals).fact("tags", {"set": {"a": 1, "b": 2}}, 2.0))
        take(catalog, begin(journals, OTHER, "w2", experiment="fraud"))
        return catalog

    def test_people_name_note_tag_and_pin(self, decided: Catalog, journals: PaperJournals) -> None:
        decided.decide(
            [
                decision("rename_run", name="champion"),
                decision("note_run", note="# Why"),
                decision("tag_run", set={"a": "mine", "c": [1]}, remove=["b"]),
                decision("pin_run", pinned=True),
                decision("archive_run", archived=True),
            ]
        )
        later = journals.writer(RUN, "w1").fact("tags", {"set": {"a": 3, "b": 3, "d": 4}}, 50.0)
        take(decided, later)
        run = told(decided)
        assert (run.name, run.note, run.pinned, run.archived) == ("champion", "# Why", True, True)
        assert run.tags == {"a": "mine", "c": [1], "d": 4}
        found = decided.find_runs(RunQuery("tags.a = 'mine' and pinned = true and champion"))
        assert found.ids == (RUN,)
        decided.decide([decision("note_run", note=None), decision("pin_run", pinned=False)])
        assert told(decided).note is None

    def test_a_decision_is_taken_once_and_kept_in_the_ledger(
        self, decided: Catalog, ledger: PaperLedger
    ) -> None:
        rename = decision("rename_run", name="one")
        decided.decide([rename])
        decided.decide([decision("rename_run", name="two")])
        decided.decide([rename])
        assert told(decided).name == "two"
        assert [d.body["name"] for d in ledger.decisions] == ["one", "two"]

    def test_decisions_are_taken_all_or_none(self, decided: Catalog, ledger: PaperLedger) -> None:
        with pytest.raises(NotFoundError):
            decided.decide([decision("rename_run", name="x"), decision("delete_run", "nobody")])
        assert told(decided).name == "first"
        ledger.broken = OSError("no space left")
        with pytest.raises(OSError, match="no space"):
            decided.decide([decision("purge_run")])
        assert told(decided).name == "first"
        assert ledger.decisions == []

    def test_decisions_that_do_not_fit_are_refused(self, decided: Catalog) -> None:
        for wrong in (
            decision("renmae_run", name="x"),
            decision("rename_run"),
            decision("rename_run", name=""),
            decision("rename_run", name=3),
            decision("rename_run", name="x", colour="red"),
            decision("tag_run", remove=[1]),
            decision("tag_run", set=["a"]),
        ):
            with pytest.raises(InvalidError):
                decided.decide([wrong])

    def test_the_trash(self, decided: Catalog) -> None:
        decided.decide([decision("delete_run", time=7.0)])
        assert decided.find_runs(RunQuery()).ids == (OTHER,)
        assert decided.find_runs(RunQuery(deleted=True)).ids == (RUN,)
        assert decided.find_runs(RunQuery(deleted=None)).total == 2
        assert told(decided).deleted == 7.0
        assert decided.get_experiment("churn").run_count == 0
        decided.decide([decision("restore_run")])
        assert told(decided).deleted is None

    def test_a_pinned_run_is_protected(self, decided: Catalog) -> None:
        decided.decide([decision("pin_run", pinned=True)])
        for what, target in (
            ("delete_run", RUN),
            ("purge_run", RUN),
            ("delete_experiment", CHURN),
        ):
            with pytest.raises(ProtectedError, match="pinned"):
                decided.decide([decision(what, target)])

    def test_a_purged_run_is_gone_and_its_journal_a_new_arrival(
        self, decided: Catalog, journals: PaperJournals
    ) -> None:
        cursor = decided.changes(0).cursor
        decided.decide([decision("note_run", note="x"), decision("purge_run")])
        assert decided.get_runs([RUN]) == {}
        assert decided.find_runs(RunQuery(deleted=None)).ids == (OTHER,)
        assert RUN in decided.changes(cursor).runs
        assert decided.positions([RUN]) == {}
        assert [key.name for key in decided.keys(prefix="tags.")] == []
        take(decided, journals.writer(RUN, "w1"))
        assert told(decided).tags == {"a": 1, "b": 2}
        assert told(decided).note is None

    def test_a_run_is_purged_when_its_journal_is_gone(
        self, decided: Catalog, journals: PaperJournals
    ) -> None:
        pen = journals.writer(RUN, "w9")
        pen.log({"loss": 1.0}, 1, 2.0)
        take(decided, pen)
        del journals.writers["w9"]  # the folder goes first
        decided.decide([decision("purge_run")])
        assert decided.find_runs(RunQuery(deleted=None)).ids == (OTHER,)

    def test_an_experiment_is_renamed_and_its_runs_with_it(self, decided: Catalog) -> None:
        cursor = decided.changes(0).cursor
        decided.decide([decision("rename_experiment", CHURN, name="retention")])
        assert told(decided).experiment == "retention"
        assert decided.changes(cursor).runs == (RUN,)
        assert decided.find_runs(RunQuery(experiments=("retention",))).ids == (RUN,)
        with pytest.raises(NotFoundError):
            decided.get_experiment("churn")
        with pytest.raises(AlreadyExistsError, match="fraud"):
            decided.decide([decision("rename_experiment", CHURN, name="fraud")])
        decided.decide([decision("describe_experiment", CHURN, description="who leaves")])
        assert decided.get_experiment("retention").description == "who leaves"
        with pytest.raises(NotFoundError):
            decided.decide([decision("rename_experiment", "nobody", name="x")])

    def test_a_name_that_was_left_makes_a_new_experiment(
        self, decided: Catalog, journals: PaperJournals
    ) -> None:
        decided.decide([decision("rename_experiment", CHURN, name="retention", time=20.0)])
        pen = journals.writer("run-3", "w3")
        pen.fact("experiment", {"id": "new", "name": "churn", "created": 30.0}, 30.0)
        take(decided, pen)
        assert [e.name for e in decided.experiments()] == ["churn", "fraud", "retention"]
        assert decided.get_experiment("churn").id == "new"

    def test_an_experiment_takes_its_runs_to_the_trash_and_back(self, decided: Catalog) -> None:
        decided.decide([decision("delete_experiment", CHURN, time=9.0)])
        assert decided.find_runs(RunQuery()).ids == (OTHER,)
        assert told(decided).deleted == 9.0
        assert [e.name for e in decided.experiments()] == ["fraud"]
        assert [(e.name, e.run_count) for e in decided.experiments(deleted=True)] == [("churn", 1)]
        with pytest.raises(StateError, match="churn"):
            decided.decide([decision("restore_run")])
        with pytest.raises(NotFoundError, match="trash"):
            decided.decide([decision("rename_experiment", CHURN, name="x")])
        decided.decide([decision("restore_experiment", CHURN)])
        assert decided.find_runs(RunQuery()).total == 2

    def test_an_experiment_does_not_come_back_under_a_taken_name(
        self, decided: Catalog, journals: PaperJournals
    ) -> None:
        decided.decide([decision("delete_experiment", CHURN, time=9.0)])
        pen = journals.writer("run-3", "w3")
        take(decided, pen.fact("experiment", {"id": "new", "name": "churn", "created": 10.0}, 10.0))
        with pytest.raises(AlreadyExistsError, match="churn"):
            decided.decide([decision("restore_experiment", CHURN)])

    def test_a_rebuilt_catalog_tells_the_same(
        self, decided: Catalog, journals: PaperJournals, ledger: PaperLedger, tmp_path: Path
    ) -> None:
        pen = journals.writer(RUN, "w1")
        take(decided, pen.fact("artifact", {"id": "data", "display_name": "flights"}, 3.0))
        decided.decide(
            [
                decision("tag_run", set={"best": True}),
                decision("rename_experiment", CHURN, name="retention", time=6.0),
                decision("update_node", "data", metadata={"rows": 3}),
                decision("delete_run", OTHER, time=8.0),
            ]
        )
        (tmp_path / "anew").mkdir()
        anew = self.make(tmp_path / "anew", journals, ledger)
        anew.replay(ledger.decisions)
        anew.replay([*ledger.decisions, decision("dance")])
        anew.ingest([writer.digest() for writer in reversed(list(journals.writers.values()))])
        assert len(ledger.decisions) == 4
        assert anew.get_runs([RUN, OTHER]) == decided.get_runs([RUN, OTHER])
        assert anew.experiments() == decided.experiments()
        assert anew.get_nodes(["data"]) == decided.get_nodes(["data"])
        with_it = anew.find_runs(RunQuery("tags.best = true", deleted=None))
        assert with_it.ids == (RUN,)
        anew.close()
