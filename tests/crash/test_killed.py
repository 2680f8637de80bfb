"""Whoever is killed, whenever: what was told to be kept is there, once, and told truly."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from siege import (
    FORKS,
    child,
    counters,
    early,
    ended_well,
    kill,
    look,
    opened,
    points,
    wait_for,
    whole,
)

import mendel
from mendel.graph import clock
from mendel.graph.run import RunState
from mendel.track.store import Store
from scripts import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.crash, pytest.mark.filterwarnings(FORKS)]


def training(count: memoryview[int], run_id: str, seed: int) -> Callable[[], None]:
    """Return a script that logs all kinds of things, and counts the calls that returned."""

    def work() -> None:
        rng = random.Random(seed)
        run = mendel.start_run(run_id=run_id, experiment="siege")
        while True:
            i = count[0]
            kind = rng.random()
            run.log({"i": float(i)} if kind < 0.5 else {"i": float(i), "n": i}, i)
            if kind > 0.97:
                run.log_params({f"p{i}": "x" * rng.choice([1, 1000, 70_000])})
                count[1] = i
            elif kind > 0.96:
                run.log_text(f"text {i}", f"note{i}.txt")
                count[2] = i
            count[0] = i + 1

    return work


@pytest.mark.parametrize("part", range(8))
def test_a_killed_script_loses_nothing_that_it_logged(tmp_path: Path, part: int) -> None:
    rng = random.Random(part)
    store = tmp_path / "store"
    told: dict[str, tuple[int, int, int]] = {}
    for seed in range(15):
        count = counters(3)
        run_id = clock.new_id()
        pid = child(training(count, run_id, seed), store)
        assert kill(pid, early(rng, 0.25))
        told[run_id] = (count[0], count[1], count[2])
    runs = look(store)
    for run_id, (calls, last_param, last_text) in told.items():
        run = runs.get(run_id)
        if run is None or run.state is RunState.NEW:  # killed before it could say that it runs
            assert (calls, last_param, last_text) == (0, 0, 0)
            assert run is None or run.damage == ()
            continue
        assert run.state is RunState.LOST
        assert run.damage == ()
        there = points(store, run_id, "i")
        assert calls <= len(there) <= calls + 1
        assert there == [(step, float(step)) for step in range(len(there))]
        if last_param:
            assert set(run.params[f"p{last_param}"]) == {"x"}  # type: ignore[arg-type]
        if last_text:
            file = (
                store / "runs" / clock.day(run_id) / run_id / "files/media" / f"note{last_text}.txt"
            )
            assert file.read_text() == f"text {last_text}"


def test_killed_processes_of_one_run_lose_nothing_and_it_is_lost_with_the_last(
    tmp_path: Path,
) -> None:
    rng = random.Random(1)
    store = tmp_path / "store"
    for _ in range(5):
        run_id = clock.new_id()
        count = counters(6)

        def work(number: int, run_id: str = run_id, count: memoryview[int] = count) -> None:
            run = mendel.start_run(run_id=run_id, experiment="siege")
            for i in range(10**9):
                run.log({f"of{number}": float(i)}, i)
                count[number] = i + 1
                time.sleep(0)

        pids = {n: child(lambda n=n: work(n), store) for n in range(6)}  # type: ignore[misc]
        wait_for(lambda count=count: all(count))  # type: ignore[misc]
        order = rng.sample(sorted(pids), len(pids))
        for nth, number in enumerate(order):
            assert look(store)[run_id].state is RunState.RUNNING, f"{nth} of 6 were killed"
            assert kill(pids[number], rng.random() * 0.02)
        run = look(store)[run_id]
        assert run.state is RunState.LOST
        for number in pids:
            there = points(store, run_id, f"of{number}")
            assert count[number] <= len(there) <= count[number] + 1
            assert there == [(step, float(step)) for step in range(len(there))]


class Population:
    """Processes that log, slowly and without end, while something else is killed."""

    def __init__(self, store: Path, number: int) -> None:
        self.store = store
        self.count = counters(number)
        self.ids = [clock.new_id() for _ in range(number)]
        self.pids = [child(self._writer(n), store) for n in range(number)]
        wait_for(lambda: all(self.count))

    def _writer(self, number: int) -> Callable[[], None]:
        def work() -> None:
            run = mendel.start_run(run_id=self.ids[number], experiment="siege")
            for i in range(10**9):
                run.log({"i": i, "half": i / 2}, i)
                if i % 97 == 0:
                    run.log_params({"at": i})
                self.count[number] = i + 1
                if i % 20 == 0:
                    time.sleep(0.004)

        return work

    def check(self) -> None:
        """See that readers see all that was told, once."""
        before = list(self.count)
        runs = look(self.store)
        after = list(self.count)
        for run_id, least, most in zip(self.ids, before, after, strict=True):
            found = runs[run_id].series["i"]
            assert least <= found.count <= most + 1
            assert (found.first, found.last_step) == (0, found.count - 1)
            assert runs[run_id].params["at"] == (found.count - 1) // 97 * 97 or least < most
            assert runs[run_id].state is RunState.RUNNING

    def end(self) -> None:
        """Kill all, and see that nothing was lost or doubled."""
        for pid in self.pids:
            assert kill(pid)
        runs = look(self.store)
        for run_id, count in zip(self.ids, self.count, strict=True):
            there = points(self.store, run_id, "i")
            assert count <= len(there) <= count + 1
            assert there == [(i, i) for i in range(len(there))]
            assert runs[run_id].series["i"].count == len(there)
            assert runs[run_id].state is RunState.LOST


def test_a_killed_ingester_neither_loses_nor_doubles_a_point(tmp_path: Path) -> None:
    rng = random.Random(2)
    people = Population(tmp_path / "store", 3)

    def ingest() -> None:
        while True:
            store = Store.open()
            for _ in range(rng.randrange(1, 4)):
                store.refresh()
            store.close()

    for _ in range(60):
        ingesters = [child(ingest, people.store) for _ in range(rng.choice([1, 1, 2]))]
        for pid in ingesters:
            assert kill(pid, rng.random() * 0.06)
        people.check()
    people.end()


def test_a_killed_mendel_runs_neither_loses_nor_doubles_a_point(tmp_path: Path) -> None:
    rng = random.Random(3)
    people = Population(tmp_path / "store", 2)
    for _ in range(6):
        command = [sys.executable, "-m", "mendel", "runs"]
        env = environment({"MENDEL_STORE": str(people.store)})
        with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) as process:
            time.sleep(0.1 + rng.random() * 0.6)
            process.kill()
        people.check()
    people.end()


def past(root: Path, runs: int) -> dict[str, tuple[str, str | None]]:
    """Fill a store with runs that ended and with decisions; return names and notes by run."""
    told: dict[str, tuple[str, str | None]] = {}

    def work() -> None:
        for n in range(runs):
            with mendel.start_run(f"run {n}", experiment=f"e{n % 3}", params={"n": n}) as run:
                run.log({"loss": 1.0 / (n + 1)}, n)

    assert ended_well(child(work, root))
    with opened(root) as store:
        for nth, run in enumerate(sorted(look(root).values(), key=lambda run: run.id)):
            told[run.id] = (run.name, None)
            if nth % 4 == 0:
                store.decide("note_run", run.id, note=f"note {nth}")
                store.decide("rename_run", run.id, name=f"renamed {nth}")
                told[run.id] = (f"renamed {nth}", f"note {nth}")
    return told


def test_a_killed_rebuild_is_finished_by_whoever_comes_next(tmp_path: Path) -> None:
    rng = random.Random(4)
    root = tmp_path / "store"
    told = past(root, 60)

    def rebuild() -> None:
        Store.open().rebuild()

    began = time.monotonic()
    assert ended_well(child(rebuild, root))
    takes = time.monotonic() - began
    for _ in range(30):
        kill(child(rebuild, root), rng.random() * takes)
        runs = look(root)
        assert {run.id: (run.name, run.note) for run in runs.values()} == told
        assert all(run.series["loss"].count == 1 for run in runs.values())
        assert all(run.state is RunState.COMPLETE for run in runs.values())


def test_decisions_that_are_taken_during_rebuilds_are_kept(tmp_path: Path) -> None:
    root = tmp_path / "store"
    ids = sorted(past(root, 12))
    count = counters(len(ids))
    stop = counters(1)

    def decide() -> None:
        turn = 0
        store = Store.open()
        while not stop[0]:
            turn += 1
            for n, run_id in enumerate(ids):
                store.decide("note_run", run_id, note=str(turn))
                count[n] = turn
                seen = store.catalog.get_runs([run_id])
                assert not seen or seen[run_id].note in {str(turn), None}
                time.sleep(0.01)

    pid = child(decide, root)
    wait_for(lambda: count[0] > 1)
    for _ in range(10):
        with opened(root) as store:
            store.rebuild()
    stop[0] = 1
    assert ended_well(pid)
    assert [run.note for _, run in sorted(look(root).items())] == [str(c) for c in count]


def test_a_killed_gc_is_finished_by_the_next(tmp_path: Path) -> None:
    rng = random.Random(5)
    root = tmp_path / "store"
    env = environment({"MENDEL_STORE": str(root)})
    told = past(root, 40)
    ids = sorted(told)
    doomed = ids[::2]
    with opened(root) as store:
        for run_id in doomed:
            store.decide("delete_run", run_id)
    command = [sys.executable, "-m", "mendel", "gc", "--yes"]
    for _ in range(5):
        with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) as process:
            time.sleep(0.3 + rng.random() * 0.7)
            process.kill()
        there = look(root)
        for run_id in ids:
            if run_id not in doomed:
                assert (there[run_id].name, there[run_id].note) == told[run_id]
                assert points(root, run_id, "loss")
            elif run_id in there:  # in the trash: it is there, or it is gone
                assert there[run_id].deleted is not None
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    assert sorted(look(root)) == [run_id for run_id in ids if run_id not in doomed]
    days = [day for day in (root / "runs").iterdir() if day.is_dir()]
    assert {run.name for day in days for run in day.iterdir()} == set(ids) - set(doomed)
    assert not (root / "gone").exists() or not os.listdir(root / "gone")  # noqa: PTH208
    with opened(root) as store:
        assert whole(store) == []
