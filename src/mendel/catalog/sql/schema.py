"""The tables of the catalog, and how a store of an older version becomes one of this.

Migrations go forward only and run by themselves when a store is opened. ``PRAGMA user_version``
holds the version; a store of a newer one is refused.

A run is a row of `run` (what is asked of many runs at once), a row of `document` (all the rest, as
JSON), and a `cell` for each leaf of its params, metrics and tags, stored key by key: a column of
the runs table is one range of the table. The points of a run are not here: `block` tells where they
stand in the journals and what is known of them, `series` what that comes to for each key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.graph.errors import NewerStoreError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

VERSION = 1
APPLICATION = 0x4D454E44  # "MEND"
LEDGER_ROW = 0  # the row of `run` that the ledger's writers belong to

TABLES = """
CREATE TABLE clock (now INTEGER NOT NULL);
INSERT INTO clock VALUES (0);

CREATE TABLE run (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    changed INTEGER NOT NULL,       -- what the clock said when anything about it changed last
    name, experiment INTEGER,       -- experiment: the row of the one that it named
    state TEXT NOT NULL,
    created REAL NOT NULL, started REAL, ended REAL, seen REAL, updated REAL,
    parent, cohort, job_type, user, host,
    lost_points INTEGER NOT NULL DEFAULT 0,
    pinned INTEGER NOT NULL DEFAULT 0, archived INTEGER NOT NULL DEFAULT 0,
    deleted REAL                    -- when it was itself put in the trash
);
CREATE INDEX run_changed ON run (changed);
CREATE INDEX run_experiment ON run (experiment, deleted, updated);
CREATE INDEX run_parent ON run (parent) WHERE parent IS NOT NULL;
CREATE INDEX run_open ON run (state) WHERE state IN ('RUNNING', 'LOST');
INSERT INTO run (row, id, changed, state, created) VALUES (0, '', 0, 'NEW', 0);

CREATE TABLE gone (id TEXT PRIMARY KEY, row INTEGER NOT NULL, changed INTEGER NOT NULL)
    WITHOUT ROWID;

CREATE TABLE document (
    run INTEGER PRIMARY KEY,
    told TEXT NOT NULL,             -- what its facts come to (mendel.catalog.sql.telling)
    marks TEXT NOT NULL             -- who said each part of it, and when
);
INSERT INTO document VALUES (0, '{"said":{},"created":null,"started":null}', '[[],{}]');
CREATE TABLE decided (              -- what people decided about a run, where it is not in `run`
    run INTEGER PRIMARY KEY, body TEXT NOT NULL
);

