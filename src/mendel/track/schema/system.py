"""The shared vocabulary: kinds of artifact, execution and context titled ``system.…``.

``artifact_schema``, ``execution_schema`` and ``context_schema`` are this module under the names
that Vertex's has for its parts.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, ClassVar

from mendel.track.schema.kinds import (
    ArtifactSchema,
    ContextSchema,
    ExecutionSchema,
    with_fields,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mendel.graph.lineage import ArtifactState

_LIVE = "LIVE"


class Artifact(ArtifactSchema):
    """Any artifact."""

    schema_title: ClassVar[str] = "system.Artifact"


class Dataset(ArtifactSchema):
    """Data that something learns from or is tested on."""

    schema_title: ClassVar[str] = "system.Dataset"


class Model(ArtifactSchema):
    """A trained model."""

    schema_title: ClassVar[str] = "system.Model"


class Metrics(ArtifactSchema):
    """Scalar metrics of a model. What is None is left out; 0.0 is kept."""

    schema_title: ClassVar[str] = "system.Metrics"

    def __init__(
        self,
        *,
        accuracy: float | None = None,
        precision: float | None = None,
        recall: float | None = None,
        f1score: float | None = None,
        mean_absolute_error: float | None = None,
        mean_squared_error: float | None = None,
        artifact_id: str | None = None,
        uri: str | None = None,
        display_name: str | None = None,
        schema_version: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, object] | None = None,
        state: ArtifactState | str = _LIVE,
    ) -> None:
        super().__init__(
            artifact_id=artifact_id,
            uri=uri,
            display_name=display_name,
            schema_version=schema_version,
            description=description,
            state=state,
            metadata=with_fields(
                metadata,
                {
                    "accuracy": accuracy,
                    "precision": precision,
                    "recall": recall,
                    "f1score": f1score,
                    "mean_absolute_error": mean_absolute_error,
                    "mean_squared_error": mean_squared_error,
                },
            ),
        )


class ContainerExecution(ExecutionSchema):
    """A step that ran in a container."""

    schema_title: ClassVar[str] = "system.ContainerExecution"


class CustomJobExecution(ExecutionSchema):
    """A training job."""

    schema_title: ClassVar[str] = "system.CustomJobExecution"


class Run(ExecutionSchema):
    """A run of a pipeline or a script."""

    schema_title: ClassVar[str] = "system.Run"


class Experiment(ContextSchema):
    """A group of runs."""

    schema_title: ClassVar[str] = "system.Experiment"


class ExperimentRun(ContextSchema):
    """A run of an experiment, as a group of what it made and used."""

    schema_title: ClassVar[str] = "system.ExperimentRun"


class Pipeline(ContextSchema):
    """A pipeline."""

    schema_title: ClassVar[str] = "system.Pipeline"


class PipelineRun(ContextSchema):
    """A run of a pipeline, as a group of what it made and used."""

    schema_title: ClassVar[str] = "system.PipelineRun"


artifact_schema = execution_schema = context_schema = sys.modules[__name__]
