"""Vertex's ``aiplatform.metadata``, as far as scripts name schemas by it: ``metadata.schema``."""

from mendel.track import schema

__all__ = ["schema"]
