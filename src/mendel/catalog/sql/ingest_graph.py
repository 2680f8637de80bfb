"""Nodes, events and memberships into rows, part by part, whatever order their facts come in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mendel.catalog import decisions, lineage
from mendel.catalog.facts import NODE_TEXTS, NODES, Stamp
from mendel.catalog.sql.cell import maybe, optional, text_cell
from mendel.catalog.sql.telling import Telling
from mendel.graph.lineage import Node, NodeKind
from mendel.graph.values import Value, dumps

if TYPE_CHECKING:
    from mendel.catalog.contract import Decision
    from mendel.graph.digest import Fact

_SHOWN = ("display_name", "uri", "schema_title")  # what searches of runs look at


@dataclass(slots=True)
class NodeStory:
    """What was said of one node. ``said`` drawers: kind, texts, metadata."""

    id: str
    row: int | None = None
    said: Telling = field(default_factory=Telling)
    born: tuple[bool, Stamp, str | None] | None = None  # (no create, when, in which run)
    updated: float | None = None
    buried: Stamp | None = None
    etag: str = ""  # as it was when it was written; only of a story that is not added to

    def take(self, stamp: Stamp, kind: str, body: dict[str, Any], run: str | None) -> None:
        """Take in a fact about it."""
        self.said.put("kind", {"": kind}, stamp)
        self.put(stamp, body)
        born = (not body.get("create"), stamp, run)
        self.born = born if self.born is None else min(self.born, born, key=lambda b: b[:2])

    def put(self, stamp: Stamp, body: dict[str, Any]) -> None:
        """Take in texts and metadata."""
        texts = {k: body[k] for k in NODE_TEXTS if body.get(k) is not None}
        self.said.put("texts", texts, stamp)
        self.said.put("metadata", body.get("metadata") or {}, stamp)
        self.updated = stamp.time if self.updated is None else max(stamp.time, self.updated)

    def bury(self, stamp: Stamp) -> None:
        """Forget what was said before a moment."""
        self.buried = stamp if self.buried is None else max(stamp, self.buried)
        self.said.forget_before(self.buried)
        stamps = [s for drawer in self.said.stamps.values() for s in drawer.values()]
        if self.born is not None and self.born[1] < self.buried:
            kind = self.said.stamp("kind", "")
            self.born = None if kind is None else (True, kind, None)
        self.updated = max((s.time for s in stamps), default=None)

    @property
    def kind(self) -> str | None:
        """What it is; None where it was only heard of."""
        kind = self.said.drawers.get("kind", {}).get("")
        return None if kind is None else str(kind)

    def text(self, name: str) -> str | None:
        """Return one of its texts."""
        value = self.said.drawers.get("texts", {}).get(name)
        return None if value is None else str(value)

    def shown(self) -> tuple[object, ...]:
        """Return what searches of runs see of it."""
        return self.kind, self.born and self.born[2], *map(self.text, _SHOWN)

    def node(self) -> Node | None:
        """Return the node, if it is one."""
        if self.kind is None or self.born is None or self.updated is None:
            return None
        node = Node(
            id=self.id,
            kind=NodeKind(self.kind),
            schema_title=self.text("schema_title") or "",
            schema_version=self.text("schema_version") or "",
            display_name=self.text("display_name") or "",
            created=self.born[1].time,
            updated=self.updated,
            state=self.text("state") or "",
            uri=self.text("uri"),
            description=self.text("description"),
            metadata=self.said.values("metadata"),
            run=self.born[2],
            etag=self.etag,
        )
        return node if self.etag else lineage.etag(node)


COLUMNS = "row, id, told, marks, buried, burier"


def load(row: Any, *, to_add: bool = True) -> NodeStory:
    """Return the story of a row of `COLUMNS`; only one ``to_add`` to knows who said what."""
    number, an_id, told_text, marks, buried, burier = row
    story = NodeStory(maybe(an_id) or "", number)
    story.buried = None if buried is None else Stamp(buried, burier, 0)
    if told_text is not None:
        told = json.loads(told_text)
        story.said = Telling.load(told["said"], marks) if to_add else Telling.shown(told["said"])
        if told["born"] is not None:
            no_create, stamp, run = told["born"]
            story.born = (no_create, Stamp(*stamp), run)
        story.updated = told["updated"]
        story.etag = "" if to_add else told["etag"]
    return story


def read(connection: Any, an_id: str) -> NodeStory | None:
    """Return the story of a node, also of one only heard of."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM node WHERE id = ?", (text_cell(an_id),)
    ).fetchone()
    return None if row is None else load(row)


def write(connection: Any, story: NodeStory) -> None:
    """Write the row of a node that has one."""
    said, marks = story.said.dump()
    node = story.node()
    told = {
        "said": said,
        "born": story.born,
        "updated": story.updated,
        "etag": "" if node is None else node.etag,
    }
    node_run = None if story.born is None else story.born[2]
    connection.execute(
        "UPDATE node SET kind = ?, schema_title = ?, display_name = ?, uri = ?, created = ?,"
        " updated = ?, run = ?,"
        " buried = ?, burier = ?, told = ?, marks = ? WHERE row = ?",
        (
            None if story.born is None else story.kind,
            *(optional(story.text(name)) for name in ("schema_title", "display_name", "uri")),
            None if story.born is None else story.born[1].time,
            story.updated,
            node_run,
            None if story.buried is None else story.buried.time,
            None if story.buried is None else story.buried.writer,
            json.dumps(told, ensure_ascii=False, separators=(",", ":")),
            marks,
            story.row,
        ),
    )


