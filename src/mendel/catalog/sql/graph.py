"""The lineage graph, read: nodes, events, what is reached from where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.catalog import lineage, nodes
from mendel.catalog.paging import page
from mendel.catalog.sql import experiment_rows, ingest_graph, run_rows, runs
from mendel.catalog.sql.cell import text, text_cell
from mendel.graph.errors import NotFoundError
from mendel.graph.lineage import Direction, Event, EventKind, Node, NodeKind, Subgraph
from mendel.graph.values import Value, loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mendel.catalog.contract import NodeQuery
    from mendel.catalog.sql.dialect import Sqlite

_CHOSEN = "IN (SELECT value FROM json_each(?))"


def get(connection: Any, dialect: Sqlite, ids: Sequence[str]) -> dict[str, Node]:
    """Return nodes of any kind, runs among them, in the order asked for."""
    found = _stored(connection, dialect, ids)
    records = runs.read(connection, dialect, ids)
    found |= {run: lineage.run_node(record) for run, record in records.items()}
    return {an_id: found[an_id] for an_id in ids if an_id in found}


def _stored(connection: Any, dialect: Sqlite, ids: Iterable[str]) -> dict[str, Node]:
    rows = connection.execute(
        f"SELECT {ingest_graph.COLUMNS} FROM node WHERE kind IS NOT NULL AND id {_CHOSEN}",
        (dialect.list(ids),),
    )
    stories = (ingest_graph.load(row, to_add=False) for row in rows)
    return {node.id: node for node in (story.node() for story in stories) if node is not None}


def find(connection: Any, dialect: Sqlite, query: NodeQuery) -> tuple[list[Node], str | None]:
    """Return a page of the nodes that match, and the cursor of the next one."""
    search = nodes.Search(query)
    about = [query.filter, query.order_by]
    if search.takes_all:
        ids = connection.execute(
            "SELECT id FROM node WHERE kind = ? ORDER BY created DESC, id DESC", (query.kind.value,)
        ).fetchall()
        shown, cursor = page(ids, query.limit, query.cursor, lambda row: str(row[0]), about)
        wanted = [row[0] for row in shown]
        told = _stored(connection, dialect, wanted)
        return [told[an_id] for an_id in wanted], cursor
    found = _matching(connection, query, search)
    return page(found, query.limit, query.cursor, lambda node: node.id, about)


def _matching(connection: Any, query: NodeQuery, search: nodes.Search) -> list[Node]:
    """Return all nodes that match, in order; the filter is judged node by node."""
    statement = f"SELECT {ingest_graph.COLUMNS} FROM node WHERE kind = ?"
    bound: list[Any] = [query.kind.value]
    for column, wanted in search.equal.items():  # what the database can leave out at once
        statement += f" AND {column} = ?"
        bound.append(text_cell(wanted))
    stories = (ingest_graph.load(row, to_add=False) for row in connection.execute(statement, bound))
    found = [node for node in (story.node() for story in stories) if node is not None]
    pairs = _pairs(connection) if search.needs_pairs else nodes.NO_PAIRS
    return search.find(found, pairs)


def _pairs(connection: Any) -> nodes.Pairs:
    out: dict[str, set[tuple[str, str]]] = {"node": set(), "child": set()}
    for what, context, member in connection.execute(
        "SELECT m.what, c.id, n.id FROM member m JOIN node c ON c.row = m.context"
        " JOIN node n ON n.row = m.node"
    ):
        out[what].add((text(context), text(member)))
    out["node"] |= set(connection.execute("SELECT run, id FROM node WHERE run IS NOT NULL"))
    out["node"] |= set(
        connection.execute(
            "SELECT x.id, a.id FROM event e JOIN node x ON x.row = e.execution"
            " JOIN node a ON a.row = e.artifact"
        )
    )
    return nodes.Pairs(out["node"], out["child"])


# -- events ---------------------------------------------------------------------------------------

_EVENTS = (
    "SELECT x.id, a.id, e.kind, e.time, e.labels FROM event e"
    " JOIN node x ON x.row = e.execution JOIN node a ON a.row = e.artifact"
)


def events(connection: Any, dialect: Sqlite, ids: Iterable[str]) -> list[Event]:
    """Return the events that touch any of the nodes, in order."""
    chosen = dialect.list(ids)
    rows: set[Any] = set()
    for side in ("execution", "artifact"):
        rows |= set(
            connection.execute(
                f"{_EVENTS} WHERE e.{side} IN (SELECT row FROM node WHERE id {_CHOSEN})", (chosen,)
            )
        )
    return sorted(map(_event, rows), key=lineage.event_order)


def _event(row: Any) -> Event:
    labels: Any = {} if row[4] is None else loads(row[4])
    return Event(text(row[0]), text(row[1]), EventKind(row[2]), row[3], labels)


# -- what is reached ------------------------------------------------------------------------------


def walk(  # noqa: PLR0917 - it is all that a walk needs
    connection: Any,
    dialect: Sqlite,
    start: str,
    direction: Direction,
    hops: int | None,
    limit: int | None,
) -> Subgraph:
    """Return what is reached from a node.

    Raises:
        NotFoundError: no such artifact or execution.
        InvalidError: hops or limit is negative.
    """
    first = get(connection, dialect, [start]).get(start)
    if first is None or first.kind is NodeKind.CONTEXT:
        raise NotFoundError(f"no artifact or execution {start!r}.")

    def edges(ids: Sequence[str], *, executions: bool) -> list[lineage.Edge]:
        side = "execution" if executions else "artifact"
        rows = connection.execute(
            "SELECT x.id, a.id, e.kind FROM event e"
            " JOIN node x ON x.row = e.execution JOIN node a ON a.row = e.artifact"
            f" WHERE e.{side} IN (SELECT row FROM node WHERE id {_CHOSEN})",
            (dialect.list(ids),),
        )
        return [(text(x), text(a), kind) for x, a, kind in rows]

    def known(ids: Sequence[str]) -> list[str]:
        chosen = dialect.list(ids)
        rows = connection.execute(
            f"SELECT id FROM node WHERE kind IS NOT NULL AND id {_CHOSEN}"
            f" UNION SELECT id FROM run WHERE row > 0 AND id {_CHOSEN}",
            (chosen, chosen),
        )
        return [text(row[0]) for row in rows]

    found = lineage.walk(
        start,
        direction,
        is_execution=first.kind is NodeKind.EXECUTION,
        hops=hops,
        limit=limit,
        edges=edges,
        known=known,
    )
    told = get(connection, dialect, list(found))
    artifacts = {i: n for i, n in told.items() if n.kind is NodeKind.ARTIFACT}
    executions = {i: n for i, n in told.items() if n.kind is NodeKind.EXECUTION}
    touching = connection.execute(
        f"{_EVENTS} WHERE e.execution IN (SELECT row FROM node WHERE id {_CHOSEN})",
        (dialect.list(executions),),
    )
    between = [event for event in map(_event, touching) if event.artifact in artifacts]
    return Subgraph(
        tuple(artifacts.values()),
        tuple(executions.values()),
        tuple(sorted(between, key=lineage.event_order)),
    )


def members(
    connection: Any, dialect: Sqlite, context: str
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return a context's nodes, children and parents; also a run's, or an experiment's.

    Raises:
        NotFoundError: there is none.
    """
    who, rows = experiment_rows.read(connection)
    run = run_rows.run_row(connection, context)
    own = _stored(connection, dialect, [context]).get(context)
    inside, children, parents = _members(connection, context)
    if run is not None:
        more = _members_of_run(connection, dialect, context, run)
        inside, children, parents = inside | more[0], children | more[1], parents | more[2]
    elif context in who.by_id:
        births = [rows[birth.id] for birth in who.by_id[context].births]
        children |= _ids(
            connection, f"SELECT id FROM run WHERE experiment {_CHOSEN}", dialect.list(births)
        )
    elif own is None or own.kind is not NodeKind.CONTEXT:
        raise NotFoundError(f"no context, run or experiment {context!r}.")
    return tuple(sorted(inside)), tuple(sorted(children)), tuple(sorted(parents))


