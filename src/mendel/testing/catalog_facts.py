"""What writers of journals may say in tests of catalogs: Hypothesis strategies.

Names are few and times are small, so that facts meet: the same keys, nodes and experiments, at
equal times and in the wrong order. Some facts are broken, as those of a newer or damaged journal
may be.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from mendel.graph.lineage import EventKind
from mendel.graph.run import RunState

if TYPE_CHECKING:
    from mendel.graph.values import Value

RUNS = ("01HZZZZZZZZZZZZZZZZZZZZZZA", "01HZZZZZZZZZZZZZZZZZZZZZZB", "run-c")
EXPERIMENTS = (("01HXXXXXXXXXXXXXXXXXXXXXXA", "churn"), ("ex-b", "churn"), ("ex-c", "team/fraud"))
NODES = ("n1", "n2", "n3", RUNS[0])
KEYS = ("a", "b", "loss", "a.b", "ünï", "loss.min")
WRITERS = [(run, f"w{number}") for number, run in enumerate((*RUNS, *RUNS, None))]

times = st.integers(1, 6).map(float)
steps = st.integers(-1, 5)
texts = st.sampled_from(["x", "data", "model", "ü"])
numbers = st.one_of(
    st.integers(-3, 3),
    st.booleans(),
    st.integers(-8, 8).map(lambda n: n / 4),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)
_scalars: st.SearchStrategy[Any] = st.one_of(
    numbers,
    st.none(),
    st.sampled_from(["", "x", "1", "true", "é\0", "\ud800"]),
    st.sampled_from([2**70, -(2**63) - 1, 2**63, datetime(2026, 11, 23, tzinfo=UTC)]),
)
values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "b", "$dict"]), inner, max_size=2)
    ),
    max_leaves=4,
)
sets = st.dictionaries(st.sampled_from(KEYS), values, min_size=1, max_size=3)
nodes = st.sampled_from(NODES)
points = st.tuples(
    st.dictionaries(st.sampled_from(["loss", "a"]), numbers, min_size=1), steps, times
)

FactBody = tuple[str, "dict[str, Value]"]


def _facts(
    kind: str,
    required: dict[str, st.SearchStrategy[Any]],
    optional: dict[str, st.SearchStrategy[Any]] | None = None,
) -> st.SearchStrategy[FactBody]:
    bodies = st.fixed_dictionaries(required, optional=optional or {})
    return st.tuples(st.just(kind), bodies)


_experiments = st.sampled_from([{"id": an_id, "name": name} for an_id, name in EXPERIMENTS])
_node = {
    "id": nodes,
    "display_name": texts,
    "schema_title": st.sampled_from(["system.Dataset", "x.Model"]),
}
_more = {
    "metadata": sets,
    "uri": texts,
    "state": texts,
    "description": st.none() | texts,
    "create": st.booleans(),
}
run_facts = _facts(
    "run",
    {"name": texts, "experiment": _experiments, "created": times},
    {"parent": st.none() | st.sampled_from(RUNS), "user": texts, "group": texts, "job_type": texts},
)
experiment_facts = st.tuples(
    st.just("experiment"),
    st.builds(
        lambda one, created, description: {**one, "created": created, "description": description},
        _experiments,
        times,
        st.none() | texts,
    ),
)
state_facts = _facts(
    "state", {"state": st.sampled_from([s.value for s in RunState])}, {"reason": texts}
)
graph_facts = st.one_of(
    _facts("artifact", _node, _more),
    _facts("execution", _node, _more),
    _facts("context", _node, _more | {"parents": st.lists(nodes, max_size=2)}),
    _facts(
        "event",
        {
            "execution": nodes,
            "artifact": nodes,
            "kind": st.sampled_from([kind.value for kind in EventKind]),
        },
        {"labels": sets},
    ),
    _facts(
        "member",
        {"context": nodes},
        {"nodes": st.lists(nodes, max_size=2), "children": st.lists(nodes, max_size=2)},
    ),
)
run_parts = st.one_of(
    *(_facts(kind, {"set": sets}) for kind in ("params", "metrics", "tags")),
    _facts("tags", {"remove": st.lists(st.sampled_from(KEYS), max_size=2)}),
    _facts("capture", {"set": sets.map(lambda put: {"git": {"commit": "x"}, **put})}),
    _facts("values", {"step": steps, "set": sets}),
    _facts(
        "define_metric",
        {"name": texts},
        {"goal": st.sampled_from(["minimize", "maximize"]), "step_metric": texts},
    ),
    _facts(
        "rewind",
        {
            "step": steps,
            "before": st.dictionaries(
                st.sampled_from([name for _, name in WRITERS]), st.integers(0, 20), max_size=3
            ),
        },
    ),
    st.sampled_from(
        [
            ("alert", {"title": "hot", "level": "WARN"}),
            ("classification", {"id": "c", "display_name": "x", "matrix": [[1, 2], [3, 4]]}),
            ("file", {"path": "a.txt", "size": 1}),
            ("lost_points", {"count": 2, "reason": "full"}),
            ("heartbeat", {}),
            ("console", {"stream": "stdout", "text": "hello"}),
        ]
    ),
)
broken_facts = st.sampled_from(
    [
        ("no such kind", {"x": 1}),
        ("params", {"set": 3}),
        ("metrics", {}),
        ("state", {"state": "DANCING"}),
        ("state", {"state": [1]}),
        ("event", {"execution": "n1", "artifact": "n2", "kind": "BOTH"}),
        ("values", {"step": 2**80, "set": {}}),
        ("run", {"name": "x", "experiment": {"id": 1, "name": "x"}, "created": 1.0}),
        ("run", {"name": "x", "experiment": {"id": "e", "name": "x"}, "created": math.nan}),
        ("rewind", {"step": 1, "before": {"w0": "x"}}),
        ("artifact", {"id": "\ud800"}),
        ("member", {"context": "n1", "nodes": [1]}),
    ]
)
facts: st.SearchStrategy[FactBody] = st.one_of(
    run_facts,
    run_parts,
    run_parts,
    state_facts,
    graph_facts,
    graph_facts,
    experiment_facts,
    broken_facts,
)
decisions: st.SearchStrategy[tuple[FactBody, str]] = st.one_of(
    st.tuples(
        st.sampled_from(
            [
                ("rename_run", {"name": "xx"}),
                ("note_run", {"note": "x"}),
                ("note_run", {"note": None}),
                ("tag_run", {"set": {"a": "x", "new": 1}, "remove": ["b"]}),
                ("tag_run", {"set": {"a": {"b": 2}}}),
                ("tag_run", {"remove": ["a"]}),
                ("pin_run", {"pinned": True}),
                ("pin_run", {"pinned": False}),
                ("archive_run", {"archived": True}),
                ("delete_run", {}),
                ("restore_run", {}),
                ("purge_run", {}),
                ("rename_run", {"nmae": "x"}),
            ]
        ),
        st.sampled_from(RUNS),
    ),
    st.tuples(
        st.sampled_from(
            [
                ("rename_experiment", {"name": "churn"}),
                ("rename_experiment", {"name": "new"}),
                ("describe_experiment", {"description": "x"}),
                ("delete_experiment", {}),
                ("restore_experiment", {}),
                ("dance", {}),
            ]
        ),
        st.sampled_from([an_id for an_id, _ in EXPERIMENTS]),
    ),
    st.tuples(
        st.sampled_from(
            [
                ("update_node", {"metadata": {"a": 1}, "display_name": "data"}),
                ("update_node", {"description": "x", "state": "LIVE", "uri": "x"}),
                ("update_node", {"state": "LIVE", "etag": "stale"}),
                ("delete_node", {}),
            ]
        ),
        nodes,
    ),
)
