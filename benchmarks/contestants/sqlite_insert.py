"""A yardstick: a row a point in SQLite, committed in the call (WAL, synchronous NORMAL)."""

import sqlite3
import time
from pathlib import Path

CALLS = 10_000
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


def ingest(folder, keys, calls):
    base = begin(folder)
    names = [f"metric_{k}" for k in range(keys)]
    rows = [(name, i, 0.0, 1 / (i + 1)) for i in range(calls) for name in names]
    begun = time.process_time()
    base.execute("BEGIN")
    base.executemany("INSERT INTO points VALUES (?, ?, ?, ?)", rows)
    base.execute("COMMIT")
    return {"points": len(rows), "seconds": time.process_time() - begun}


# -- many runs: a row a value (entity, attribute, value), with indexes --


def build_runs(folder, runs):
    base = sqlite3.connect(Path(folder) / "runs.sqlite")
    base.execute("CREATE TABLE kv (run INT, key TEXT, number REAL, text TEXT)")
    for index, (params, metrics) in enumerate(runs):
        rows = [(index, f"params.{k}", None, str(v)) for k, v in params.items()]
        rows += [(index, f"metrics.{k}", v, None) for k, v in metrics.items()]
        base.executemany("INSERT INTO kv VALUES (?, ?, ?, ?)", rows)
    base.execute("CREATE INDEX by_number ON kv (key, number, run)")
    base.execute("CREATE INDEX by_text ON kv (key, text, run)")
    base.execute("CREATE INDEX by_run ON kv (run, key)")
    base.execute("ANALYZE")
    base.commit()
    base.close()


PAGE = """
SELECT a.run FROM kv a JOIN kv m ON m.run = a.run JOIN kv o ON o.run = a.run
WHERE a.key = 'metrics.auc' AND a.number > 0.5 AND m.key = 'params.model' AND m.text = 'gbdt'
AND o.key = 'metrics.loss' ORDER BY o.number LIMIT 50
"""
COUNT = "SELECT count(*) FROM kv WHERE key = 'metrics.auc' AND number > 0.9"
GROUP = """
SELECT m.text, count(*), avg(a.number) FROM kv m JOIN kv a ON a.run = m.run
WHERE m.key = 'params.model' AND a.key = 'metrics.auc' GROUP BY m.text
"""


def questions(folder):
    base = sqlite3.connect(Path(folder) / "runs.sqlite")

    def page():
        ids = base.execute(PAGE).fetchall()
        for (run,) in ids:
            base.execute("SELECT key, number, text FROM kv WHERE run = ?", [run]).fetchall()

    def count():
        base.execute(COUNT).fetchone()

    def group():
        base.execute(GROUP).fetchall()

    return {"page": page, "count": count, "group": group}


def frame(folder, count):
    rows = {}
    base = sqlite3.connect(Path(folder) / "runs.sqlite")
    for run, key, number, text in base.execute("SELECT run, key, number, text FROM kv"):
        rows.setdefault(run, {})[key] = text if number is None else number
    return len(rows), 40
