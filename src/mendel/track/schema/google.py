"""Kinds of artifact that Vertex names ``google.…``, with its constructors and metadata fields.

``artifact_schema`` is this module under the name that Vertex has for it. A number that is 0.0 is
kept; what is None is left out.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from mendel.track.schema.kinds import ArtifactSchema, with_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from mendel.graph.lineage import ArtifactState


class Common(TypedDict, total=False):
    """What every artifact takes; see `Artifact.create` (``artifact_id`` is its resource_id)."""

    artifact_id: str | None
    uri: str | None
    display_name: str | None
    schema_version: str | None
    description: str | None
    metadata: Mapping[str, object] | None
    state: ArtifactState | str


class _Fielded(ArtifactSchema):
    """An artifact some of whose metadata has names."""

    def __init__(self, fields: Mapping[str, object], common: Common) -> None:
        rest: dict[str, Any] = {**common}
        super().__init__(**{**rest, "metadata": with_fields(common.get("metadata"), fields)})


class _Resource(_Fielded):
    """A resource of Vertex; its uri is the address that Vertex's service has for it."""

    def __init__(self, resource_name: str, common: Common) -> None:
        parts = resource_name.split("/")
        uri = resource_name
        if len(parts) > 3 and parts[2] == "locations":
            uri = f"https://{parts[3]}-aiplatform.googleapis.com/v1/{resource_name}"
        super().__init__({"resourceName": resource_name}, {**common, "uri": uri})


class VertexDataset(_Resource):
    """A dataset in Vertex."""

    schema_title: ClassVar[str] = "google.VertexDataset"

    def __init__(self, *, vertex_dataset_name: str, **common: Unpack[Common]) -> None:
        super().__init__(vertex_dataset_name, common)


class VertexModel(_Resource):
    """A model in a registry."""

    schema_title: ClassVar[str] = "google.VertexModel"

    def __init__(self, *, vertex_model_name: str, **common: Unpack[Common]) -> None:
        super().__init__(vertex_model_name, common)


class VertexEndpoint(_Resource):
    """A place where a model is served."""

    schema_title: ClassVar[str] = "google.VertexEndpoint"

    def __init__(self, *, vertex_endpoint_name: str, **common: Unpack[Common]) -> None:
        super().__init__(vertex_endpoint_name, common)


class VertexTensorboardRun(_Resource):
    """A run in a TensorBoard instance."""

    schema_title: ClassVar[str] = "google.VertexTensorboardRun"

    def __init__(self, *, tensorboard_run_name: str, **common: Unpack[Common]) -> None:
        super().__init__(tensorboard_run_name, common)


@dataclass(frozen=True)
class PredictSchemata:
    """Where the schemas of an instance, of parameters and of a prediction are (uris)."""

    instance_schema_uri: str
    parameters_schema_uri: str
    prediction_schema_uri: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as metadata."""
        return {
            "instanceSchemaUri": self.instance_schema_uri,
            "parametersSchemaUri": self.parameters_schema_uri,
            "predictionSchemaUri": self.prediction_schema_uri,
        }


@dataclass(frozen=True)
class ContainerSpec:
    """The container that serves a model."""

    image_uri: str
    command: Sequence[str] | None = None
    args: Sequence[str] | None = None
    env: Sequence[Mapping[str, str]] | None = None
    ports: Sequence[int] | None = None
    predict_route: str | None = None
    health_route: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as metadata, without what is not given."""
        fields = {
            "imageUri": self.image_uri,
            "command": self.command,
            "args": self.args,
            "env": self.env,
            "ports": self.ports,
            "predictRoute": self.predict_route,
            "healthRoute": self.health_route,
        }
        return {name: value for name, value in fields.items() if value}


class UnmanagedContainerModel(_Fielded):
    """A model and the container that serves it."""

    schema_title: ClassVar[str] = "google.UnmanagedContainerModel"

    def __init__(
        self,
        *,
        predict_schemata: PredictSchemata,
        container_spec: ContainerSpec,
        **common: Unpack[Common],
    ) -> None:
        fields = {
            "predictSchemata": predict_schemata.to_dict(),
            "containerSpec": container_spec.to_dict(),
        }
        super().__init__(fields, common)


class ExperimentModel(_Fielded):
    """A model that a run logged."""

    schema_title: ClassVar[str] = "google.ExperimentModel"

    def __init__(
        self,
        *,
        framework_name: str,
        framework_version: str,
        model_file: str,
        model_class: str | None = None,
        predict_schemata: PredictSchemata | None = None,
        **common: Unpack[Common],
    ) -> None:
        fields = {
            "frameworkName": framework_name,
            "frameworkVersion": framework_version,
            "modelFile": model_file,
            "modelClass": model_class,
            "predictSchemata": predict_schemata.to_dict() if predict_schemata else None,
        }
        super().__init__(fields, common)


