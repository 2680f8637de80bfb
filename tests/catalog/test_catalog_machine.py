"""Every catalog tells what the memory catalog tells, whatever happens in whatever order."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mendel.catalog.sql.catalog import SqlCatalog
from mendel.testing.catalog_machine import CatalogMachine

if TYPE_CHECKING:
    from mendel.catalog.contract import Catalog


class SqlMachine(CatalogMachine):
    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._made = 0

    def make(self) -> Catalog:
        self._made += 1
        return self._open()

    def _open(self) -> Catalog:
        return SqlCatalog(Path(self._folder.name) / f"{self._made}.sqlite", self.journals)

    def reopen(self) -> Catalog:
        self.catalog.close()
        return self._open()

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            if hasattr(self, "catalog"):
                self.catalog.close()
            self._folder.cleanup()


@pytest.mark.timeout(3600)  # the night's profile takes its time
class TestSqlCatalog(SqlMachine.TestCase):  # type: ignore[misc,valid-type]
    """Hypothesis fills it."""