def _ids(connection: Any, statement: str, *bound: Any) -> set[str]:
    return {text(row[0]) for row in connection.execute(statement, bound)}


def _members(connection: Any, context: str) -> tuple[set[str], set[str], set[str]]:
    """Return what was said with member facts."""
    down = (
        "SELECT n.id FROM member m JOIN node c ON c.row = m.context JOIN node n ON n.row = m.node"
        " WHERE c.id = ? AND m.what = ?"
    )
    up = (
        "SELECT c.id FROM member m JOIN node c ON c.row = m.context JOIN node n ON n.row = m.node"
        " WHERE n.id = ? AND m.what = 'child'"
    )
    an_id = text_cell(context)
    return (
        _ids(connection, down, an_id, "node"),
        _ids(connection, down, an_id, "child"),
        _ids(connection, up, an_id),
    )


def _members_of_run(
    connection: Any, dialect: Sqlite, run: str, row: int
) -> tuple[set[str], set[str], set[str]]:
    inside = _ids(connection, "SELECT id FROM node WHERE run = ? AND kind IS NOT NULL", run)
    inside |= _ids(
        connection,
        "SELECT a.id FROM event e JOIN node x ON x.row = e.execution"
        " JOIN node a ON a.row = e.artifact WHERE x.id = ?",
        run,
    )
    children = _ids(connection, "SELECT id FROM run WHERE parent = ?", run)
    record = runs.read(connection, dialect, [run])[run]
    assert row > 0  # noqa: S101 - the ledger is no run
    return inside, children, {p for p in (record.experiment_id, record.parent) if p}