class GraphWriter:
    """The graph facts of one transaction, and the decisions about nodes."""

    def __init__(self, connection: Any, now: int) -> None:
        self.connection = connection
        self.now = now
        self._stories: dict[str, NodeStory] = {}
        self._before: dict[str, tuple[object, ...]] = {}
        self._executions: set[int] = set()  # rows of executions whose runs must look again

    def take(self, stamp: Stamp, fact: Fact, run: str | None) -> None:
        """Take in a fact of the graph."""
        body: dict[str, Any] = fact.body
        if fact.kind in NODES:
            self._take_node(stamp, fact.kind, body, run)
        elif fact.kind == "event":
            self._take_event(stamp, body)
        else:
            self._pairs(stamp, body["context"], "node", body.get("nodes") or ())
            self._pairs(stamp, body["context"], "child", body.get("children") or ())

    def _story(self, an_id: str) -> NodeStory:
        """Return the story of a node; it is heard of from now on."""
        story = self._stories.get(an_id)
        if story is None:
            story = read(self.connection, an_id)
            if story is None:
                got = self.connection.execute(
                    "INSERT INTO node (id) VALUES (?) RETURNING row", (text_cell(an_id),)
                ).fetchone()
                story = NodeStory(an_id, int(got[0]))
            self._stories[an_id] = story
        return story

    def _changing(self, an_id: str) -> NodeStory:
        story = self._story(an_id)
        self._before.setdefault(an_id, story.shown())
        return story

    def _take_node(self, stamp: Stamp, kind: str, body: dict[str, Any], run: str | None) -> None:
        if _is_buried(self._story(body["id"]), stamp):
            return
        self._changing(body["id"]).take(stamp, kind, body, run)
        for parent in body.get("parents") or () if kind == "context" else ():
            self._pairs(stamp, parent, "child", (body["id"],))

    def _take_event(self, stamp: Stamp, body: dict[str, Any]) -> None:
        execution, artifact = self._story(body["execution"]), self._story(body["artifact"])
        if _is_buried(execution, stamp) or _is_buried(artifact, stamp):
            return
        labels: dict[str, Value] = body.get("labels") or {}
        self.connection.execute(
            "INSERT INTO event (execution, artifact, kind, time, writer, ordinal, labels)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (execution, artifact, kind) DO UPDATE SET time = excluded.time,"
            " writer = excluded.writer, ordinal = excluded.ordinal, labels = excluded.labels"
            " WHERE (excluded.time, excluded.writer, excluded.ordinal)"
            " >= (event.time, event.writer, event.ordinal)",
            (
                execution.row, artifact.row, body["kind"], *stamp,
                dumps(labels) if labels else None,
            ),
        )  # fmt: skip
        self._executions.add(execution.row or 0)

    def _pairs(self, stamp: Stamp, context: str, what: str, members: Any) -> None:
        rows = []
        for member in members:
            holder, held = self._story(context), self._story(member)
            if not (_is_buried(holder, stamp) or _is_buried(held, stamp)):
                rows.append((holder.row, what, held.row, *stamp))
        self.connection.executemany(
            "INSERT INTO member (context, what, node, time, writer, ordinal)"
            " VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (context, what, node) DO UPDATE SET time = excluded.time,"
            " writer = excluded.writer, ordinal = excluded.ordinal"
            " WHERE (excluded.time, excluded.writer, excluded.ordinal)"
            " >= (member.time, member.writer, member.ordinal)",
            rows,
        )

    # -- decisions --

    def decide(self, decision: Decision) -> None:
        """Take a decision about a node."""
        stamp = decisions.stamp(decision)
        story = self._changing(decision.target)
        if decision.what == "update_node":
            if not _is_buried(story, stamp):
                body: dict[str, Any] = decision.body
                story.put(stamp, body)
            return
        self._note_neighbours(story)
        story.bury(stamp)
        for side in ("execution", "artifact"):
            self._delete("event", side, story, stamp)
        for side in ("context", "node"):
            self._delete("member", side, story, stamp)

    def _delete(self, table: str, side: str, story: NodeStory, stamp: Stamp) -> None:
        self.connection.execute(
            f"DELETE FROM {table} WHERE {side} = ? AND (time, writer, ordinal) < (?, ?, ?)",
            (story.row, *stamp),
        )

    def _note_neighbours(self, story: NodeStory) -> None:
        self._executions.add(story.row or 0)
        self._executions |= {
            row[0]
            for row in self.connection.execute(
                "SELECT execution FROM event WHERE artifact = ?", (story.row,)
            )
        }

    # -- the end --

    def flush(self) -> None:
        """Write the nodes that changed."""
        for an_id, before in self._before.items():
            story = self._stories[an_id]
            write(self.connection, story)
            if story.shown() != before:
                self._note_neighbours(story)
        self._before = {}

    def finish(self) -> None:
        """Write what changed, and note the runs whose inputs and outputs look otherwise now."""
        self.flush()
        for row in sorted(self._executions):
            self.connection.execute(
                "UPDATE run SET changed = ? WHERE id IN"
                " (SELECT id FROM node WHERE row = ?"
                "  UNION SELECT run FROM node WHERE row = ? AND run IS NOT NULL)",
                (self.now, row, row),
            )


def _is_buried(story: NodeStory, stamp: Stamp) -> bool:
    return story.buried is not None and stamp < story.buried
