"""Takes decisions: judged, remembered, and let take effect, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.catalog import decisions as rules
from mendel.catalog.sql import decision_rows, experiment_rows, ingest_graph
from mendel.catalog.sql.cell import text
from mendel.catalog.sql.run_rows import (
    cells_of,
    put_cells,
    put_decided,
    read_decided,
    read_story,
    rewrite_run,
    run_row,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mendel.catalog.contract import Decision
    from mendel.catalog.decisions import RunDecisions
    from mendel.catalog.experiments import Experiments, Known
    from mendel.catalog.sql.names import Interner
    from mendel.graph.lineage import Node


class Decider:
    """One transaction of decisions; also what they are judged by (`rules.Scene`)."""

    def __init__(self, connection: Any, names: Interner, now: int) -> None:
        self.connection = connection
        self.names = names
        self.now = now
        self.graph = ingest_graph.GraphWriter(connection, now)

    def take(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Take decisions that were not taken yet; return those."""
        fresh: list[Decision] = []
        for decision in decisions:
            if decision_rows.is_taken(self.connection, decision):
                continue
            rules.check(decision)
            self.graph.flush()
            rules.judge(decision, self)
            self._let(decision)
            fresh.append(decision)
        self.graph.finish()
        return fresh

    def replay(self, decisions: Sequence[Decision]) -> None:
        """Take decisions again that were judged long ago."""
        for decision in decisions:
            if rules.understood(decision) and not decision_rows.is_taken(self.connection, decision):
                self._let(decision)
        self.graph.finish()

    def _let(self, decision: Decision) -> None:
        if decision.what in rules.EXPERIMENT:
            before = experiment_rows.places(self.connection)
            decision_rows.put(self.connection, decision)
            experiment_rows.touch_moved(self.connection, before, self.now)
            return
        decision_rows.put(self.connection, decision)
        if decision.what == "purge_run":
            purge(self.connection, self.names, decision.target, self.now)
        elif decision.what in rules.RUN:
            self._let_run(decision)
        else:
            self.graph.decide(decision)

    def _let_run(self, decision: Decision) -> None:
        row = run_row(self.connection, decision.target)
        if row is None:
            return  # it waits for the run: see RunIngest
        story = read_story(self.connection, row, decision.target)
        decided = read_decided(self.connection, row)
        drawers = ("tags",) if decision.what == "tag_run" else ()
        before = cells_of(story, decided, drawers)
        decided.take(decision)
        after = cells_of(story, decided, drawers)
        put_cells(self.connection, self.names, row, before, after)
        put_decided(self.connection, row, decided)
        rewrite_run(self.connection, row, story, decided, self.now)

    # -- what a decision is judged by --

    def decided_run(self, run: str) -> RunDecisions | None:
        """Return what was decided about a run so far; None where there is no such run."""
        row = run_row(self.connection, run)
        return None if row is None else read_decided(self.connection, row)

    def experiment_of(self, run: str) -> Known | None:
        """Return the experiment of a run that is there."""
        got = self.connection.execute(
            "SELECT e.id FROM run r JOIN experiment e ON e.row = r.experiment WHERE r.id = ?",
            (run,),
        ).fetchone()
        return None if got is None else self.experiments().by_id[text(got[0])]

    def pinned_in(self, experiment: Known) -> list[str]:
        """Return the names of an experiment's pinned runs."""
        names: list[str] = []
        for birth in experiment.births:
            rows = self.connection.execute(
                "SELECT r.name FROM run r JOIN experiment e ON e.row = r.experiment"
                " WHERE e.id = ? AND r.pinned",
                (birth.id,),
            )
            names += [text(row[0]) for row in rows]
        return sorted(names)

    def experiments(self) -> Experiments:
        """Return who is who among experiments."""
        return experiment_rows.read(self.connection)[0]

    def node(self, node: str) -> Node | None:
        """Return a node that is no run, if it is there."""
        if run_row(self.connection, node) is not None:
            return None
        story = ingest_graph.read(self.connection, node)
        return None if story is None else story.node()


_OF_RUN = (
    "decided", "capture", "fact", "step_value", "writer", "block", "series", "document",
)  # fmt: skip


def purge(connection: Any, names: Interner, run: str, now: int) -> None:
    """Delete every row of a run; what it said of nodes and experiments stays."""
    row = run_row(connection, run)
    if row is None:
        return
    story, decided = read_story(connection, row, run), read_decided(connection, row)
    cells = cells_of(story, decided, ("params", "metrics", "tags"))
    put_cells(connection, names, row, cells, {})
    for table in _OF_RUN:
        connection.execute(f"DELETE FROM {table} WHERE run = ?", (row,))
    connection.execute("DELETE FROM run WHERE row = ?", (row,))
    connection.execute(
        "INSERT INTO gone (id, row, changed) VALUES (?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET row = excluded.row, changed = excluded.changed",
        (run, row, now),
    )
