"""Both catalogs pass the suite that ships."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.catalog.memory import MemoryCatalog
from mendel.catalog.sql.catalog import SqlCatalog
from mendel.testing.catalog_suite import CatalogSuite

if TYPE_CHECKING:
    from pathlib import Path

    from mendel.catalog.contract import Blocks, Catalog, Ledger


class TestMemoryCatalog(CatalogSuite):
    def make(self, folder: Path, blocks: Blocks, ledger: Ledger) -> Catalog:  # noqa: ARG002
        return MemoryCatalog(blocks, ledger)


class TestSqlCatalog(CatalogSuite):
    def make(self, folder: Path, blocks: Blocks, ledger: Ledger) -> Catalog:
        return SqlCatalog(folder / "catalog.sqlite", blocks, ledger)
