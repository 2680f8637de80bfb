"""Takes in what journals say: one transaction a call, whatever came before in whatever order."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from mendel.catalog.decisions import RunDecisions, of_run
from mendel.catalog.experiments import birth_of
from mendel.catalog.facts import GRAPH, KEPT, Stamp, problem
from mendel.catalog.sql import decision_rows, ingest_blocks
from mendel.catalog.sql.cell import cell, text_cell
from mendel.catalog.sql.experiment_rows import ExperimentWriter
from mendel.catalog.sql.ingest_graph import GraphWriter
from mendel.catalog.sql.run_rows import cells_of, put_cells, put_decided, put_run, run_columns
from mendel.catalog.sql.story import DRAWERS, Story, load_decided
from mendel.graph.digest import START, Position, WriterInfo
from mendel.graph.values import Value, dumps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mendel.catalog.contract import Blocks
    from mendel.catalog.sql.names import Interner
    from mendel.graph.digest import Block, Digest, Fact


@dataclass(slots=True)
class News:
    """What the digests of one run say that was not taken in before."""

    facts: list[tuple[Stamp, Fact]] = field(default_factory=list)
    blocks: list[tuple[Block, bool]] = field(default_factory=list)  # with whether it may be known
    damage: set[str] = field(default_factory=set)
    writers: dict[str, WriterRow] = field(default_factory=dict)


@dataclass(slots=True)
class WriterRow:
    """A row of `writer`."""

    row: int | None
    info: WriterInfo
    position: Position
    closed: bool
    last_time: float | None
    changed: bool = False


class Ingest:
    """One transaction of taking in."""

    def __init__(self, connection: Any, blocks: Blocks, names: Interner, now: int) -> None:
        self.connection = connection
        self.blocks = blocks
        self.names = names
        self.now = now
        self.graph = GraphWriter(connection, now)
        self.experiments = ExperimentWriter(connection, now)

    def take(self, digests: Sequence[Digest]) -> None:
        """Take in digests."""
        by_run: dict[str | None, list[Digest]] = {}
        for digest in digests:
            by_run.setdefault(digest.run, []).append(digest)
        for run, of_one in by_run.items():
            self._take_run(run or "", of_one)
        self.graph.finish()
        self.experiments.finish()

    def _take_run(self, run: str, digests: Sequence[Digest]) -> None:
        got = self.connection.execute("SELECT row FROM run WHERE id = ?", (run,)).fetchone()
        row = None if got is None else int(got[0])
        writers = {} if row is None else read_writers(self.connection, row)
        news = _news(writers, digests)
        if not any(w.changed for w in news.writers.values()):
            return
        for stamp, fact in news.facts:
            if fact.kind in GRAPH:
                self.graph.take(stamp, fact, run or None)
            birth = birth_of(stamp, fact)
            if birth is not None:
                self.experiments.put(birth)
        RunIngest(self, run, row, news).write()


def _news(writers: dict[str, WriterRow], digests: Iterable[Digest]) -> News:
    news = News(writers=writers)
    for digest in digests:
        name = digest.writer.id
        writer = writers.get(name)
        if digest.start != (START if writer is None else writer.position):
            continue
        known = writer is not None
        if writer is None:
            writer = writers[name] = WriterRow(None, digest.writer, START, False, None)
        writer.position, writer.changed = digest.end, True
        writer.closed |= digest.closed
        if digest.last_time is not None:
            writer.last_time = digest.last_time
        news.damage |= set(digest.damage)
        news.blocks += [(block, known) for block in digest.blocks]
        for fact in digest.facts:
            wrong = problem(name, fact)
            if wrong is not None:
                news.damage.add(wrong)
            else:
                news.facts.append((Stamp(fact.time, name, fact.ordinal), fact))
    return news


def read_writers(connection: Any, run: int) -> dict[str, WriterRow]:
    """Return the writers of a run."""
    rows = connection.execute(
        "SELECT id, row, info, segment, place, ordinal, closed, last_time FROM writer"
        " WHERE run = ?",
        (run,),
    )
    return {
        r[0]: WriterRow(r[1], load_info(r[2]), Position(*r[3:6]), bool(r[6]), r[7]) for r in rows
    }


_INFO = {one.name for one in fields(WriterInfo)}


def dump_info(info: WriterInfo) -> str:
    """Return a writer's info as text."""
    return json.dumps(asdict(info), separators=(",", ":"))


def load_info(text: str) -> WriterInfo:
    """Return what `dump_info` wrote, also where it was another version's."""
    told = json.loads(text)
    return WriterInfo(**{k: v for k, v in told.items() if k in _INFO})


