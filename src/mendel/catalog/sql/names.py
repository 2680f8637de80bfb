"""Names of columns and layouts of blocks as small numbers, remembered from one call to the next."""

from __future__ import annotations

import threading
from typing import Any

from mendel.catalog.sql.cell import text_cell


class Interner:
    """The numbers of names, remembered between transactions once they are committed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # held by the one transaction of this process that writes
        self._known: dict[str, int] = {}
        self._fresh: dict[str, int] = {}

    def row(self, connection: Any, name: str) -> int:
        """Return the number of a name, a new one if it has none; in a writing transaction."""
        known = self._known.get(name) or self._fresh.get(name)
        if known is None:
            stored = text_cell(name)
            got = connection.execute("SELECT row FROM key WHERE name = ?", (stored,)).fetchone()
            if got is None:
                got = connection.execute(
                    "INSERT INTO key (name) VALUES (?) RETURNING row", (stored,)
                ).fetchone()
            known = self._fresh[name] = int(got[0])
        return known

    def layout(self, connection: Any, name: str, keys: str, types: str) -> int:
        """Return the number of a layout, a new one if it has none; ``name`` is unlike any key."""
        known = self._known.get(name) or self._fresh.get(name)
        if known is None:
            stored = text_cell(keys), types
            got = connection.execute(
                "SELECT row FROM layout WHERE keys = ? AND types = ?", stored
            ).fetchone()
            if got is None:
                got = connection.execute(
                    "INSERT INTO layout (keys, types) VALUES (?, ?) RETURNING row", stored
                ).fetchone()
            known = self._fresh[name] = int(got[0])
        return known

    def settle(self, *, committed: bool) -> None:
        """Keep what was learnt in a transaction, or forget it."""
        if committed:
            self._known |= self._fresh
        self._fresh = {}
