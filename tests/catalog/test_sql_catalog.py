"""What only a database on a disk can get wrong: other processes, forks, damage, versions, space."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mendel.catalog.contract import Decision, RunQuery
from mendel.catalog.sql import dialect, place, schema
from mendel.catalog.sql.catalog import SqlCatalog
from mendel.catalog.sql.dialect import Sqlite
from mendel.graph.errors import NewerStoreError, ReadOnlyError, StoreError
from mendel.graph.run import RunState
from mendel.testing.catalog_case import OTHER, RUN, begin, decision, take, told
from mendel.testing.catalog_journals import PaperJournals

if TYPE_CHECKING:
    from collections.abc import Iterator

STORE_V1 = Path(__file__).parent / "data" / "catalog-v1.sqlite"


@pytest.fixture
def journals() -> PaperJournals:
    return PaperJournals()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


@pytest.fixture
def catalog(path: Path, journals: PaperJournals) -> Iterator[SqlCatalog]:
    catalog = SqlCatalog(path, journals)
    yield catalog
    catalog.close()


def _read_only(path: Path) -> None:
    for file in path.parent.iterdir():
        file.chmod(0o444)
    path.parent.chmod(0o555)


def test_a_catalog_that_cannot_be_written_is_read(
    path: Path, journals: PaperJournals, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = SqlCatalog(path, journals)
    pen = begin(journals, params={"a": 1})
    take(first, pen)
    first.close()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root's own eyes see no permissions
    catalog = SqlCatalog(path, journals)
    assert told(catalog).params == {"a": 1}
    assert catalog.find_runs(RunQuery("params.a = 1")).ids == (RUN,)
    with pytest.raises(ReadOnlyError, match="cannot be written"):
        take(catalog, pen.fact("params", {"set": {"a": 2}}, 5.0))
    with pytest.raises(ReadOnlyError, match="cannot be written"):
        catalog.decide([decision("rename_run", name="x")])
    with pytest.raises(ReadOnlyError, match="cannot be written"):
        catalog.observe({RUN: RunState.LOST})
    catalog.close()


def test_a_catalog_on_a_disk_without_locks_is_read_as_it_lies(
    path: Path, journals: PaperJournals
) -> None:
    """Even where SQLite can make no file beside it, as on a mounted CD."""
    first = SqlCatalog(path, journals)
    take(first, begin(journals))
    first.close()
    code = (
        "import os, sys, pathlib\n"
        "from mendel.catalog.sql.catalog import SqlCatalog\n"
        "os.setuid(65534) if os.geteuid() == 0 else None\n"
        "path, run = pathlib.Path(sys.argv[1]), sys.argv[2]\n"
        "print(SqlCatalog(path, None).get_runs([run])[run].name)"
    )
    # a place that another user can reach, unlike pytest's own folders
    where = Path(tempfile.mkdtemp()) / "store"
    where.parent.chmod(0o755)
    shutil.copytree(path.parent, where)
    try:
        _read_only(where / path.name)
        done = subprocess.run(
            [sys.executable, "-c", code, str(where / path.name), RUN],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert done.stdout.strip() == "first", done.stderr
    finally:
        where.chmod(0o755)
        shutil.rmtree(where.parent)


def test_a_catalog_that_is_not_there_and_cannot_be_made_says_so(
    tmp_path: Path, journals: PaperJournals
) -> None:
    with pytest.raises(StoreError, match="no such folder"):
        SqlCatalog(tmp_path / "no such folder" / "catalog.sqlite", journals)


@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_a_damaged_catalog_says_how_to_make_it_anew(
    path: Path, journals: PaperJournals, keep: int
) -> None:
    first = SqlCatalog(path, journals)
    take(first, begin(journals, params={"a": 1}))
    first.close()
    data = path.read_bytes()
    path.write_bytes(data[:keep] + b"\x5a" * (len(data) - keep))
    with pytest.raises(StoreError, match="mendel rebuild"):
        told(SqlCatalog(path, journals))


def test_another_programs_database_is_left_alone(path: Path, journals: PaperJournals) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreError, match="another program"):
        SqlCatalog(path, journals)


def test_a_newer_catalog_is_refused(path: Path, journals: PaperJournals) -> None:
    SqlCatalog(path, journals).close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    newer.close()
    with pytest.raises(NewerStoreError, match="pip install"):
        SqlCatalog(path, journals)


def test_a_catalog_of_version_1_is_read_and_written(tmp_path: Path) -> None:
    """The file was written by the first release, and is never written again."""
    where = tmp_path / "catalog.sqlite"
    shutil.copy(STORE_V1, where)
    journals = PaperJournals()
    catalog = SqlCatalog(where, journals)
    run = told(catalog)
    assert (run.name, run.note, run.params) == ("champion", "kept", {"lr": 0.1, "deep": {"n": 3}})
    assert run.series["loss"].count == 6
    assert catalog.find_runs(RunQuery("metrics.loss < 0.5 and dataset:flights")).ids == (RUN,)
    pen = journals.writer(RUN, "w9").fact("params", {"set": {"lr": 1}}, 50.0)
    take(catalog, pen)
    assert told(catalog).params["lr"] == 1
    catalog.close()


def test_a_migration_runs_by_itself_and_once(
    path: Path, journals: PaperJournals, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqlCatalog(path, journals).close()
    steps: list[int] = []

    def widen(connection: sqlite3.Connection) -> None:
        steps.append(schema.version(connection))
        connection.execute("ALTER TABLE run ADD COLUMN colour")

    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setitem(schema.MIGRATIONS, 1, widen)
    for _ in range(2):
        catalog = SqlCatalog(path, journals)
        take(catalog, begin(journals))
        catalog.close()
    assert steps == [1]


def test_a_migration_needs_a_place_that_can_be_written(
    path: Path, journals: PaperJournals, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqlCatalog(path, journals).close()
    monkeypatch.setattr(schema, "VERSION", 2)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ReadOnlyError, match="copy the store"):
        SqlCatalog(path, journals)


def test_a_migration_that_fails_leaves_the_catalog_as_it_was(
    path: Path, journals: PaperJournals, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqlCatalog(path, journals).close()

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TABLE run")
        connection.execute("SELECT nonsense")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "VERSION", 2)
        patched.setitem(schema.MIGRATIONS, 1, fail)
        with pytest.raises(StoreError, match="nonsense"):
            SqlCatalog(path, journals)
    catalog = SqlCatalog(path, journals)
    take(catalog, begin(journals))
    assert told(catalog).name == "first"
    catalog.close()


def test_two_open_catalogs_see_each_others_work(
    catalog: SqlCatalog, path: Path, journals: PaperJournals
) -> None:
    other = SqlCatalog(path, journals)
    pen = begin(journals, params={"a": 1})
    cursor = other.changes(0).cursor
    assert other.find_runs(RunQuery("params.a = 1")).total == 0
    take(catalog, pen)
    assert other.find_runs(RunQuery("params.a = 1")).ids == (RUN,)
    assert other.changes(cursor).runs == (RUN,)
    take(other, pen.fact("params", {"set": {"a": 2}}, 9.0))
    assert catalog.find_runs(RunQuery("params.a = 2")).ids == (RUN,)
    catalog.decide([decision("purge_run")])
    assert other.find_runs(RunQuery()).total == 0
    other.close()


def test_a_purged_run_that_comes_back_is_found_once_by_another_connection(
    catalog: SqlCatalog, path: Path, journals: PaperJournals
) -> None:
    other = SqlCatalog(path, journals)
    pen = begin(journals, params={"a": 1})
    pen.log({"loss": 1.0}, 1, 2.0)
    take(catalog, pen)
    take(catalog, begin(journals, OTHER, "w2", params={"a": 1}))
    query = RunQuery("params.a = 1", order_by=("id asc",))
    for _ in range(2):
        assert other.find_runs(query).ids == (RUN, OTHER)
        cursor = other.changes(0).cursor
        for _ in range(2):  # and gone and back again before the other looks
            catalog.decide([decision("purge_run")])
            take(catalog, journals.writer(RUN, "w1"))
        assert other.find_runs(query).ids == (RUN, OTHER)
        assert [s.key for s in other.series([RUN, OTHER])] == ["loss"]
        assert other.changes(cursor).runs == (RUN,)
    other.close()


def test_a_purged_run_whose_place_another_took_comes_back_beside_it(
    catalog: SqlCatalog, path: Path, journals: PaperJournals
) -> None:
    other = SqlCatalog(path, journals)
    take(catalog, begin(journals, params={"a": 1}))
    assert other.find_runs(RunQuery("params.a = 1")).ids == (RUN,)
    catalog.decide([decision("purge_run")])
    take(catalog, begin(journals, OTHER, "w2", params={"a": 2}))
    take(catalog, journals.writer(RUN, "w1"))
    assert other.find_runs(RunQuery("params.a = 1")).ids == (RUN,)
    assert other.find_runs(RunQuery("params.a = 2")).ids == (OTHER,)
    other.close()


def _work(path: Path, first: int, count: int) -> None:
    journals = PaperJournals()
    catalog = SqlCatalog(path, journals)
    for number in range(first, first + count):
        pen = begin(journals, f"run-{number}", f"w{number}", params={"n": number})
        pen.log({"loss": 1.0}, 1, 2.0)
        take(catalog, pen)
        catalog.decide([decision_of(number)])
    catalog.close()


def decision_of(number: int) -> Decision:
    return Decision(f"d{number}", "note_run", f"run-{number}", {"note": "x"}, 5.0, "me")


def test_processes_that_start_at_once_make_one_catalog(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(path, 10 * n, 10)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    catalog = SqlCatalog(path, PaperJournals())
    assert catalog.find_runs(RunQuery("params.n >= 0 and note = 'x'")).total == 40
    catalog.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_uses_a_connection_of_its_own(
    catalog: SqlCatalog, journals: PaperJournals
) -> None:
    take(catalog, begin(journals))
    assert catalog.find_runs(RunQuery()).total == 1
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:  # a thread that writes while the process forks
        with catalog._database.writing():
            holding.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(20)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            found = catalog.find_runs(RunQuery())
            code = 0 if found.total == 1 and told(catalog).name == "first" else 2
            catalog.close()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0
    take(catalog, begin(journals, "run-2", "w2"))
    assert catalog.find_runs(RunQuery()).total == 2


def test_a_busy_catalog_says_so_after_a_while(
    catalog: SqlCatalog, path: Path, journals: PaperJournals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialect, "BUSY_TIMEOUT_S", 0.05)
    impatient = SqlCatalog(path, journals)
    with catalog._database.writing(), pytest.raises(StoreError, match="busy"):
        take(impatient, begin(journals))
    assert impatient.get_runs([RUN]) == {}
    take(impatient, begin(journals))
    impatient.close()


def test_a_full_disk_changes_nothing(catalog: SqlCatalog, journals: PaperJournals) -> None:
    take(catalog, begin(journals))
    connection = catalog._database.connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="disk is full"):
        take(catalog, begin(journals, "big", "w2", params={"text": "x" * 100_000}))
    assert catalog.get_runs(["big"]) == {}
    connection.execute("PRAGMA max_page_count = 1000000")
    take(catalog, begin(journals, "big", "w3", params={"text": "x" * 100_000}))
    assert len(str(told(catalog, "big").params["text"])) == 100_000


def test_where_wal_cannot_be_had_another_journal_will_do(
    path: Path, journals: PaperJournals, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoSharedMemory(sqlite3.Connection):
        def execute(self, statement: str, *bound: Any) -> sqlite3.Cursor:
            if "journal_mode = wal" in statement:
                statement = "PRAGMA journal_mode = DELETE"
            return super().execute(statement, *bound)

    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *a, **k: connect(*a, factory=NoSharedMemory, **k)
    )
    catalog = SqlCatalog(path, journals)
    take(catalog, begin(journals))
    catalog.decide([decision("rename_run", name="x")])
    assert told(catalog).name == "x"
    assert not path.with_name(path.name + "-wal").exists()
    catalog.close()


@pytest.mark.parametrize(
    ("kind", "shared"), [("nfs4", True), ("ext4", False), ("fuse.sshfs", True), ("fuseblk", False)]
)
def test_a_store_that_machines_share_has_no_write_ahead_log(
    path: Path, journals: PaperJournals, monkeypatch: pytest.MonkeyPatch, kind: str, shared: bool
) -> None:
    folder = path.parent / "on the net"
    folder.mkdir()
    mounts = path.parent / "mounts"
    mounts.write_text(
        f"/dev/vda / ext4 rw 0 0\nserver:/x {folder} {kind} rw 0 0\n".replace(
            "on the net", r"on\040the\040net"
        )
    )
    monkeypatch.setattr(place, "MOUNTS", mounts)
    catalog = SqlCatalog(folder / "catalog.sqlite", journals)
    take(catalog, begin(journals))
    assert (folder / "catalog.sqlite-wal").exists() is not shared
    catalog.close()
    monkeypatch.setattr(place, "MOUNTS", path.parent / "not there")
    assert not place.is_shared(folder)


def test_purging_gives_the_space_back(
    catalog: SqlCatalog, path: Path, journals: PaperJournals
) -> None:
    params = {f"p{n}": "x" * 500 for n in range(200)}
    for n in range(20):
        take(catalog, begin(journals, f"run-{n}", f"w{n}", params={**params}))
    catalog._database.give_back()
    before = path.stat().st_size
    catalog.decide([decision("purge_run", f"run-{n}") for n in range(20)])
    assert path.stat().st_size < before / 3
    assert catalog.find_runs(RunQuery(deleted=None)).total == 0


def test_connections_of_ended_threads_are_closed(catalog: SqlCatalog) -> None:
    for _ in range(5):
        thread = threading.Thread(target=catalog.experiments)
        thread.start()
        thread.join()
    assert len(catalog._database._all) <= 2


def test_taking_in_loads_no_numpy(tmp_path: Path) -> None:
    """The end of a small run must not wait for it."""
    code = (
        "import sys, pathlib\n"
        "from mendel.catalog.sql.catalog import SqlCatalog\n"
        "from mendel.testing.catalog_journals import PaperJournals\n"
        "journals = PaperJournals()\n"
        "pen = journals.writer('r', 'w').fact('params', {'set': {'a': 1}}, 1.0)\n"
        "pen.log({'x': 1.0}, 0, 1.0)\n"
        "catalog = SqlCatalog(pathlib.Path(sys.argv[1]), journals)\n"
        "catalog.ingest([pen.digest()])\n"
        "assert catalog.get_runs(['r'])['r'].series['x'].last == 1.0\n"
        "print([name for name in ('numpy', 'pandas', 'click') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "c.sqlite")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_every_error_of_the_driver_becomes_ours(path: Path) -> None:
    door = Sqlite(path)
    for name in ("Error", "OperationalError", "IntegrityError", "InterfaceError", "DataError"):
        assert isinstance(door.translate(getattr(sqlite3, name)("x")), StoreError)
    assert door.translate(ValueError("x")) is None


def test_a_block_that_cannot_be_read_is_shown_whole_and_told(
    catalog: SqlCatalog, journals: PaperJournals
) -> None:
    """A rewind must look at its points; where they are gone, nothing more is hidden than known."""
    pen = begin(journals)
    for step in range(3):
        pen.log({"x": float(step)}, step, float(step))
    pen.fact("rewind", {"step": 0, "before": {"w1": pen.ordinal}}, 9.0)
    digest = pen.digest()
    del journals.writers["w1"]
    catalog.ingest([digest])
    run = told(catalog)
    assert run.series["x"].count == 3
    assert any("rewind" in line for line in run.damage)


def test_sums_beyond_float64_break_nothing(catalog: SqlCatalog, journals: PaperJournals) -> None:
    pen = begin(journals)
    for step in range(6):
        pen.log({"x": 1.7e308}, step, float(step))
        take(catalog, pen)
    run = told(catalog)
    assert run.series["x"].max == 1.7e308
    assert catalog.find_runs(RunQuery("metrics.x.mean > 0 or metrics.x.mean is nan")).total == 1


_TAKER = """
import pathlib, sys
from mendel.catalog.sql.catalog import SqlCatalog
from mendel.testing.catalog_case import begin, take
from mendel.testing.catalog_journals import PaperJournals
journals = PaperJournals()
catalog = SqlCatalog(pathlib.Path(sys.argv[1]), journals)
print("ready", flush=True)
for number in range(10_000):
    pen = begin(journals, f"run-{number}", f"w{number}", params={"n": number})
    pen.log({"x": float(number)}, number, 2.0)
    take(catalog, pen)
"""


@pytest.mark.crash
def test_a_taker_in_that_is_killed_leaves_whole_runs(path: Path) -> None:
    dice = random.Random(1)
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", _TAKER, str(path)], stdout=subprocess.PIPE
        ) as taker:
            assert taker.stdout is not None
            taker.stdout.readline()
            with contextlib.suppress(subprocess.TimeoutExpired):
                taker.wait(dice.uniform(0.05, 0.4))
            taker.kill()
        catalog = SqlCatalog(path, PaperJournals())
        runs = catalog.find_runs(RunQuery(limit=None)).ids
        assert runs
        records = catalog.get_runs(runs)
        assert all(r.series["x"].last == r.params["n"] for r in records.values())
        assert catalog.find_runs(RunQuery("params.n >= 0 and metrics.x.count = 1")).total == len(
            runs
        )
        check = catalog._database.connection().execute("PRAGMA integrity_check").fetchone()
        assert check == ("ok",)
        catalog.close()
