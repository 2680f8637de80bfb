"""Comparisons: only what differs, exactly, and everything when asked."""

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from past import BEGIN, Past

from mendel.graph.errors import InvalidError, NotFoundError, WrongTypeError
from mendel.graph.run import Goal
from mendel.graph.values import MISSING, Missing, same
from mendel.track.compare import Comparison, compare_in
from mendel.track.diff import patched_files, unified
from mendel.track.sides import differ, same_quantity

NAN = float("nan")


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


def compare(past: Past, *runs: object, **options: Any) -> Comparison:
    return compare_in(past, runs, **options)


# -- params, metrics, tags --


def test_only_params_that_differ_are_told(past: Past) -> None:
    past.run("a", params={"lr": 0.1, "same": 1, "net": {"depth": 3, "act": "relu"}})
    past.run("b", params={"lr": 0.2, "same": 1, "net": {"depth": 4, "act": "relu"}})

    found = compare(past, "a", "b")

    assert [(r.name, r.values) for r in found.params] == [("lr", (0.1, 0.2)), ("net.depth", (3, 4))]


def test_all_shows_the_rest_too(past: Past) -> None:
    past.run("a", params={"lr": 0.1, "same": 1})
    past.run("b", params={"lr": 0.2, "same": 1})

    assert [r.name for r in compare(past, "a", "b").all.params] == ["lr", "same"]
    assert [r.name for r in compare(past, "a", "b", everything=True).params] == ["lr", "same"]
    assert [r.differs for r in compare(past, "a", "b").all.params] == [True, False]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0.1 + 0.2, 0.3),
        (None, "None"),
        (None, MISSING),
        (NAN, None),
        ([1], [1.0]),
        ({}, None),
        ("a", "a "),
        (0.0, 1e-300),
    ],
)
def test_settings_are_compared_exactly(past: Past, one: Any, other: Any) -> None:
    past.run("a", params={"x": one})
    past.run("b", params={} if isinstance(other, Missing) else {"x": other})

    (row,) = compare(past, "a", "b").params
    assert row.name == "x"


@pytest.mark.parametrize("value", [NAN, None, 1, 1.5, "t", True, [1, [NAN]], {}])
def test_equal_settings_do_not_differ(past: Past, value: Any) -> None:
    past.run("a", params={"x": value})
    past.run("b", params={"x": value})

    assert compare(past, "a", "b").params == []


def test_metrics_are_quantities(past: Past) -> None:
    past.run("a", metrics={"m": 1, "n": NAN, "t": "x"})
    past.run("b", metrics={"m": 1.0, "n": NAN, "t": "y"})

    assert [r.name for r in compare(past, "a", "b").metrics] == ["t"]


def test_deltas_are_to_the_first_or_to_the_baseline(past: Past) -> None:
    for name, loss in (("a", 0.5), ("b", 0.25), ("c", 1.0)):
        past.run(name, metrics={"loss": loss})

    assert compare(past, "a", "b", "c")["metrics.loss"].deltas == (0, -0.25, 0.5)
    other = compare(past, "a", "b", "c", baseline="b")
    assert list(other["metrics.loss"].deltas) == [0.25, 0.0, 0.75]
    assert other.runs[other.baseline].name == "b"


def test_a_baseline_that_is_not_among_the_runs_joins_them(past: Past) -> None:
    for name in "abc":
        past.run(name, metrics={"loss": 1})

    found = compare(past, "a", "b", baseline="c")

    assert [r.name for r in found.runs] == ["c", "a", "b"]


def test_missing_and_text_have_no_delta(past: Past) -> None:
    past.run("a", metrics={"m": 1.0})
    past.run("b", metrics={"m": "text"})
    past.run("c")

    row = compare(past, "a", "b", "c")["metrics.m"]

    assert row.values == (1.0, "text", MISSING)
    assert row.deltas[0] == 0
    assert all(map(math.isnan, row.deltas[1:]))


def test_the_best_is_marked_where_the_goal_is_known(past: Past) -> None:
    past.run("a", series={"loss": [0.1, 0.9]}, goals={"loss": "minimize"})
    past.run("b", series={"loss": [0.6, 0.5]})

    found = compare(past, "a", "b")

    assert [r.name for r in found.metrics] == ["loss", "loss.min"]
    assert found["metrics.loss"].goal is Goal.MINIMIZE
    assert found["metrics.loss"].winners == (1,)
    assert found["metrics.loss.min"].winners == (0,)
    assert found["metrics.loss.max"].values == (0.9, 0.6)
    assert "0.5 (-0.4) *" in repr(found)


def test_series_of_the_machine_are_told_only_with_everything(past: Past) -> None:
    past.run("a", series={"system/cpu_percent": [10.0, 30.0]})
    past.run("b", series={"system/cpu_percent": [90.0]})

    assert compare(past, "a", "b").metrics == []
    row = compare(past, "a", "b").all["metrics.system/cpu_percent.mean"]
    assert row.values == (20.0, 90.0)


