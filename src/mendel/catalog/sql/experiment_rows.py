"""Experiments as rows: what journals say of each id; who is who is folded anew when asked for."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mendel.catalog.experiments import DECISIONS, Birth, Experiments
from mendel.catalog.facts import Stamp
from mendel.catalog.sql import decision_rows
from mendel.catalog.sql.cell import maybe, optional, text, text_cell
from mendel.graph.run import ExperimentRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mendel.catalog.experiments import Known

_COLUMNS = (
    "id, name, created, named_time, named_writer, named_ordinal,"
    " description, described_time, described_writer, described_ordinal"
)


def _birth(row: Any) -> Birth:
    described = None if row[7] is None else Stamp(*row[7:10])
    return Birth(text(row[0]), text(row[1]), row[2], Stamp(*row[3:6]), maybe(row[6]), described)


def read(connection: Any) -> tuple[Experiments, dict[str, int]]:
    """Return who is who among experiments, and the row of each id."""
    rows = connection.execute(f"SELECT row, {_COLUMNS} FROM experiment").fetchall()
    births = [_birth(row[1:]) for row in rows]
    decisions = decision_rows.of_kinds(connection, DECISIONS)
    return Experiments(births, decisions), {b.id: r[0] for b, r in zip(births, rows, strict=True)}


Place = tuple[str, str, "float | None"]


def places(connection: Any) -> dict[int, Place]:
    """Return for each row of `experiment` what its runs tell of it: id, name, when deleted."""
    who, rows = read(connection)
    return {rows[an_id]: place_of(known) for an_id, known in who.by_id.items()}


def place_of(known: Known) -> Place:
    """Return what a run tells of its experiment."""
    return known.id, known.name, known.deleted


def touch_moved(connection: Any, before: Mapping[int, Place], now: int) -> None:
    """Note that the runs of all experiments changed that are not what they were before."""
    after = places(connection)
    moved = [(now, row) for row, place in before.items() if after.get(row) != place]
    connection.executemany("UPDATE run SET changed = ? WHERE experiment = ?", moved)


class ExperimentWriter:
    """Takes in what facts say of experiments, in one transaction."""

    def __init__(self, connection: Any, now: int) -> None:
        self.connection = connection
        self.now = now
        self._rows: dict[str, int] = {}
        self._before: dict[int, Place] | None = None

    def put(self, birth: Birth) -> None:
        """Take in what a fact says of an experiment."""
        cell = text_cell(birth.id)
        got = self.connection.execute(
            f"SELECT row, {_COLUMNS} FROM experiment WHERE id = ?", (cell,)
        ).fetchone()
        known = None if got is None else _birth(got[1:])
        merged = birth if known is None else dataclasses.replace(known)
        if known is not None:
            merged.add(birth)
            self._rows[birth.id] = got[0]
            if merged == known:
                return
        if self._before is None:
            self._before = places(self.connection)
        values = (
            text_cell(merged.name), merged.created, *merged.named,
            optional(merged.description), *(merged.described or (None, None, None)), cell,
        )  # fmt: skip
        if known is None:
            got = self.connection.execute(
                "INSERT INTO experiment (name, created, named_time, named_writer, named_ordinal,"
                " description, described_time, described_writer, described_ordinal, id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING row",
                values,
            ).fetchone()
            self._rows[birth.id] = got[0]
        else:
            self.connection.execute(
                "UPDATE experiment SET name = ?, created = ?, named_time = ?, named_writer = ?,"
                " named_ordinal = ?, description = ?, described_time = ?, described_writer = ?,"
                " described_ordinal = ? WHERE id = ?",
                values,
            )

    def row(self, an_id: str) -> int:
        """Return the row of an experiment that was taken in."""
        if an_id not in self._rows:
            got = self.connection.execute(
                "SELECT row FROM experiment WHERE id = ?", (text_cell(an_id),)
            ).fetchone()
            self._rows[an_id] = got[0]
        return self._rows[an_id]

    def finish(self) -> None:
        """Note which runs tell of another experiment now."""
        if self._before is not None:
            touch_moved(self.connection, self._before, self.now)


def records(connection: Any) -> list[ExperimentRecord]:
    """Return every experiment, by name."""
    who, rows = read(connection)
    counted: dict[int, tuple[int, int, float | None, float | None]] = {
        row[0]: row[1:]
        for row in connection.execute(
            "SELECT experiment, count(*), count(*) - count(deleted), max(updated),"
            " max(CASE WHEN deleted IS NULL THEN updated END)"
            " FROM run WHERE experiment IS NOT NULL GROUP BY experiment"
        )
    }
    return [_record(known, rows, counted) for known in who.all()]


def _record(
    known: Known,
    rows: Mapping[str, int],
    counted: Mapping[int, tuple[int, int, float | None, float | None]],
) -> ExperimentRecord:
    own = [counted[rows[b.id]] for b in known.births if rows[b.id] in counted]
    everything = known.deleted is not None
    activity = [c[2] if everything else c[3] for c in own]
    return ExperimentRecord(
        id=known.id,
        name=known.name,
        created=known.created,
        description=known.told(),
        updated=known.updated,
        run_count=sum(c[0] if everything else c[1] for c in own),
        last_activity=max((a for a in activity if a is not None), default=None),
        deleted=known.deleted,
    )
