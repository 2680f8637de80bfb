"""The part of the catalogs' suite that is about points."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import pytest

from mendel.catalog.contract import RunQuery
from mendel.graph.errors import InvalidError
from mendel.testing.catalog_case import RUN, CatalogCase, begin, take, told

if TYPE_CHECKING:
    from mendel.catalog.contract import Catalog, Series
    from mendel.testing.catalog_journals import PaperJournals


def _values(series: Series) -> list[Any]:
    return [v.item() for v in series.values]


class SeriesSuite(CatalogCase):
    """Points: kept exactly, summed up exactly, thinned honestly, hidden by rewinds."""

    def test_series_come_back_exactly(self, catalog: Catalog, journals: PaperJournals) -> None:
        pen = begin(journals)
        for step in range(10):
            pen.log({"loss": step / 4, "n": step, "ok": step > 3}, step, 10.0 + step)
        take(catalog, pen)
        loss, n, ok = catalog.series([RUN, "nobody"])
        assert (loss.key, n.key, ok.key) == ("loss", "n", "ok")
        assert _values(loss) == [step / 4 for step in range(10)]
        assert [loss.steps.dtype.kind, loss.values.dtype.kind] == ["i", "f"]
        assert [n.values.dtype.kind, ok.values.dtype.kind] == ["i", "b"]
        assert loss.total == 10
        [part] = catalog.series([RUN], ["n", "nothing"], steps=(3, 5))
        assert _values(part) == [3, 4, 5]
        assert catalog.series([RUN], ["n"], steps=(50, None)) == []

    def test_points_of_many_writers_are_in_order_of_steps(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        one, two = begin(journals), journals.writer(RUN, "w2")
        for step, time in ((5, 1.0), (1, 2.0), (5, 2.0), (3, 9.0)):
            one.log({"x": step + 0.25}, step, time)
            two.log({"x": step + 0.5}, step, time)
        take(catalog, two)
        take(catalog, one)
        [x] = catalog.series([RUN])
        assert x.steps.tolist() == [1, 1, 3, 3, 5, 5, 5, 5]
        assert _values(x) == [1.25, 1.5, 3.25, 3.5, 5.25, 5.5, 5.25, 5.5]
        told_x = told(catalog).series["x"]
        assert (told_x.first, told_x.first_step, told_x.last, told_x.last_step) == (1.5, 1, 5.5, 5)
        assert (told_x.count, told_x.last_time) == (8, 2.0)

    def test_a_summary_leaves_nan_out_and_says_so(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        pen = begin(journals)
        for step, value in enumerate([math.nan, 3.0, -1.0, math.nan, 4.0, math.nan]):
            pen.log({"x": value, "void": math.nan, "n": 2**60 + step}, step, float(step))
        take(catalog, pen)
        series = told(catalog).series
        x, void, n = series["x"], series["void"], series["n"]
        assert (x.count, x.nan_count, x.min, x.min_step, x.max, x.max_step) == (6, 3, -1, 2, 4, 4)
        assert x.mean == 2.0
        assert math.isnan(x.last)
        assert (void.min, void.max, void.mean, void.nan_count) == (None, None, None, 6)
        assert (n.last, n.max, n.integral) == (2**60 + 5, 2**60 + 5, True)

    def test_infinities_and_far_numbers_are_summed_up_as_arithmetic_says(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        pen = begin(journals)
        for step, put in enumerate(
            ({"up": 1.0, "both": math.inf}, {"up": math.inf, "both": -math.inf})
        ):
            pen.log(put, step, 1.0)
        for step in range(2):
            pen.log({"far": 1e16 if step else 1.0}, step, 1.0)
        take(catalog, pen)
        series = told(catalog).series
        assert series["up"].mean == math.inf
        assert math.isnan(series["both"].mean or 0.0)
        assert series["far"].mean == 5000000000000000.5

    def test_a_block_that_grows_is_counted_once(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        pen = begin(journals)
        for step in range(11):
            pen.log({"x": 0.1}, step, float(step))
            take(catalog, pen)
        x = told(catalog).series["x"]
        assert x.count == 11
        assert x.mean == pytest.approx(0.1, rel=1e-15)
        assert len(catalog.series([RUN])[0].steps) == 11

    def test_thinning_keeps_every_spike(self, catalog: Catalog, journals: PaperJournals) -> None:
        pen = begin(journals)
        dice = random.Random(1)
        values = [dice.random() for _ in range(200)]
        values[77], values[133], values[50] = 99.0, -99.0, math.nan
        for step, value in enumerate(values):
            pen.log({"x": value}, step, float(step))
        take(catalog, pen)
        [x] = catalog.series([RUN], buckets=5)
        assert (x.total, x.buckets) == (200, 5)
        assert len(x.steps) <= 5 * 5
        assert {99.0, -99.0, values[0], values[-1]} <= set(_values(x))
        assert any(math.isnan(v) for v in _values(x))
        [whole] = catalog.series([RUN], buckets=50)
        assert (len(whole.steps), whole.buckets) == (200, None)
        with pytest.raises(InvalidError):
            catalog.series([RUN], buckets=0)

    @pytest.mark.parametrize("rewind_first", [True, False])
    def test_a_rewind_hides_points_from_series_and_summaries(
        self, catalog: Catalog, journals: PaperJournals, rewind_first: bool
    ) -> None:
        old = begin(journals)
        for step in range(10):
            old.log({"x": float(step), "n": step}, step, float(step))
            old.fact("values", {"step": step, "set": {"text": str(step)}}, float(step))
        new = journals.writer(RUN, "w2")
        new.fact("rewind", {"step": 4, "before": {"w1": old.ordinal}}, 20.0)
        new.log({"x": 0.5}, 5, 21.0)
        for pen in (new, old) if rewind_first else (old, new):
            take(catalog, pen)
        x, n = told(catalog).series["x"], told(catalog).series["n"]
        assert (x.count, x.max, x.last, x.last_step, x.mean) == (6, 4.0, 0.5, 5, 1.75)
        assert (n.count, n.last, n.max) == (5, 4, 4)
        assert [s.total for s in catalog.series([RUN])] == [5, 6]
        assert [v.value for v in catalog.series_values(RUN)] == list("01234")
        assert catalog.find_runs(RunQuery("metrics.n.max = 4")).total == 1
        take(catalog, old.log({"x": 7.0}, 7, 30.0))
        assert told(catalog).series["x"].last == 7.0

    def test_every_aggregate_of_a_series_is_found(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        pen = begin(journals)
        for step, value in enumerate([2.0, math.nan, -1.0, 5.0]):
            pen.log({"x": value, "void": math.nan, "ok": value > 0, "n": step}, step, float(step))
        take(catalog, pen)
        expected: dict[str, Any] = {
            "x.min": -1.0, "x.max": 5.0, "x.first": 2.0, "x.last": 5.0, "x.mean": 2.0, "x.count": 4,
            "x.min_step": 2, "x.max_step": 3, "ok.last": True, "ok.min": False, "n.mean": 1.5,
        }  # fmt: skip
        for name, value in expected.items():
            assert catalog.find_runs(RunQuery(f"metrics.{name} = {value}")).ids == (RUN,), name
        columns = catalog.columns([RUN], [f"metrics.{name}" for name in expected])
        assert [c.values[0] for c in columns] == list(expected.values())
        assert type(columns[-3].values[0]) is bool
        for name in ("min", "mean", "min_step"):
            assert catalog.find_runs(RunQuery(f"metrics.void.{name} is null")).ids == (RUN,)
        assert catalog.find_runs(RunQuery("metrics.void is nan")).ids == (RUN,)

    def test_a_rewind_can_hide_all(self, catalog: Catalog, journals: PaperJournals) -> None:
        pen = begin(journals).log({"x": 1.0}, 3, 2.0)
        pen.fact("rewind", {"step": -1, "before": {"w1": pen.ordinal}}, 3.0)
        take(catalog, pen)
        assert told(catalog).series == {}
        assert catalog.series([RUN]) == []
        assert catalog.keys(prefix="metrics.") == []
        take(catalog, pen.log({"x": 2.0}, 0, 4.0))
        assert told(catalog).series["x"].count == 1

    def test_a_summary_metric_goes_before_a_series_of_its_name(
        self, catalog: Catalog, journals: PaperJournals
    ) -> None:
        pen = (
            begin(journals)
            .log({"x": 1.0, "y": 5}, 0, 2.0)
            .fact("metrics", {"set": {"x": "best"}}, 3)
        )
        take(catalog, pen)
        x, y, low = catalog.columns([RUN], ["metrics.x", "metrics.y", "metrics.x.min"])
        assert (x.values, y.values, low.values) == (("best",), (5,), (1.0,))
        assert [(k.name, k.types) for k in catalog.keys(limit=9)] == [
            ("metrics.x", ("str",)),
            ("metrics.y", ("int",)),
        ]
