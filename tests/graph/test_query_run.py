"""What a run has for each field of the search language."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.graph.query_field import AGGREGATES, ATTRIBUTES, LINEAGE_FIELDS, FieldKind, kind_of
from mendel.graph.query_run import find, run_value
from mendel.graph.run import RunRecord, RunState, SeriesSummary
from mendel.graph.values import MISSING, Value, flatten, same

SUMMARY = SeriesSummary(10, 1, 5.0, 0, 1.0, 9, 0.5, 7, 6.0, 1, 2.5, 100.0)
NAN = SeriesSummary(1, 1, math.nan, 0, math.nan, 0, None, None, None, None, None, 1.0)
RUN = RunRecord(
    id="R1",
    name="gbdt",
    experiment_id="E1",
    experiment="team/churn",
    state=RunState.COMPLETE,
    created=1.0,
    started=2.0,
    ended=5.0,
    note="good",
    pinned=True,
    params={"lr": 0.1, "opt": {"name": "adam", "betas": [0.9]}, "opt.name": "flat", "empty": {}},
    metrics={"auc": 0.9, "loss.max": "mine", "series": 3},
    series={
        "loss": SUMMARY,
        "series": SUMMARY,
        "nan": NAN,
        "steps": dataclasses.replace(SUMMARY, integral=True),
        "ok": dataclasses.replace(SUMMARY, boolean=True),
        "loss.first": dataclasses.replace(SUMMARY, last=7.5),
    },
    tags={"stage": "final", "seen": None},
    capture={"git": {"commit": "abc"}, "script": "train.py", "x": {"y": 1}},
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "R1"),
        ("state", "COMPLETE"),
        ("duration", 3.0),
        ("pinned", True),
        ("archived", False),
        ("user", MISSING),
        ("deleted", MISSING),
        ("lost_points", 0),
        ("params.lr", 0.1),
        ("params.opt.name", "flat"),
        ("params.opt.betas", [0.9]),
        ("params.opt", MISSING),
        ("params.empty", {}),
        ("params.opt.nothing", MISSING),
        ("metrics.auc", 0.9),
        ("metrics.series", 3),
        ("metrics.loss", 1.0),
        ("metrics.loss.min", 0.5),
        ("metrics.loss.max", "mine"),
        ("metrics.loss.first", 7.5),
        ("metrics.loss.last", 1.0),
        ("metrics.loss.mean", 2.5),
        ("metrics.loss.count", 10),
        ("metrics.loss.min_step", 7),
        ("metrics.loss.max_step", 1),
        ("metrics.loss.median", MISSING),
        ("metrics.steps", 1),
        ("metrics.steps.mean", 2.5),
        ("metrics.ok", True),
        ("metrics.nan", math.nan),
        ("metrics.nan.min", MISSING),
        ("metrics.nothing.min", MISSING),
        ("tags.stage", "final"),
        ("tags.seen", None),
        ("git.commit", "abc"),
        ("script", "train.py"),
        ("capture.x.y", 1),
        ("capture.x.z", MISSING),
        ("hardware.cpu", MISSING),
        ("text", ["gbdt", "good", "stage: final", "seen"]),
        ("artifact.inputs", MISSING),
        ("params", MISSING),
    ],
)
def test_a_field_means_this(field: str, value: Value) -> None:
    found = run_value(RUN, field)
    assert found is value or same(found, value)  # type: ignore[arg-type]


def test_a_run_without_a_note_is_found_by_its_name_and_tags() -> None:
    assert run_value(dataclasses.replace(RUN, note=None, tags={}), "text") == ["gbdt"]


def test_every_attribute_is_one_of_a_run() -> None:
    for name in ATTRIBUTES:
        assert hasattr(RUN, name)
    assert all(kind_of(field) is FieldKind.TEXTS for field in LINEAGE_FIELDS)
    assert kind_of("params.x") is None
    for name in AGGREGATES:
        assert hasattr(SUMMARY, name)


_trees = st.dictionaries(
    st.sampled_from(["a", "b", "a.b", "b.a", "a.a.b"]),
    st.recursive(
        st.integers(),
        lambda inner: st.dictionaries(st.sampled_from(["a", "b", "a.b"]), inner, max_size=3),
        max_leaves=6,
    ),
)


@given(_trees)
def test_every_name_that_a_tree_flattens_to_is_found_in_it(tree: dict[str, Value]) -> None:
    leaves = list(flatten(tree))
    for name, _ in leaves:
        assert find(tree, name) in [value for other, value in leaves if other == name]
    for name in ("a", "a.b", "a.a", "c", "a.a.a"):
        if name not in {other for other, _ in leaves}:
            assert find(tree, name) is MISSING