class RunIngest:
    """The news of one run, on their way into the tables."""

    def __init__(self, ingest: Ingest, run: str, row: int | None, news: News) -> None:
        self.ingest = ingest
        self.connection = ingest.connection
        self.run = run
        self.row = row
        self.news = news
        self.known = row is not None
        self.story = Story(run)
        self.decided = RunDecisions()
        if self.known:
            self._load()
        elif run:
            taken = decision_rows.about(self.connection, run)
            self.decided = of_run(taken)

    def _load(self) -> None:
        told, marks = self.connection.execute(
            "SELECT told, marks FROM document WHERE run = ?", (self.row,)
        ).fetchone()
        self.story = Story.load(self.run, told, marks)
        got = self.connection.execute(
            "SELECT body FROM decided WHERE run = ?", (self.row,)
        ).fetchone()
        if got is not None:
            self.decided = load_decided(got[0])

    def write(self) -> None:
        """Write all that is new."""
        kinds = {fact.kind for _, fact in self.news.facts}
        before = self._cells(kinds & {*DRAWERS}) if self.known else {}
        rewinds = len(self.story.rewinds)
        touched = {self.story.take(stamp, fact) for stamp, fact in self.news.facts}
        self.story.damage |= self.news.damage
        if self.run:
            self._write_run()
        writer_rows = self._write_writers()
        if self.run:
            self._write_cells(before, touched)
        self._write_facts()
        damage = ingest_blocks.write(
            ingest_blocks.Place(
                self.connection, self.ingest.names, self.ingest.blocks, self._row, self.run
            ),
            writer_rows,
            self.news.blocks,
            [rewind for _, rewind in self.story.rewinds],
            is_known=self.known,
            is_rewound=len(self.story.rewinds) > rewinds,
        )
        self.story.damage |= damage
        self._write_document()

    @property
    def _row(self) -> int:
        assert self.row is not None  # noqa: S101 - written before it is asked for
        return self.row

    def _write_run(self) -> None:
        seen = [w.last_time for w in self.news.writers.values() if w.last_time is not None]
        columns = run_columns(
            self.story, self.decided, max(seen, default=None), self._experiment(), self.ingest.now
        )
        self.row = put_run(self.connection, self.run, self.row, columns)
        if not self.known and self.decided.updated is not None:
            put_decided(self.connection, self._row, self.decided)

    def _experiment(self) -> int | None:
        an_id = self.story.text("experiment")
        return None if an_id is None else self.ingest.experiments.row(an_id)

    def _write_writers(self) -> dict[str, int]:
        out: dict[str, int] = {}
        for name, writer in self.news.writers.items():
            values = (*writer.position, writer.closed, writer.last_time)
            if writer.row is None:
                got = self.connection.execute(
                    "INSERT INTO writer (segment, place, ordinal, closed, last_time, run, id, info)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING row",
                    (*values, self.row, name, dump_info(writer.info)),
                ).fetchone()
                writer.row = int(got[0])
            elif writer.changed:
                self.connection.execute(
                    "UPDATE writer SET segment = ?, place = ?, ordinal = ?, closed = ?,"
                    " last_time = ? WHERE row = ?",
                    (*values, writer.row),
                )
            out[name] = writer.row
        return out

    # -- cells --

    def _cells(self, drawers: Iterable[str]) -> dict[str, Value]:
        return cells_of(self.story, self.decided, drawers)

    def _write_cells(self, before: Mapping[str, Value], touched: set[str | None]) -> None:
        drawers = [d for d in DRAWERS if not self.known or d in touched]
        after = self._cells(drawers)
        put_cells(self.connection, self.ingest.names, self._row, before, after)

    def _write_document(self) -> None:
        told, marks = self.story.dump()
        self.connection.execute(
            "INSERT INTO document (run, told, marks) VALUES (?, ?, ?)"
            " ON CONFLICT (run) DO UPDATE SET told = excluded.told, marks = excluded.marks",
            (self.row, told, marks),
        )

    # -- facts that are rows --

    def _write_facts(self) -> None:
        kept, values, captured = [], [], []
        for stamp, fact in self.news.facts:
            body: dict[str, Any] = fact.body
            if fact.kind in KEPT:
                kept.append((self.row, fact.kind, *stamp, dumps(body)))
            elif fact.kind == "values":
                values += [
                    (self.row, body["step"], *stamp, text_cell(k), cell(v))
                    for k, v in body["set"].items()
                ]
            elif fact.kind == "capture":
                captured += [
                    (self.row, text_cell(what), dumps(v), *stamp) for what, v in body["set"].items()
                ]
        if kept:
            self.connection.executemany(
                "INSERT INTO fact (run, kind, time, writer, ordinal, body)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                kept,
            )
        if values:
            self.connection.executemany(
                "INSERT INTO step_value (run, step, time, writer, ordinal, key, value)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        if captured:
            self.connection.executemany(
                "INSERT INTO capture (run, what, body, time, writer, ordinal)"
                " VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (run, what) DO UPDATE SET body = excluded.body,"
                " time = excluded.time, writer = excluded.writer, ordinal = excluded.ordinal"
                " WHERE (excluded.time, excluded.writer, excluded.ordinal)"
                " >= (capture.time, capture.writer, capture.ordinal)",
                captured,
            )