def test_tags_and_the_run_itself_are_compared(past: Past) -> None:
    past.run("a", tags={"stage": "try"}, experiment="one")
    past.run("b", tags={"stage": "final"}, experiment="two", state="FAILED")

    found = compare(past, "a", "b")

    assert found.tags[0].values == ("try", "final")
    assert found["experiment"].values == ("one", "two")
    assert found["state"].values == ("COMPLETE", "FAILED")


# -- what is compared --


def test_searches_lists_and_views_can_be_compared(past: Past) -> None:
    for i in range(4):
        past.run(f"r{i}", params={"i": i})

    assert len(compare(past, past.runs).runs) == 4
    assert len(compare(past, ["r0", past.runs[0]], "r1").runs) == 3
    assert len(compare(past, "r0", "r1", "r0").runs) == 2


@pytest.mark.parametrize("count", [0, 1])
def test_one_run_cannot_be_compared(past: Past, count: int) -> None:
    past.run("a")

    with pytest.raises(InvalidError, match="two or more"):
        compare(past, *["a"] * count)


def test_what_is_no_run_is_refused(past: Past) -> None:
    past.run("a")

    with pytest.raises(WrongTypeError, match="no run"):
        compare(past, "a", 3)
    with pytest.raises(NotFoundError):
        compare(past, "a", "b")


def test_a_field_that_no_run_has_names_a_near_one(past: Past) -> None:
    past.run("a", params={"rate": 1})
    past.run("b")

    with pytest.raises(NotFoundError, match=r"did you mean 'params\.rate'"):
        compare(past, "a", "b")["params.rat"]
    with pytest.raises(InvalidError, match="params"):
        compare(past, "a", "b").section("parms")


def test_a_damaged_run_is_compared_by_what_is_known_of_it(past: Past) -> None:
    past.run("a", params={"lr": 1}, damage=("a.mdj: torn",))
    past.run("b", params={"lr": 2}, state="RUNNING")

    assert compare(past, "a", "b")["params.lr"].values == (1, 2)


# -- code --

PATCH = """diff --git a/train.py b/train.py
index 111..222 100644
--- a/train.py
+++ b/train.py
@@ -1 +1 @@
-lr = 1
+lr = {lr}
diff --git a/new name.py b/new name.py
new file mode 100644
--- /dev/null
+++ b/new name.py
@@ -0,0 +1 @@
+x
diff --git a/logo.png b/logo.png
index 333..444 100644
GIT binary patch
literal 1
x
"""


def code(past: Past, name: str, patch: str = "", commit: str = "c1", **files: str) -> str:
    git = {"commit": commit, "branch": "main", "remote": None}
    run = past.run(name, capture={"code": {"git": git}, "command": {"arguments": ["-v"]}})
    folder = past.run_folder(run) / "files" / "code"
    folder.mkdir(parents=True)
    if patch:
        (folder / "diff.patch").write_text(patch)
    if files:
        with zipfile.ZipFile(folder / "untracked.zip", "w") as archive:
            for path, content in files.items():
                archive.writestr(path, content)
    return run


def test_what_was_not_committed_is_compared_file_by_file(past: Past) -> None:
    code(past, "a", PATCH.format(lr=2), notes="same", old="gone")
    code(past, "b", PATCH.format(lr=3), notes="same")

    found = compare(past, "a", "b")

    assert [r.name for r in found.code] == ["uncommitted"]
    assert [(c.path, c.change) for c in found.code_changes()] == [
        ("old", "only in baseline"),
        ("train.py", "different"),
    ]
    assert "-+lr = 2" in found.code_diff("b")
    assert "++lr = 3" in found.code_diff()
    assert "code_diff()" in repr(found)


def test_equal_code_has_no_difference(past: Past) -> None:
    code(past, "a", PATCH)
    code(past, "b", PATCH)

    found = compare(past, "a", "b")

    assert found.code == []
    assert found.code_diff() == ""


def test_other_commits_say_how_to_see_the_rest(past: Past) -> None:
    code(past, "a", commit="abc")
    code(past, "b", commit="def")

    found = compare(past, "a", "b")

    assert found["git.commit"].values == ("abc", "def")
    assert "git diff abc def" in found.code_diff()


def test_the_diff_to_a_run_that_is_not_compared_is_refused(past: Past) -> None:
    code(past, "a")
    code(past, "b")

    with pytest.raises(NotFoundError, match="not compared"):
        compare(past, "a", "b").code_diff("c")


def test_a_damaged_archive_is_told_and_hides_nothing(past: Past) -> None:
    run = code(past, "a", PATCH)
    (past.run_folder(run) / "files" / "code" / "untracked.zip").write_bytes(b"no zip")
    code(past, "b", PATCH)

    (change,) = compare(past, "a", "b").code_changes()

    assert change.path == "untracked.zip (damaged)"


def test_a_patch_is_taken_apart_by_file() -> None:
    parts = dict(patched_files(PATCH))

    assert list(parts) == ["train.py", "new name.py", "logo.png"]
    assert "index 111..222" not in parts["train.py"]


