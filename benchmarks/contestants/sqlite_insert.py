"""A yardstick: a row a point in SQLite, committed in the call (WAL, synchronous NORMAL)."""

import sqlite3
import time
from pathlib import Path

CALLS = 20_000
DURABLE = True
PACKAGE = None


def begin(folder):
    path = Path(folder) / "points.sqlite"
    base = sqlite3.connect(path, isolation_level=None, timeout=30)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=NORMAL")
    base.execute("CREATE TABLE IF NOT EXISTS points (key TEXT, step INT, time REAL, value REAL)")
    return base


def log(base):
    def call(values, step):
        now = time.time()
        rows = [(key, step, now, value) for key, value in values.items()]
        if len(rows) == 1:
            base.execute("INSERT INTO points VALUES (?, ?, ?, ?)", rows[0])
            return
        base.execute("BEGIN")
        base.executemany("INSERT INTO points VALUES (?, ?, ?, ?)", rows)
        base.execute("COMMIT")

    return call


def finish(base):
    base.close()


def count(folder):
    return (
        sqlite3.connect(Path(folder) / "points.sqlite")
        .execute("SELECT count(*) FROM points")
        .fetchone()[0]
    )


def read(folder, key):
    base = sqlite3.connect(Path(folder) / "points.sqlite")
    return len(base.execute("SELECT step, time, value FROM points WHERE key = ?", [key]).fetchall())
