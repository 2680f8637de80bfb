"""Decisions as rows: all that were ever taken; none is taken twice, and late runs get theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.catalog.contract import Decision
from mendel.catalog.sql.cell import maybe, optional, text_cell
from mendel.graph.values import Value, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLUMNS = "id, what, target, body, time, actor"


def _decision(row: Any) -> Decision:
    body: Any = loads(row[3])
    return Decision(row[0], row[1], row[2], body, row[4], maybe(row[5]) or "")


def about(connection: Any, target: str) -> list[Decision]:
    """Return the decisions about one thing, in the order in which they were taken."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM decision WHERE target = ? ORDER BY number", (text_cell(target),)
    )
    return [_decision(row) for row in rows]


def of_kinds(connection: Any, whats: Sequence[str]) -> list[Decision]:
    """Return the decisions of some kinds, in the order in which they were taken."""
    marks = ", ".join("?" * len(whats))
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM decision WHERE what IN ({marks}) ORDER BY number", tuple(whats)
    )
    return [_decision(row) for row in rows]


def is_taken(connection: Any, decision: Decision) -> bool:
    """Tell whether a decision was taken already."""
    got = connection.execute("SELECT 1 FROM decision WHERE id = ?", (decision.id,)).fetchone()
    return got is not None


def put(connection: Any, decision: Decision) -> None:
    """Remember a decision."""
    body: dict[str, Value] = decision.body
    connection.execute(
        "INSERT INTO decision (id, what, target, body, time, actor) VALUES (?, ?, ?, ?, ?, ?)",
        (
            decision.id,
            decision.what,
            text_cell(decision.target),
            dumps(body),
            decision.time,
            optional(decision.actor),
        ),
    )
