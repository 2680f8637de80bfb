"""The part of the SQL catalog that is about lineage; what it does stands in `graph`.

That is loaded when somebody asks (with the filter language), not when a run ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.catalog.contract import LineageCatalog
from mendel.graph.lineage import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mendel.catalog.contract import NodeQuery
    from mendel.catalog.sql.database import Database
    from mendel.catalog.sql.dialect import Sqlite
    from mendel.graph.lineage import Event, Node, Subgraph


class SqlLineage(LineageCatalog):
    """Implements the contract's part over a database."""

    _database: Database
    _dialect: Sqlite

    def get_nodes(self, ids: Sequence[str]) -> dict[str, Node]:
        from mendel.catalog.sql import graph

        with self._database.reading() as connection:
            return graph.get(connection, self._dialect, ids)

    def find_nodes(self, query: NodeQuery) -> tuple[list[Node], str | None]:
        from mendel.catalog.sql import graph

        with self._database.reading() as connection:
            return graph.find(connection, self._dialect, query)

    def events(self, nodes: Sequence[str]) -> list[Event]:
        from mendel.catalog.sql import graph

        with self._database.reading() as connection:
            return graph.events(connection, self._dialect, nodes)

    def lineage(
        self, node: str, direction: Direction, *, hops: int | None = None, limit: int | None = None
    ) -> Subgraph:
        from mendel.catalog.sql import graph

        with self._database.reading() as connection:
            return graph.walk(connection, self._dialect, node, Direction(direction), hops, limit)

    def members(self, context: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        from mendel.catalog.sql import graph

        with self._database.reading() as connection:
            return graph.members(connection, self._dialect, context)
