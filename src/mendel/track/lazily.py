"""Modules that are imported when something of them is first asked for, so that runs begin fast."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class _Lazy:
    """Stands for a module until then."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self.__name__), name)
        setattr(self, name, found)
        return found


def lazily(name: str) -> Any:
    """Return what stands for a module and imports it when something of it is first asked for.

    For type checkers, import the module under ``TYPE_CHECKING`` and this in the ``else``.
    """
    return _Lazy(name)