def test_line_ends_and_a_missing_last_newline_are_differences() -> None:
    assert unified("a\r\n", "a\n", "x", "y")
    assert unified("a\n", "a", "x", "y")
    assert "too many" in unified("a\n" * 30_000, "b\n", "x", "y")


# -- environment and data --


def test_packages_hardware_and_python_are_compared(past: Past) -> None:
    def capture(numpy: str, cpus: int) -> dict[str, Any]:
        packages = {"numpy": numpy, "pandas": "3.0"}
        return {
            "environment": {"python": "3.12", "executable": numpy, "packages": packages},
            "hardware": {"cpus": cpus, "disk_free_bytes": cpus, "gpus": []},
        }

    past.run("a", capture=capture("1.26", 2))
    past.run("b", capture=capture("2.0", 4))

    found = compare(past, "a", "b")

    assert {r.name: r.values for r in found.environment} == {
        "packages.numpy": ("1.26", "2.0"),
        "hardware.cpus": (2, 4),
    }
    assert "python" in [r.name for r in found.all.environment]


def reads(past: Past, name: str, **inputs: tuple[str, str]) -> None:
    facts: list[tuple[str, dict[str, Any]]] = []
    run = past.run(name)
    for display_name, (an_id, digest) in inputs.items():
        node = {"id": an_id, "schema_title": "system.Dataset", "schema_version": "0.0.1"}
        node |= {"display_name": display_name, "uri": f"data/{display_name}"}
        facts += [("artifact", node | {"metadata": {"sha256": digest}})]
        facts += [("event", {"execution": run, "artifact": an_id, "kind": "INPUT"})]
    past.run(f"{name}-writes", facts=facts)


def test_inputs_that_differ_are_told(past: Past) -> None:
    reads(past, "a", train=("n1", "11"), test=("n2", "22"))
    reads(past, "b", train=("n3", "33"), test=("n4", "22"))

    found = compare(past, "a", "b")

    assert [(r.name, r.values) for r in found.data] == [
        ("train", ("data/train 11", "data/train 33"))
    ]


# -- how it is told --


def test_it_is_plain_data_ready_for_json(past: Past) -> None:
    a = past.run("a", params={"x": NAN}, metrics={"m": 1}, goals={"m": "maximize"})
    b = past.run("b", params={"x": float("inf")}, metrics={"m": 2}, series={"m2": [1.0]})

    told = json.loads(json.dumps(compare(past, "a", "b").to_dict(), allow_nan=False))

    assert [r["id"] for r in told["runs"]] == [a, b]
    assert told["baseline"] == a
    assert told["params"][0]["values"] == {a: {"$float": "nan"}, b: {"$float": "inf"}}
    metric = {m["name"]: m for m in told["metrics"]}
    assert metric["m2"]["values"] == {b: 1.0}
    assert metric["m"]["deltas"] == {a: 0, b: 1}
    assert told["same"]["run"] >= 1


def test_it_is_a_table_with_a_column_a_run(past: Past) -> None:
    past.run("a", params={"lr": 0.1, "n": 1})
    past.run("a", params={"lr": 0.2, "n": "x"})

    df = compare(past, past.runs).to_pandas()

    assert df["field"].tolist() == ["params.lr", "params.n"]
    assert df.shape == (2, 3)
    assert len(set(df.columns)) == 3
    assert df.iloc[1, 1:].tolist() == ["x", 1]


def test_runs_that_are_equal_say_so(past: Past) -> None:
    past.run("a")
    past.run("b")

    assert "nothing differs" in repr(compare(past, "a", "b"))
    assert len(compare(past, "a", "b")) == 0


def test_hundreds_of_runs_are_summed_up(past: Past) -> None:
    for i in range(200):
        past.run(
            f"r{i}",
            params={"lr": i, "model": f"m{i % 3}"},
            metrics={"auc": i / 200},
            goals={"auc": "maximize"},
        )

    found = compare(past, past.runs)
    text = repr(found)

    assert len(found.runs) == 200
    assert "200 runs" in text
    assert max(map(len, text.splitlines())) < 120
    assert "r199" in text
    assert found.to_pandas().shape == (3, 201)
    assert "<table>" in found._repr_html_()


def test_a_live_run_is_compared_as_it_is_now(past: Past) -> None:
    past.run("a", series={"loss": [1.0]})
    live = past.run("b", state="RUNNING")
    past.more(live, "loss", [(1, BEGIN, 0.5)])

    assert compare(past, "a", "b")["metrics.loss"].values == (1.0, 0.5)


value = st.sampled_from([0, 0.0, 1, 1.0, True, NAN, None, "1", MISSING, float("inf"), [1], [1.0]])


@given(st.lists(value, min_size=2, max_size=5))
def test_to_differ_is_not_to_be_the_same_pair_by_pair(values: list[Any]) -> None:
    pairs = [(a, b) for a in values for b in values]

    assert differ(values) == (not all(same(a, b) for a, b in pairs))
    assert differ(values, same_quantity) == (not all(same_quantity(a, b) for a, b in pairs))
