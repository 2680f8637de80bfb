"""The catalog's words, for the front doors: they reach the graph through ``track`` only."""

from __future__ import annotations

from mendel.catalog.contract import (
    MISSING,
    Catalog,
    Decision,
    Group,
    KeyInfo,
    NodeQuery,
    RunPage,
    RunQuery,
    Series,
)

__all__ = [
    "MISSING",
    "Catalog",
    "Decision",
    "Group",
    "KeyInfo",
    "NodeQuery",
    "RunPage",
    "RunQuery",
    "Series",
]
