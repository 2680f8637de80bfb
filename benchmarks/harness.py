"""How things are measured: contestants in turns, medians, and the spread said.

A loaded machine slows all that runs in the same minute, so contestants alternate: one round is a
measurement of each, and rounds are repeated. What counts is the median over the rounds and its
ratio to Mendel's. Every measurement is a process of its own, in the contestant's environment.
"""

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.envs import OURS, YARDSTICKS, python_of

HERE = Path(__file__).resolve().parent
TAG = "BENCH_TAG"


@dataclass
class Measure:
    """One figure: its samples by contestant, and what was promised of Mendel's median."""

    name: str
    unit: str
    target: float | None = (
        None  # what Mendel's median may be at most (at least, where more is better)
    )
    more_is_better: bool = False
    floor: float = 0.0  # figures below it cannot be told apart; ratios take it for them
    compare: bool = True  # False: contestants did not do the same amount, so ratios say nothing
    samples: dict[str, list[float]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)  # said in a contestant's place in the table

    def add(self, who, value):
        if value is not None:
            self.samples.setdefault(who, []).append(float(value))

    def median(self, who):
        found = self.samples.get(who)
        return statistics.median(found) if found else None

    def spread(self, who):
        found = self.samples[who]
        return min(found), max(found)

    def met(self):
        mine = self.median(OURS)
        if mine is None or self.target is None:
            return None
        return mine >= self.target if self.more_is_better else mine <= self.target

    def ratio(self, who):
        """How many times Mendel's figure: above 1 means that Mendel is better."""
        mine, other = self.median(OURS), self.median(who)
        if mine is None or other is None or not self.compare:
            return None
        mine, other = max(mine, self.floor), max(other, self.floor)
        top, low = (mine, other) if self.more_is_better else (other, mine)
        return top / low if low > 0 else None


@dataclass
class Result:
    """What a promise's file found: its measures, and remarks that a reader needs."""

    title: str
    measures: list[Measure]
    remarks: list[str] = field(default_factory=list)


class Failed(Exception):
    """A measurement that did not come to its end."""


class Bench:
    """What a promise measures with: who takes part, how often, and how to run a task."""

    def __init__(self, contestants, *, rounds=5, quick=False, told=print):
        self.contestants = tuple(contestants)
        self.rounds = 1 if quick else rounds
        self.quick = quick
        self.told = told
        self.problems: dict[str, str] = {}

    def scaled(self, full, small):
        """A size: the full one, or a small one for a quick look."""
        return small if self.quick else full

    def who(self, *, yardsticks=True, peers=True):
        """The contestants of one promise, Mendel first."""
        return [
            c for c in self.contestants if c == OURS or (yardsticks if c in YARDSTICKS else peers)
        ]

    def turns(self, who, once, *, rounds=None):
        """Call ``once(contestant)`` for each in turns; one that fails is noted and left out."""
        left = list(who)
        for round_ in range(rounds or self.rounds):
            for name in list(left):
                try:
                    once(name)
                except Failed as problem:
                    self.problems[name] = str(problem)
                    self.told(f"    {name}: {problem}")
                    left.remove(name)
            if self.quick and round_ == 0:
                return

    @contextlib.contextmanager
    def folder(self):
        """A new empty folder, gone afterwards."""
        path = Path(tempfile.mkdtemp(prefix="bench-"))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def run(self, task, who, **how):
        """Do a task in a process of its own; return what it found."""
        found, _, _ = self.watched(task, who, **how)
        return found

    def watched(self, task, who, *, timeout=180, check=True, script="worker.py", **arguments):
        """As `run`; also return the CPU seconds of all that was started, and how it ended."""
        arguments = {k: str(v) if isinstance(v, Path) else v for k, v in arguments.items()}
        command = [python_of(who), str(HERE / script), task, who, json.dumps(arguments)]
        return watched(command, timeout=timeout, check=check, environment=environment())


def environment():
    """The environment of a measurement: Mendel from this source, nothing set for anyone."""
    source = str(HERE.parent / "src")
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    foreign = ("MENDEL_", "WANDB_", "AIP_", "PYTHONDONTWRITEBYTECODE")  # the last: as users have it
    kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    return {**kept, "PYTHONPATH": path, TAG: uuid.uuid4().hex, "PYTHONWARNINGS": "ignore"}


def watched(command, *, timeout, environment, check=True):
    """Run a command and everything that it starts to the end.

    ``check`` is True (it must succeed), "found" (it must say something before it dies) or False.
    Returns what its last line of JSON said, the CPU seconds of the whole tree (children that went
    away from their parents are adopted and waited for, at most ten seconds), and the exit code.
    """
    _adopt_orphans()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        end_tree(environment[TAG])
        out, err = process.communicate()
        if check:
            raise Failed(f"not done after {timeout} s") from None
        _wait_for_orphans(environment[TAG])
        return _last_json(out), None, "hangs"
    _wait_for_orphans(environment[TAG])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = _last_json(out)
    if (check is True and process.returncode) or (check and found is None):
        last = (err.strip().splitlines() or ["no message"])[-1]
        raise Failed(f"exit code {process.returncode}: {last[:200]}")
    return found, seconds, process.returncode


def _last_json(out):
    for line in reversed((out or "").splitlines()):
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict):
                return found
    return None


def _adopt_orphans():
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def _wait_for_orphans(tag, seconds=10.0):
    end = time.monotonic() + seconds
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            if time.monotonic() > end:
                end_tree(tag)
            time.sleep(0.01)


def end_tree(tag):
    """End every process that carries a tag."""
    mark = f"{TAG}={tag}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)


def size_of(folder):
    """Bytes of the disk that a folder takes (allocated, as `du` counts)."""
    return sum(p.lstat().st_blocks * 512 for p in Path(folder).rglob("*"))
