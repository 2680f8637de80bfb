"""Processes die at any moment, clocks jump, stores are copied live: nothing returned is lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from mendel.graph.run import RunState
from mendel.track.store import Store
from scripts import environment, records, records_of, run_script, start_script, the_record

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.crash

COUNT = """
    import sys, mendel
    run = mendel.start_run("r", experiment="e")
    step = 0
    while True:
        step += 1
        run.log({"loss": 1.0 / step}, step)
        if step % 100 == 0:
            sys.stdout.write(f"{step}\\n")
            sys.stdout.flush()
"""


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def last_said(process: subprocess.Popen[str]) -> int:
    """Return the last whole number that a process said before it died."""
    assert process.stdout is not None
    said = [part for part in process.stdout.read().split("\n")[:-1] if part]
    return int(said[-1]) if said else 0


@pytest.mark.parametrize("seed", range(10))
def test_kill_9_of_a_writer_loses_nothing_that_log_returned(tmp_path: Path, seed: int) -> None:
    with start_script(tmp_path, COUNT) as process:
        line(process)
        time.sleep(random.Random(seed).uniform(0, 0.05))
        process.kill()
        said = last_said(process)
    record = the_record(tmp_path)
    assert record.state is RunState.LOST
    assert record.series["loss"].count >= max(100, said)
    assert record.damage == ()


def test_kill_9_of_a_process_tree_loses_nothing(tmp_path: Path) -> None:
    text = """
    import multiprocessing, os, signal, sys, mendel
    def work(number, told):
        for step in range(1, 1001):
            mendel.log({f"worker {number}": float(step)}, step)
        told.put(number)
        signal.pause()
    if __name__ == "__main__":
        os.setpgrp()
        run = mendel.start_run("r")
        context = multiprocessing.get_context("fork")
        told = context.Queue()
        workers = [context.Process(target=work, args=(n, told)) for n in range(3)]
        for worker in workers:
            worker.start()
        for _ in workers:
            told.get()
        for step in range(1, 1001):
            run.log({"main": float(step)}, step)
        print("ready", flush=True)
        signal.pause()
    """
    with start_script(tmp_path, text) as process:
        assert line(process) == "ready"
        os.killpg(process.pid, signal.SIGKILL)
    record = the_record(tmp_path)
    assert record.state is RunState.LOST
    assert {key: series.count for key, series in record.series.items()} == {
        "main": 1000,
        "worker 0": 1000,
        "worker 1": 1000,
        "worker 2": 1000,
    }


@pytest.mark.parametrize("seed", range(6))
def test_kill_9_of_whoever_catalogues_harms_nothing(tmp_path: Path, seed: int) -> None:
    run_script(
        tmp_path,
        """
        import mendel
        for n in range(5):
            with mendel.start_run(f"run {n}", params={"n": n}) as run:
                for step in range(2000):
                    run.log({"a": float(step), "b": 1.0}, step)
        """,
    )
    for path in (tmp_path / ".mendel").glob("catalog.sqlite*"):
        path.unlink()
    with start_script(
        tmp_path,
        """
        from mendel.track.store import Store
        store = Store.open()
        print("ready", flush=True)
        store.refresh()
        store.rebuild()
        """,
    ) as process:
        line(process)
        time.sleep(random.Random(seed).uniform(0, 0.4))
        process.kill()
    found = records(tmp_path)
    assert [record.name for record in found] == [f"run {n}" for n in range(5)]
    assert all(record.series["a"].count == 2000 for record in found)
    assert [record.params for record in found] == [{"n": n} for n in range(5)]


@pytest.mark.parametrize("seed", range(6))
def test_kill_9_at_the_end_of_a_run_harms_nothing(tmp_path: Path, seed: int) -> None:
    with start_script(
        tmp_path,
        """
        import mendel
        run = mendel.start_run("r")
        for step in range(20_000):
            run.log({"loss": float(step)}, step)
        print("ready", flush=True)
        run.finish()
        """,
    ) as process:
        line(process)
        time.sleep(random.Random(seed).uniform(0, 0.3))
        process.kill()
    record = the_record(tmp_path)
    assert record.state in {RunState.LOST, RunState.COMPLETE}
    assert record.series["loss"].count == 20_000
    assert record.damage == ()


@pytest.mark.parametrize("seed", range(4))
def test_kill_9_while_people_decide_keeps_each_decision_or_none(tmp_path: Path, seed: int) -> None:
    run_script(tmp_path, "import mendel\nmendel.start_run('r').finish()\n")
    with start_script(
        tmp_path,
        """
        from mendel.track.store import Store
        store = Store.open()
        run = store.resolve_run("r")
        n = 0
        while True:
            n += 1
            store.decide("note_run", run, note=str(n))
            print(n, flush=True)
        """,
    ) as process:
        line(process)
        time.sleep(random.Random(seed).uniform(0, 0.3))
        process.kill()
        said = last_said(process)
    before = the_record(tmp_path).note
    store = Store.open(tmp_path)
    store.rebuild()
    [record] = records_of(store)
    store.close()
    assert int(str(before)) >= max(1, said)
    # one that was kept but not yet taken when the process died is taken now
    assert int(str(record.note)) - int(str(before)) in {0, 1}


def test_a_clock_that_jumps_leaves_order_and_life_as_they_are(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        import time, mendel
        from mendel.graph import clock
        run = mendel.start_run("r")
        jumps = [0, 3600, -7200, 86400, -1e6, 0]
        for step, jump in enumerate(jumps * 10):
            clock.now = lambda jump=jump: time.time() + jump
            run.log({"loss": float(step)}, step)
            run.log_params({"step": step})
        assert run.get_state() == "RUNNING", run.get_state()
        clock.now = time.time
        """,
    )
    record = the_record(tmp_path)
    assert record.state is RunState.COMPLETE
    assert (record.series["loss"].count, record.series["loss"].last) == (60, 59.0)


