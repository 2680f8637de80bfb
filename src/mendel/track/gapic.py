"""Vertex's ``aiplatform.gapic``, as far as scripts name states by it: ``gapic.Execution.State``."""

from mendel.track.artifact import Artifact
from mendel.track.context import Context
from mendel.track.execution import Execution

__all__ = ["Artifact", "Context", "Execution"]