CREATE TABLE key (row INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE cell (key INTEGER NOT NULL, run INTEGER NOT NULL, value, PRIMARY KEY (key, run))
    WITHOUT ROWID;

CREATE TABLE capture (
    run INTEGER NOT NULL, what TEXT NOT NULL, body TEXT NOT NULL,
    time REAL NOT NULL, writer TEXT NOT NULL, ordinal INTEGER NOT NULL,
    PRIMARY KEY (run, what)
);
CREATE INDEX capture_what ON capture (what, run);
CREATE TABLE fact (                 -- kept whole: classification, media, file, alert
    run INTEGER NOT NULL, kind TEXT NOT NULL,
    time REAL NOT NULL, writer TEXT NOT NULL, ordinal INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (run, kind, time, writer, ordinal)
) WITHOUT ROWID;
CREATE TABLE step_value (           -- values of series that are no numbers
    run INTEGER NOT NULL, step INTEGER NOT NULL,
    time REAL NOT NULL, writer TEXT NOT NULL, ordinal INTEGER NOT NULL, key TEXT NOT NULL, value,
    PRIMARY KEY (run, step, time, writer, ordinal, key)
) WITHOUT ROWID;

CREATE TABLE writer (
    row INTEGER PRIMARY KEY,
    run INTEGER NOT NULL, id TEXT NOT NULL,
    segment INTEGER NOT NULL, place INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    closed INTEGER NOT NULL, last_time REAL,
    info TEXT NOT NULL,
    UNIQUE (run, id)
);
CREATE TABLE layout (               -- the keys of a shape and the letters of their types
    row INTEGER PRIMARY KEY, keys TEXT NOT NULL, types TEXT NOT NULL, UNIQUE (keys, types)
);
CREATE TABLE block (
    run INTEGER NOT NULL, writer INTEGER NOT NULL,
    segment INTEGER NOT NULL, shape INTEGER NOT NULL, number INTEGER NOT NULL,
    layout INTEGER NOT NULL,
    head BLOB NOT NULL,             -- counts, steps, times, place (mendel.catalog.sql.packing)
    stats BLOB NOT NULL,            -- of each key, over all points
    hidden INTEGER NOT NULL DEFAULT 0,  -- by rewinds: 0 nothing, 1 all, 2 some
    visible BLOB,                   -- head and stats of what is left, where some is hidden
    PRIMARY KEY (run, writer, segment, shape, number)
) WITHOUT ROWID;
CREATE TABLE series (
    key INTEGER NOT NULL, run INTEGER NOT NULL,
    count INTEGER NOT NULL, nan_count INTEGER NOT NULL,
    first, first_step INTEGER, first_time REAL, first_writer TEXT, first_ordinal INTEGER,
    last, last_step INTEGER, last_time REAL, last_writer TEXT, last_ordinal INTEGER,
    min, min_step INTEGER, max, max_step INTEGER,
    total BLOB NOT NULL,            -- exact: float64 parts whose sum it is
    types INTEGER NOT NULL,
    PRIMARY KEY (key, run)
) WITHOUT ROWID;
CREATE INDEX series_run ON series (run);

CREATE TABLE experiment (           -- one row for each id that an experiment was born under
    row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name NOT NULL, created REAL NOT NULL,
    named_time REAL NOT NULL, named_writer TEXT NOT NULL, named_ordinal INTEGER NOT NULL,
    description,
    described_time REAL, described_writer TEXT, described_ordinal INTEGER
);

CREATE TABLE node (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT,                      -- NULL: only heard of (in an event, or a decision)
    schema_title, display_name, uri, created REAL, updated REAL,
    run TEXT,                       -- the id of the run that made it
    buried REAL, burier TEXT,       -- when it was deleted, and by which decision
    told TEXT, marks TEXT
);
CREATE INDEX node_kind ON node (kind, created);
CREATE INDEX node_uri ON node (uri) WHERE uri IS NOT NULL;
CREATE INDEX node_name ON node (display_name) WHERE display_name IS NOT NULL;
CREATE INDEX node_run ON node (run) WHERE run IS NOT NULL;
CREATE TABLE event (
    execution INTEGER NOT NULL, artifact INTEGER NOT NULL, kind TEXT NOT NULL,
    time REAL NOT NULL, writer TEXT NOT NULL, ordinal INTEGER NOT NULL, labels TEXT,
    PRIMARY KEY (execution, artifact, kind)
) WITHOUT ROWID;
CREATE INDEX event_artifact ON event (artifact, execution, kind);
CREATE TABLE member (               -- what: 'node' or 'child'
    context INTEGER NOT NULL, what TEXT NOT NULL, node INTEGER NOT NULL,
    time REAL NOT NULL, writer TEXT NOT NULL, ordinal INTEGER NOT NULL,
    PRIMARY KEY (context, what, node)
) WITHOUT ROWID;
CREATE INDEX member_node ON member (node, what, context);

CREATE TABLE decision (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, what TEXT NOT NULL, target TEXT NOT NULL,
    body TEXT NOT NULL, time REAL NOT NULL, actor
);
CREATE INDEX decision_target ON decision (target);
"""

# From a version to the next; a migration is never changed once it was released.
MIGRATIONS: dict[int, Callable[[Any], None]] = {}


def version(connection: Any) -> int:
    """Return the version of a store; 0 where there is none yet."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check(connection: Any, place: object) -> bool:
    """Tell whether a store must be made or migrated.

    Raises:
        NewerStoreError: it was written by a newer Mendel.
        StoreError: it is some other program's database.
    """
    found = version(connection)
    if found > VERSION:
        raise NewerStoreError(
            f"{place} was written by a newer Mendel (catalog version {found}; this one reads up to "
            f"{VERSION}). Install a newer Mendel: pip install -U mendel."
        )
    if found == 0:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables:
            raise StoreError(
                f"{place} is a database of another program; give a place of its own to the store."
            )
    return found < VERSION


def bring_up(connection: Any, place: object) -> None:
    """Make the tables, or migrate them, within a transaction that is open."""
    if not check(connection, place):
        return  # another process was faster
    found = version(connection)
    if found == 0:
        for statement in TABLES.split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
    else:
        for step in range(found, VERSION):
            MIGRATIONS[step](connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")
