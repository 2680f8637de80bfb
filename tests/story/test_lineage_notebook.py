"""The notebook "lineage for custom training", as its author would run it with Mendel as Vertex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, roc_curve

import mendel as aiplatform
from mendel.track import session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.story


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MENDEL_QUIET", "1")
    monkeypatch.chdir(tmp_path)
    session.session = session.Session()
    yield tmp_path
    while aiplatform.active_run():
        aiplatform.end_run()
    session.current_store().close()
    session.session = session.Session()


def test_the_notebook_runs_and_its_graph_is_right_node_by_node(project: Path) -> None:
    aiplatform.init(
        project="my-project",
        location="us-central1",
        experiment="abalone-lineage",
        experiment_description="from raw data to a model",
        staging_bucket="gs://bucket",
        capture=False,
    )
    raw_uri = str(project / "raw.csv")
    features, truth = make_classification(400, 6, random_state=0)
    np.savetxt(raw_uri, np.column_stack([features, truth]), delimiter=",")

    raw = aiplatform.Artifact.create(
        schema_title="system.Dataset",
        display_name="abalone raw",
        uri=raw_uri,
        metadata={"rows": 400},
    )
    aiplatform.start_run("run-1")
    with aiplatform.start_execution(
        schema_title="system.ContainerExecution", display_name="preprocess"
    ) as preprocess:
        preprocess.assign_input_artifacts([raw])
        aiplatform.log_params({"delimiter": ",", "features": ["a", "b"], "train_fraction": 0.75})
        rows = np.loadtxt(raw_uri, delimiter=",")
        np.savetxt(project / "train.csv", rows[:300], delimiter=",")
        aiplatform.log_metrics({"n_train": 300, "n_test": 100})
        prepared = aiplatform.Artifact.create(
            schema_title="system.Dataset",
            display_name="abalone prepared",
            uri=str(project / "train.csv"),
        )
        preprocess.assign_output_artifacts([prepared])

    with aiplatform.start_execution(
        schema_title="system.ContainerExecution", display_name="train"
    ) as train:
        train.assign_input_artifacts([prepared])
        data = np.loadtxt(str(prepared.uri), delimiter=",")
        model = LogisticRegression().fit(data[:, :-1], data[:, -1])
        for epoch in range(3):
            aiplatform.log_time_series_metrics({"loss": 1.0 / (epoch + 1)})
        test = rows[300:]
        predicted = model.predict(test[:, :-1])
        fpr, tpr, threshold = roc_curve(test[:, -1], model.predict_proba(test[:, :-1])[:, 1])
        metrics = aiplatform.log_classification_metrics(
            labels=["young", "old"],
            matrix=confusion_matrix(test[:, -1], predicted).tolist(),
            fpr=fpr.tolist(),
            tpr=tpr.tolist(),
            threshold=threshold.tolist(),
            display_name="test set",
        )
        aiplatform.log_metrics({"accuracy": float((predicted == test[:, -1]).mean())})
        trained = aiplatform.Artifact.create(
            schema_title="system.Model", display_name="abalone model", uri="gs://bucket/model"
        )
        train.assign_output_artifacts([trained, metrics])
    print_uri = trained.lineage_console_uri
    assert trained.name in print_uri
    aiplatform.end_run()

    # -- the graph --
    run = aiplatform.ExperimentRun("run-1", experiment="abalone-lineage")
    assert run.get_state() == "COMPLETE"
    assert {e.display_name: str(e.state) for e in run.get_executions()} == {
        "preprocess": "COMPLETE",
        "train": "COMPLETE",
    }
    by_name: dict[str, Any] = {a.display_name: a for a in run.get_artifacts()}
    assert {name: a.schema_title for name, a in by_name.items()} == {
        "abalone raw": "system.Dataset",
        "abalone prepared": "system.Dataset",
        "abalone model": "system.Model",
        "test set": "google.ClassificationMetrics",
    }
    assert [a.display_name for a in preprocess.get_input_artifacts()] == ["abalone raw"]
    assert [a.display_name for a in preprocess.get_output_artifacts()] == ["abalone prepared"]
    assert [a.display_name for a in train.get_input_artifacts()] == ["abalone prepared"]
    assert [a.display_name for a in train.get_output_artifacts()] == ["abalone model", "test set"]

    upstream = aiplatform.lineage(by_name["abalone model"], "upstream")
    assert {node.display_name for node in upstream.executions} == {"preprocess", "train"}
    names = {node.id: node.display_name for node in (*upstream.artifacts, *upstream.executions)}
    edges = {(names[e.artifact], str(e.kind), names[e.execution]) for e in upstream.events}
    assert edges >= {
        ("abalone raw", "INPUT", "preprocess"),
        ("abalone prepared", "OUTPUT", "preprocess"),
        ("abalone prepared", "INPUT", "train"),
        ("abalone model", "OUTPUT", "train"),
    }
    near = aiplatform.lineage(by_name["abalone model"], "upstream", hops=1)
    assert "abalone raw" not in {node.display_name for node in near.artifacts}
    down = by_name["abalone raw"].lineage("downstream")
    assert {node.display_name for node in down.artifacts} == set(by_name)

    # -- what the notebook reads back --
    [kept] = run.get_classification_metrics()
    assert kept["id"] == metrics.name
    assert kept["labels"] == ["young", "old"]
    assert kept["fpr"] == fpr.tolist()
    assert kept["threshold"][0] == float("inf")
    assert run.get_params()["features"] == ["a", "b"]
    assert run.get_metrics()["n_train"] == 300
    assert type(run.get_metrics()["n_train"]) is int
    assert run.get_time_series_data_frame()["step"].tolist() == [1, 2, 3]
    frame = aiplatform.get_experiment_df("abalone-lineage")
    assert frame["metric.n_train"].tolist() == [300]
    context = aiplatform.Context.get("abalone-lineage")
    assert context is not None
    assert context.schema_title == "system.Experiment"
    subgraph = aiplatform.Context(run.resource_name).query_lineage_subgraph()
    assert {node.display_name for node in subgraph.artifacts} == set(by_name)