# -- what searches of runs ask --------------------------------------------------------------------


def artifacts_of_runs(connection: Any, field: str, chosen: str | None) -> list[tuple[int, Value]]:
    """Return for runs (row by row) the texts of the artifacts that they read or made."""
    condition = "" if chosen is None else f" AND r.row {_CHOSEN}"
    bound = () if chosen is None else (chosen,)
    rows = []
    # an execution belongs to the run that it is, else to the run that made it
    for join in ("r.id = x.id", "r.id = x.run AND NOT EXISTS (SELECT 1 FROM run WHERE id = x.id)"):
        rows += connection.execute(
            "SELECT r.row, e.kind, e.artifact FROM event e JOIN node x ON x.row = e.execution"
            f" JOIN run r ON {join} WHERE r.row > 0{condition}",
            bound,
        ).fetchall()
    artifacts = _artifacts(connection, {row[2] for row in rows})
    by_run: dict[int, list[Node]] = {}
    for run, kind, artifact in rows:
        node = artifacts.get(artifact)
        if node is not None and _is_asked(field, kind, node):
            by_run.setdefault(run, []).append(node)
    return [(run, [*lineage.artifact_texts(found)]) for run, found in by_run.items()]


def _is_asked(field: str, kind: str, artifact: Node) -> bool:
    if field == "artifact.datasets":
        return lineage.is_dataset(artifact)
    if field == "artifact.models":
        return lineage.is_model(artifact)
    return kind == (EventKind.INPUT if field == "artifact.inputs" else EventKind.OUTPUT)


def _artifacts(connection: Any, rows: set[int]) -> Mapping[int, Node]:
    out: dict[int, Node] = {}
    for row in sorted(rows):
        got = connection.execute(
            f"SELECT {ingest_graph.COLUMNS} FROM node WHERE row = ? AND kind = 'artifact'", (row,)
        ).fetchone()
        node = None if got is None else ingest_graph.load(got, to_add=False).node()
        if node is not None:
            out[row] = node
    return out