@dataclass(frozen=True)
class AnnotationSpec:
    """A class of a confusion matrix."""

    display_name: str | None = None
    id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as metadata."""
        return with_fields(None, {"displayName": self.display_name, "id": self.id})


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts by true class (rows) and predicted class (columns)."""

    matrix: Sequence[Sequence[float]]
    annotation_specs: Sequence[AnnotationSpec]

    def to_dict(self) -> dict[str, Any]:
        """Return it as metadata.

        Raises:
            InvalidError, WrongTypeError: it is not square, or not one row for each class.
        """
        from mendel.track.classification import square

        names = [str(spec.display_name or spec.id) for spec in self.annotation_specs]
        return {
            "annotationSpecs": [spec.to_dict() for spec in self.annotation_specs],
            "rows": square(self.matrix, names),
        }


@dataclass(frozen=True)
class ConfidenceMetric:
    """What a classifier does at one threshold."""

    confidence_threshold: float
    recall: float | None = None
    precision: float | None = None
    f1_score: float | None = None
    max_predictions: int | None = None
    false_positive_rate: float | None = None
    accuracy: float | None = None
    true_positive_count: int | None = None
    false_positive_count: int | None = None
    false_negative_count: int | None = None
    true_negative_count: int | None = None
    confusion_matrix: ConfusionMatrix | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as metadata, without what is not given."""
        fields = {
            "confidenceThreshold": self.confidence_threshold,
            "recall": self.recall,
            "precision": self.precision,
            "f1Score": self.f1_score,
            "maxPredictions": self.max_predictions,
            "falsePositiveRate": self.false_positive_rate,
            "accuracy": self.accuracy,
            "truePositiveCount": self.true_positive_count,
            "falsePositiveCount": self.false_positive_count,
            "falseNegativeCount": self.false_negative_count,
            "trueNegativeCount": self.true_negative_count,
            "confusionMatrix": self.confusion_matrix.to_dict() if self.confusion_matrix else None,
        }
        return with_fields(None, fields)


class ClassificationMetrics(_Fielded):
    """How well a classifier does."""

    schema_title: ClassVar[str] = "google.ClassificationMetrics"

    def __init__(
        self,
        *,
        aggregation_type: str | None = None,
        aggregation_threshold: float | None = None,
        recall: float | None = None,
        precision: float | None = None,
        f1_score: float | None = None,
        accuracy: float | None = None,
        au_prc: float | None = None,
        au_roc: float | None = None,
        log_loss: float | None = None,
        confusion_matrix: ConfusionMatrix | None = None,
        confidence_metrics: Sequence[ConfidenceMetric] | None = None,
        **common: Unpack[Common],
    ) -> None:
        fields = {
            "aggregationType": aggregation_type,
            "aggregationThreshold": aggregation_threshold,
            "recall": recall,
            "precision": precision,
            "f1Score": f1_score,
            "accuracy": accuracy,
            "auPrc": au_prc,
            "auRoc": au_roc,
            "logLoss": log_loss,
            "confusionMatrix": confusion_matrix.to_dict() if confusion_matrix else None,
            "confidenceMetrics": None
            if confidence_metrics is None
            else [metric.to_dict() for metric in confidence_metrics],
        }
        super().__init__(fields, common)


class RegressionMetrics(_Fielded):
    """How well a regression does."""

    schema_title: ClassVar[str] = "google.RegressionMetrics"

    def __init__(
        self,
        *,
        root_mean_squared_error: float | None = None,
        mean_absolute_error: float | None = None,
        mean_absolute_percentage_error: float | None = None,
        r_squared: float | None = None,
        root_mean_squared_log_error: float | None = None,
        **common: Unpack[Common],
    ) -> None:
        fields = {
            "rootMeanSquaredError": root_mean_squared_error,
            "meanAbsoluteError": mean_absolute_error,
            "meanAbsolutePercentageError": mean_absolute_percentage_error,
            "rSquared": r_squared,
            "rootMeanSquaredLogError": root_mean_squared_log_error,
        }
        super().__init__(fields, common)


class ForecastingMetrics(_Fielded):
    """How well a forecast does."""

    schema_title: ClassVar[str] = "google.ForecastingMetrics"

    def __init__(
        self,
        *,
        root_mean_squared_error: float | None = None,
        mean_absolute_error: float | None = None,
        mean_absolute_percentage_error: float | None = None,
        r_squared: float | None = None,
        root_mean_squared_log_error: float | None = None,
        weighted_absolute_percentage_error: float | None = None,
        root_mean_squared_percentage_error: float | None = None,
        symmetric_mean_absolute_percentage_error: float | None = None,
        **common: Unpack[Common],
    ) -> None:
        fields = {
            "rootMeanSquaredError": root_mean_squared_error,
            "meanAbsoluteError": mean_absolute_error,
            "meanAbsolutePercentageError": mean_absolute_percentage_error,
            "rSquared": r_squared,
            "rootMeanSquaredLogError": root_mean_squared_log_error,
            "weightedAbsolutePercentageError": weighted_absolute_percentage_error,
            "rootMeanSquaredPercentageError": root_mean_squared_percentage_error,
            "symmetricMeanAbsolutePercentageError": symmetric_mean_absolute_percentage_error,
        }
        super().__init__(fields, common)


artifact_schema = sys.modules[__name__]
