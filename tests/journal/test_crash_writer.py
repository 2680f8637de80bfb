"""What `log` returned from is there, whenever the process is killed."""

from __future__ import annotations

import mmap
import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from mendel.journal.read import Journal
from mendel.journal.seal import seal
from mendel.journal.write import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mendel.graph.digest import Digest

RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
pytestmark = pytest.mark.crash


def in_child(work: Callable[[], object]) -> int:
    """Start a forked child; return its pid."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:  # noqa: BLE001 - nothing of the parent's may run in the child
        os._exit(1)
    os._exit(0)


def killed(pid: int, after_s: float) -> bool:
    """Kill a child after a while; return whether it still ran."""
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def logging(folder: Path, count: memoryview, seed: int) -> Callable[[], None]:
    """Return work that logs this and that, and counts the calls that returned in shared memory."""

    def work() -> None:
        rng = random.Random(seed)
        writer = Writer(folder, run=RUN)
        kinds = rng.choice([1, 3, 40])
        done = 0
        while True:
            choice = rng.random()
            if choice < 0.02:
                writer.fact("console", {"text": "x" * rng.choice([3, 300, 90_000])})
            elif choice < 0.1:
                writer.log({"a": 1.0, "b": done, f"k{rng.randrange(kinds)}": True}, done)
            else:
                writer.log({f"k{rng.randrange(kinds)}": float(done)}, done)
            done += 1
            count[0] = done

    return work


def records(digest: Digest) -> int:
    return sum(block.count for block in digest.blocks) + len(digest.facts)


@pytest.mark.parametrize("part", range(10))
def test_a_killed_writer_loses_nothing_that_returned(tmp_path: Path, part: int) -> None:
    rng = random.Random(part)
    shared = mmap.mmap(-1, 8)
    count = memoryview(shared).cast("Q")
    for seed in range(22):
        count[0] = 0
        folder = tmp_path / str(seed)
        assert killed(in_child(logging(folder, count, seed)), rng.random() ** 3 * 0.08)
        journal = Journal(folder)
        if not journal.writers():
            assert count[0] == 0
            continue
        [writer] = journal.writers()
        digest = journal.digest(writer)
        assert digest.damage == ()
        assert not digest.closed
        assert count[0] <= records(digest) <= count[0] + 1
        assert digest.end.ordinal == records(digest) == journal.counts()[writer]


def test_several_killed_writers_of_one_run_lose_nothing(tmp_path: Path) -> None:
    rng = random.Random(1)
    shared = mmap.mmap(-1, 64)
    view = memoryview(shared).cast("Q")
    pids = [in_child(logging(tmp_path, view[i : i + 1], i)) for i in range(8)]
    time.sleep(0.2)
    for pid in rng.sample(pids, len(pids)):
        killed(pid, rng.random() * 0.02)
    journal = Journal(tmp_path)
    found = sorted(records(journal.digest(writer)) for writer in journal.writers())
    for count, there in zip(sorted(view.tolist()), found, strict=True):
        assert count <= there <= count + 1
    assert all(journal.digest(writer).damage == () for writer in journal.writers())


def test_a_sealer_killed_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    writer = Writer(tmp_path, run=RUN)
    for step in range(30_000):
        writer.log({"a": float(step), "b": step}, step)
        if step % 1000 == 0:
            writer.fact("console", {"text": str(step)})
    writer.close()
    journal = Journal(tmp_path)
    before = journal.digest(writer.id)
    rng = random.Random(2)
    for _ in range(40):
        killed(in_child(lambda: seal(tmp_path)), rng.random() * 0.25)
        assert journal.digest(writer.id) == before
    seal(tmp_path)
    assert journal.digest(writer.id) == before
    assert {path.suffix for path in tmp_path.iterdir()} <= {".mdz", ".tmp", ""}


def test_what_killed_sealers_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    writer = Writer(tmp_path, run=RUN)
    writer.log({"a": 1.0}, 0)
    old = tmp_path / f"{writer.id}.00000.mdz.01ARZ3NDEKTSV4RRFFQ69G5FAV.tmp"
    old.touch()
    seal(tmp_path)
    assert not old.exists()


def test_thirty_two_processes_write_while_another_reads(tmp_path: Path) -> None:
    def work() -> None:
        writer = Writer(tmp_path, run=RUN)
        for step in range(400):
            writer.log({"a": float(step)}, step)
        writer.close()

    journal = Journal(tmp_path)
    pids = [in_child(work) for _ in range(32)]
    running = set(pids)
    while running:
        for writer in journal.writers():
            assert journal.digest(writer).damage == ()
        running -= {pid for pid in running if os.waitpid(pid, os.WNOHANG)[0]}
    assert sorted(journal.counts().values()) == [400] * 32
    assert all(journal.digest(writer).closed for writer in journal.writers())


def test_processes_that_name_no_steps_share_none(tmp_path: Path) -> None:
    def work() -> None:
        writer = Writer(tmp_path, run=RUN)
        for _ in range(300):
            writer.log({"a": 0.0})
        writer.close()

    first = Writer(tmp_path, run=RUN)
    pids = []
    for _ in range(6):
        pids.append(in_child(work))
        for _ in range(200):
            first.log({"a": 0.0})
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0
    first.close()
    from mendel.journal.read import JournalBlocks

    blocks = JournalBlocks(lambda _: tmp_path)
    steps: list[int] = []
    for digest in Journal(tmp_path).digests({}):
        for b in digest.blocks:
            steps += blocks.read(b.key, ["a"], b.count, (b.start, b.end)).steps.tolist()
    assert sorted(steps) == list(range(1, 6 * 300 + 6 * 200 + 1))


def test_a_new_writer_goes_on_after_the_largest_step(tmp_path: Path) -> None:
    def crash() -> None:
        writer = Writer(tmp_path, run=RUN)
        for step in (3, 90, 17):
            writer.log({"a": 0.0}, step)
        os.kill(os.getpid(), signal.SIGKILL)

    os.waitpid(in_child(crash), 0)
    for expected in (91, 92):
        writer = Writer(tmp_path, run=RUN)
        writer.log({"a": 0.0})
        assert writer.last_step == expected
        writer.close()
        seal(tmp_path)
    writer = Writer(tmp_path, run=RUN)
    writer.log({"note": "kept"}, 200)
    writer.log({"a": 0.0})
    assert writer.last_step == 201
    writer.close()


def test_the_first_step_is_1_and_a_refused_call_takes_none(tmp_path: Path) -> None:
    writer = Writer(tmp_path, run=RUN)
    for step in (1, 2, 3):
        with pytest.raises(TypeError):
            writer.log({"a": object()})
        writer.log({"a": 0.0})
        assert writer.last_step == step
    writer.close()