def test_a_store_on_a_read_only_disk_is_read_and_says_what_cannot_be_done(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-m", "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no disk can be mounted here")
    run_script(tmp_path, "import mendel\nmendel.start_run('r').log({'a': 1.0})\n")
    reader = tmp_path / "reader.py"
    reader.write_text(
        "import mendel\n"
        "run = mendel.get_run('r')\n"
        "print(run.get_state(), len(run.get_time_series_data_frame()))\n"
        "try:\n    mendel.start_run('s')\nexcept mendel.ReadOnlyError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [
            *("unshare", "-m", "sh", "-c"),
            'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$2" "$1/reader.py"',
            *("sh", str(tmp_path), sys.executable),
        ],
        cwd=tmp_path,
        env=environment({"MENDEL_STORE": str(tmp_path / ".mendel")}),
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = done.stdout.splitlines()
    assert first == "COMPLETE 1"
    assert "cannot be written" in second


def test_a_copy_made_while_live_opens_elsewhere_and_tells_what_it_has(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    with start_script(here, COUNT) as process:
        line(process)
        assert the_record(here).state is RunState.RUNNING
        shutil.copytree(here / ".mendel" / "runs", there / ".mendel" / "runs")
        first = the_record(there)
        line(process)
        process.kill()
        said = last_said(process)
    assert first.series["loss"].count >= 100
    for path in (here / ".mendel" / "runs").rglob("*.mdj"):  # as rsync does, a second time
        target = there / ".mendel" / "runs" / path.relative_to(here / ".mendel" / "runs")
        shutil.copy2(path, target.with_suffix(".tmp"))
        target.with_suffix(".tmp").replace(target)
    second = the_record(there)
    assert second.series["loss"].count >= max(first.series["loss"].count, said)
    assert second.damage == ()


def test_32_processes_write_one_store_that_was_not_there_while_a_reader_asks(
    tmp_path: Path,
) -> None:
    text = """
    import sys, mendel
    sys.stdin.read()
    with mendel.start_run(f"run {sys.argv[1]}", params={"n": int(sys.argv[1])}) as run:
        for step in range(500):
            run.log({"loss": float(step)}, step)
    """
    many = [start_script(tmp_path, text, str(number)) for number in range(32)]
    for process in many:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    asked = 0
    while any(process.poll() is None for process in many):
        if (tmp_path / ".mendel" / "store.json").exists():
            found = records(tmp_path)
            asked += 1
            assert all(record.damage == () for record in found)
        time.sleep(0.2)
    for process in many:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, out + err
        assert err == ""
    found = records(tmp_path)
    assert asked
    assert sorted(str(record.params["n"]) for record in found) == sorted(map(str, range(32)))
    assert {record.state for record in found} == {RunState.COMPLETE}
    assert {record.series["loss"].count for record in found} == {500}
    assert len({record.experiment_id for record in found}) == 1


def test_workers_as_a_data_loader_forks_them_write_and_die_as_they_like(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        import os, signal, mendel
        run = mendel.start_run("r")
        for epoch in range(3):
            workers = []
            for number in range(3):
                child = os.fork()
                if child == 0:
                    for step in range(100):
                        run.log({f"worker/{number}": float(step)}, epoch * 100 + step)
                    if number == 0:
                        os._exit(0)
                    if number == 1:
                        os.kill(os.getpid(), signal.SIGKILL)
                    os.kill(os.getpid(), signal.SIGTERM)
                workers.append(child)
            for child in workers:
                os.waitpid(child, 0)
            run.log({"epoch": float(epoch)}, epoch)
        """,
    )
    record = the_record(tmp_path)
    assert record.state is RunState.COMPLETE
    assert {key: s.count for key, s in record.series.items()} == {
        "epoch": 3,
        "worker/0": 300,
        "worker/1": 300,
        "worker/2": 300,
    }


def test_a_catalog_that_is_damaged_is_made_again_and_loses_nothing(tmp_path: Path) -> None:
    run_script(tmp_path, "import mendel\nmendel.start_run('r').log({'a': 1.0})\n")
    store = Store.open(tmp_path)
    run = records_of(store)[0].id
    store.decide("note_run", run, note="kept")
    store.close()
    catalog = tmp_path / ".mendel" / "catalog.sqlite"
    data = bytearray(catalog.read_bytes())
    data[100:4000] = os.urandom(3900)
    catalog.write_bytes(bytes(data))
    again = Store.open(tmp_path)
    again.rebuild()
    [record] = records_of(again)
    again.close()
    assert (record.name, record.note, record.series["a"].count) == ("r", "kept", 1)


def test_a_catalog_that_another_keeps_busy_does_not_keep_a_run_from_ending(
    tmp_path: Path,
) -> None:
    run_script(tmp_path, "import mendel\nmendel.start_run('r').finish()\n")
    lock = sqlite3.connect(tmp_path / ".mendel" / "catalog.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    done = run_script(
        tmp_path,
        "import mendel\nmendel.start_run('s').log({'a': 1.0})\n",
        env={"MENDEL_FINISH_TIMEOUT": "1", "MENDEL_QUIET": "0"},
    )
    assert time.monotonic() - began < 20
    assert "is safe in its journal" in done.stderr
    lock.execute("ROLLBACK")
    lock.close()
    assert [record.state for record in records(tmp_path)] == [RunState.COMPLETE] * 2
