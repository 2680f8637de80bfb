"""Artifacts, executions and contexts as a person holds them: as Vertex's, without its traps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import mendel
from mendel import Artifact, Context, Execution, schema
from mendel.graph.errors import (
    AlreadyExistsError,
    InvalidError,
    NotFoundError,
    QueryError,
    WrongTypeError,
)
from mendel.track import session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mendel.track.store import Store


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("MENDEL_QUIET", "1")
    store = session.use_store(tmp_path / "store")
    mendel.init(capture=False)
    yield store
    while mendel.active_run():
        mendel.end_run()
    store.close()
    session.session = session.Session()


def names(found: Any) -> list[str]:
    return [one.display_name for one in found]


# -- artifacts --


def test_an_artifact_is_found_with_everything_that_it_was_given() -> None:
    made = Artifact.create(
        "system.Dataset",
        resource_id="flights",
        uri="s3://bucket/flights.csv",
        display_name="Flüge ✈",
        description="all of 2013",
        metadata={"rows": 336_776, "rate": 0.5, "ok": True, "tags": ["a"], "none": None, "n": {}},
    )
    found = Artifact("flights")
    for artifact in (made, found):
        assert artifact.name == "flights"
        assert artifact.resource_name == "artifacts/flights"
        assert artifact.uri == "s3://bucket/flights.csv"
        assert artifact.schema_title == "system.Dataset"
        assert artifact.schema_version == "0.0.1"
        assert artifact.display_name == "Flüge ✈"
        assert artifact.description == "all of 2013"
        assert artifact.state is Artifact.State.LIVE
        assert artifact.metadata["rows"] == 336_776
        assert type(artifact.metadata["rows"]) is int
        assert artifact.metadata["ok"] is True
        assert artifact.metadata["none"] is None
        assert "flights" in artifact.lineage_console_uri
    assert found == made
    assert abs((found.create_time - made.create_time).total_seconds()) < 0.001
    assert Artifact.get("projects/p/locations/l/metadataStores/default/artifacts/flights") == made


def test_an_artifact_without_names_gets_an_id_and_is_called_by_it() -> None:
    artifact = Artifact.create("my.Thing", schema_version="2.1", state="PENDING")
    assert artifact.display_name == artifact.name
    assert Artifact(artifact.name).state is Artifact.State.PENDING
    assert Artifact(artifact.name).schema_version == "2.1"
    assert Artifact(artifact.name).uri is None


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFoundError, match=r"Artifact.list\(\)"):
        Artifact("nothing")
    assert Artifact.get("nothing") is None
    Execution.create("system.Run", resource_id="ran")
    assert Artifact.get("ran") is None
    with pytest.raises(InvalidError, match="names no artifact"):
        Artifact("executions/ran")


def test_a_taken_id_is_refused_and_says_by_whom() -> None:
    Artifact.create("system.Dataset", resource_id="data", display_name="mine")
    with pytest.raises(AlreadyExistsError, match="taken by the artifact 'mine'"):
        Artifact.create("system.Dataset", resource_id="data")
    assert len(Artifact.list()) == 1


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"schema_title": ""}, InvalidError, "schema_title is empty"),
        ({"schema_title": 5}, WrongTypeError, "schema_title must be text"),
        ({"resource_id": "a/b"}, InvalidError, "sign '/'"),
        ({"resource_id": " "}, InvalidError, "is empty"),
        ({"resource_id": "x" * 501}, InvalidError, "501 characters"),
        ({"resource_id": 5}, WrongTypeError, "must be text"),
        ({"uri": 5}, WrongTypeError, "uri must be text"),
        ({"metadata": {"f": object()}}, WrongTypeError, "metadata field 'f'"),
        ({"metadata": [1]}, WrongTypeError, "dict"),
        ({"state": "ALIVE"}, InvalidError, "there are: .*LIVE"),
        ({"uris": "x"}, WrongTypeError, "unexpected keyword argument 'uris'"),
        ({"display_name": "a\nb"}, InvalidError, "no line can show|no\\s*line"),
    ],
)
def test_bad_arguments_are_told_and_nothing_is_made(
    given: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        Artifact.create(**{"schema_title": "system.Dataset", **given})
    assert Artifact.list() == []


def test_vertex_arguments_are_taken_and_change_nothing() -> None:
    made = Artifact.create(
        "system.Model", metadata_store_id="default", project="p", location="l", credentials=None
    )
    assert Artifact(made.name, project="p", location="l") == made


def test_the_newest_of_several_with_one_uri_is_taken_with_a_warning() -> None:
    Artifact.create("system.Dataset", uri='a"b\\c', display_name="old")
    assert Artifact.get_with_uri('a"b\\c').display_name == "old"
    Artifact.create("system.Dataset", uri='a"b\\c', display_name="new")
    with pytest.warns(UserWarning, match="2 artifacts"):
        assert Artifact.get_with_uri('a"b\\c').display_name == "new"
    with pytest.raises(ValueError, match="no artifact has the uri"):
        Artifact.get_with_uri("elsewhere")


def test_artifacts_are_listed_by_filter_and_order() -> None:
    for number in range(3):
        Artifact.create("system.Model", display_name=f"m{number}", metadata={"auc": number / 2})
    Artifact.create("system.Dataset", display_name="d")
    assert names(Artifact.list()) == ["d", "m2", "m1", "m0"]
    assert names(Artifact.list('schema_title="system.Model"', order_by="display_name")) == [
        "m0",
        "m1",
        "m2",
    ]
    assert names(Artifact.list(filter="metadata.auc.number_value > 0.4")) == ["m2", "m1"]
    assert names(schema.system.Model.list('display_name="m1"')) == ["m1"]
    with pytest.raises(QueryError):
        Artifact.list("display_name = = 3")


def test_an_update_merges_metadata_one_level_deep() -> None:
    artifact = Artifact.create("system.Model", metadata={"a": 1, "b": {"x": 1}})
    artifact.update(metadata={"b": {"y": 2}, "c": 0.0}, description="better")
    assert artifact.metadata == {"a": 1, "b": {"y": 2}, "c": 0.0}
    other = Artifact(artifact.name)
    assert (other.metadata, other.description) == (artifact.metadata, "better")
    other.update(metadata={"a": 2})
    artifact.sync_resource()
    assert artifact.metadata["a"] == 2
    assert artifact.update_time > artifact.create_time
    with pytest.raises(WrongTypeError):
        artifact.update(metadata={"a": object()})


def test_metadata_that_is_handed_out_is_a_copy() -> None:
    artifact = Artifact.create("system.Model", metadata={"a": [1]})
    metadata: Any = artifact.metadata
    metadata["a"].append(2)
    metadata["b"] = 1
    assert artifact.metadata == {"a": [1]}


def test_a_deleted_artifact_is_gone_with_its_events() -> None:
    artifact = Artifact.create("system.Model")
    execution = Execution.create("system.Run")
    execution.assign_output_artifacts([artifact])
    artifact.delete()
    assert Artifact.get(artifact.name) is None
    assert execution.get_output_artifacts() == []
    with pytest.raises(NotFoundError, match="was deleted"):
        artifact.sync_resource()


# -- executions --


def test_an_execution_is_running_then_complete() -> None:
    with Execution.create("system.Run", state="NEW", display_name="prepare") as execution:
        assert Execution(execution.name).state is Execution.State.RUNNING
    assert Execution(execution.name).state is Execution.State.COMPLETE


def test_an_exception_makes_an_execution_failed_and_says_why() -> None:
    with pytest.raises(ZeroDivisionError), Execution.create("system.Run") as execution:
        _ = 1 / 0
    found = Execution(execution.name)
    assert found.state is Execution.State.FAILED
    assert found.metadata["error"] == "ZeroDivisionError: division by zero"


def test_an_execution_tells_its_inputs_and_outputs_in_order() -> None:
    execution = Execution.create("system.ContainerExecution")
    artifacts = [Artifact.create("system.Dataset", display_name=f"d{n}") for n in range(4)]
    execution.assign_input_artifacts(artifacts[:2])
    execution.assign_output_artifacts([artifacts[2], artifacts[3].name])
    assert names(execution.get_input_artifacts()) == ["d0", "d1"]
    assert names(Execution(execution.name).get_output_artifacts()) == ["d2", "d3"]
    assert artifacts[2].producers() == [execution]
    assert artifacts[0].consumers() == [execution]
    assert artifacts[0].producers() == []


def test_a_registered_model_is_found_or_made_as_an_artifact() -> None:
    class Model:
        resource_name = "projects/p/locations/l/models/7"
        display_name = "gbdt"

    execution = Execution.create("system.Run")
    execution.assign_output_artifacts([Model()])
    execution.assign_input_artifacts([Model()])
    [model] = Artifact.list('schema_title="google.VertexModel"')
    assert model.metadata == {"resourceName": "projects/p/locations/l/models/7"}
    assert execution.get_input_artifacts() == execution.get_output_artifacts() == [model]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ([5], WrongTypeError),
        (["absent"], NotFoundError),
        ("text", WrongTypeError),
        (None, WrongTypeError),
    ],
)
def test_what_is_no_artifact_is_not_assigned(given: Any, error: type[Exception]) -> None:
    execution = Execution.create("system.Run")
    with pytest.raises(error):
        execution.assign_input_artifacts(given)
    assert execution.get_input_artifacts() == []


def test_an_execution_is_started_and_resumed() -> None:
    with pytest.raises(ValueError, match="schema_title is needed"):
        mendel.start_execution(display_name="x")
    with pytest.raises(ValueError, match="resource_id is needed"):
        mendel.start_execution(resume=True)
    with pytest.raises(NotFoundError):
        mendel.start_execution(resource_id="absent", resume=True)
    with mendel.start_execution(schema_title="system.Run", resource_id="job") as first:
        first.update(metadata={"epoch": 1})
    with mendel.start_execution(resource_id="job", resume=True) as again:
        assert again.state is Execution.State.RUNNING
        assert again.metadata == {"epoch": 1}
    assert Execution("job").state is Execution.State.COMPLETE


def test_an_execution_in_a_run_is_attached_with_all_its_artifacts() -> None:
    data = Artifact.create("system.Dataset", display_name="data")
    with mendel.start_run("r", experiment="e") as run:
        with mendel.start_execution(schema_title="system.Run", display_name="train") as execution:
            execution.assign_input_artifacts([data])
            model = Artifact.create("system.Model", display_name="model")
            execution.assign_output_artifacts([model])
        assert names(run.get_executions()) == ["train"]
        assert names(run.get_artifacts()) == ["data", "model"]
    assert model.node.run == run.id
    assert Artifact(model.name).node.run == run.id
    assert Artifact(data.name).node.run is None


# -- contexts --


def test_a_context_groups_artifacts_executions_and_contexts() -> None:
    project = Context.create("system.Experiment", resource_id="project", display_name="P")
    part = Context.create("system.Pipeline", display_name="part")
    data, model = (Artifact.create("system.Dataset", display_name=n) for n in ("data", "model"))
    other = Artifact.create("system.Dataset")
    execution = Execution.create("system.Run", display_name="train")
    execution.assign_input_artifacts([data, other])
    execution.assign_output_artifacts([model])
    project.add_context_children([part])
    part.add_artifacts_and_executions([data.resource_name, model.name], [execution.resource_name])
    assert Context(part.name).parent_contexts == ["contexts/project"]
    assert names(part.get_artifacts()) == ["data", "model"]
    assert part.get_executions() == [execution]
    graph = part.query_lineage_subgraph()
    assert [node.display_name for node in graph.artifacts] == ["data", "model"]
    assert [(e.artifact, str(e.kind)) for e in graph.events] == [
        (data.name, "INPUT"),
        (model.name, "OUTPUT"),
    ]
    assert Context.get_or_create("project", "system.Experiment") == project
    with pytest.raises(InvalidError, match="within itself"):
        part.add_context_children([project])
    with pytest.raises(NotFoundError, match="nothing was added"):
        part.add_artifacts_and_executions([data.name, "absent"])
    with pytest.raises(NotFoundError):
        part.add_artifacts_and_executions(execution_resource_names=[data.name])


def test_a_context_has_at_most_ten_parents() -> None:
    child = Context.create("system.Pipeline")
    for _ in range(10):
        Context.create("system.Experiment").add_context_children([child])
    with pytest.raises(InvalidError, match="at most 10"):
        Context.create("system.Experiment").add_context_children([child])


def test_experiments_and_runs_are_contexts() -> None:
    with mendel.start_run("first", experiment="churn") as run:
        run.log_params({"lr": 0.1})
        artifact = run.log_artifact("s3://bucket/x")
    experiment = Context("churn")
    assert experiment.schema_title == "system.Experiment"
    assert Context(run.id).schema_title == "system.ExperimentRun"
    assert Context(run.id).metadata["_params"] == {"lr": 0.1}
    assert Context(run.id).get_artifacts() == [artifact]


# -- schemas --


def test_typed_metrics_keep_zero() -> None:
    regression = schema.google.RegressionMetrics(
        root_mean_squared_error=0.0, mean_absolute_error=0, r_squared=1.0
    ).create()
    assert Artifact(regression.name).metadata == {
        "rootMeanSquaredError": 0.0,
        "meanAbsoluteError": 0,
        "rSquared": 1.0,
    }
    forecasting = schema.google.ForecastingMetrics(weighted_absolute_percentage_error=0.0)
    assert forecasting.metadata == {"weightedAbsolutePercentageError": 0.0}
    metrics = schema.system.Metrics(accuracy=0.0, metadata={"more": 1})
    assert metrics.metadata == {"more": 1, "accuracy": 0.0}
    classes = schema.google.ClassificationMetrics(log_loss=0.0, au_roc=0.5, display_name="c")
    assert classes.metadata == {"logLoss": 0.0, "auRoc": 0.5}


def test_a_confusion_matrix_must_be_square() -> None:
    google = schema.google
    specs = [google.AnnotationSpec("a"), google.AnnotationSpec("b")]
    with pytest.raises(InvalidError, match="square"):
        google.ClassificationMetrics(
            confusion_matrix=google.ConfusionMatrix([[1, 2, 3], [4]], specs)
        )
    made = google.ClassificationMetrics(
        confusion_matrix=google.ConfusionMatrix([[1, 2], [3, 4]], specs),
        confidence_metrics=[google.ConfidenceMetric(0.0, recall=0.0)],
    )
    assert made.metadata == {
        "confusionMatrix": {
            "annotationSpecs": [{"displayName": "a"}, {"displayName": "b"}],
            "rows": [[1, 2], [3, 4]],
        },
        "confidenceMetrics": [{"confidenceThreshold": 0.0, "recall": 0.0}],
    }


def test_resources_of_vertex_get_their_address() -> None:
    name = "projects/p/locations/us-central1/datasets/7"
    dataset = schema.google.VertexDataset(vertex_dataset_name=name, display_name="d").create()
    assert dataset.uri == f"https://us-central1-aiplatform.googleapis.com/v1/{name}"
    assert dataset.metadata == {"resourceName": name}
    assert dataset.schema_title == "google.VertexDataset"
    with pytest.raises(TypeError):
        schema.google.VertexModel(vertex_model_name="m", nonsense=1)  # type: ignore[call-arg]


def test_every_schema_class_has_its_title() -> None:
    system = "Artifact Dataset Model Metrics ContainerExecution CustomJobExecution Run Experiment"
    for word in f"{system} ExperimentRun Pipeline PipelineRun".split():
        assert getattr(schema.system, word).schema_title == f"system.{word}"
    google = "VertexDataset VertexModel VertexEndpoint UnmanagedContainerModel ExperimentModel"
    metrics = "ClassificationMetrics RegressionMetrics ForecastingMetrics VertexTensorboardRun"
    for word in f"{google} {metrics}".split():
        assert getattr(schema.google, word).schema_title == f"google.{word}"
    assert schema.system.artifact_schema.Dataset is schema.system.Dataset
    assert mendel.metadata.schema.google.artifact_schema.VertexModel is schema.google.VertexModel
    assert mendel.gapic.Execution.State.FAILED is Execution.State.FAILED


def test_schema_objects_make_nodes_and_start_executions() -> None:
    data = schema.system.Dataset(artifact_id="data", uri="u", display_name="d").create()
    assert Artifact("data") == data
    with schema.system.CustomJobExecution(execution_id="job").start_execution() as execution:
        pass
    assert Execution("job") == execution
    assert names(schema.system.CustomJobExecution.list()) == ["job"]
    group = schema.system.Pipeline(context_id="pipe", metadata={"v": 1}).create()
    assert schema.system.Pipeline.get("pipe") == group
    assert schema.system.PipelineRun.get("pipe") is None
    model = schema.google.ExperimentModel(
        framework_name="sklearn", framework_version="1.9", model_file="model.pkl", uri="s3://m"
    )
    assert model.create().metadata["modelFile"] == "model.pkl"
    container = schema.google.UnmanagedContainerModel(
        predict_schemata=schema.google.PredictSchemata("i", "p", "o"),
        container_spec=schema.google.ContainerSpec("image", ports=[80]),
    )
    assert container.metadata["containerSpec"] == {"imageUri": "image", "ports": [80]}


# -- turned off --


def test_nothing_is_written_where_mendel_is_turned_off(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MENDEL_MODE", "disabled")
    with mendel.start_run("r") as run:
        artifact = Artifact.create("system.Model", resource_id="m")
        with mendel.start_execution(schema_title="system.Run") as execution:
            execution.assign_output_artifacts([artifact])
        run.log_text("x", "y")
        mendel.log_classification_metrics(labels=["a"], matrix=[[1]])
        assert run.media() == []
    monkeypatch.delenv("MENDEL_MODE")
    assert Artifact.list() == []
    assert not list(store.root.glob("runs/*/*"))
