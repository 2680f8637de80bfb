"""Does one task with one contestant, in its own Python, and prints what it found as JSON.

    python worker.py TASK CONTESTANT '{"folder": …}'

Standard library only: it runs where nothing else is installed.
"""

import contextlib
import importlib
import json
import os
import random
import resource
import signal
import struct
import sys
import threading
import time
import zlib
from pathlib import Path

now = time.perf_counter_ns
TAG = "BENCH_TAG"


def values(keys, index):
    return {f"metric_{k}": 1.0 / (index + k + 1) for k in range(keys)}


def rows(keys, count):
    """The dicts that are logged, made beforehand, so that their making is not measured."""
    return [values(keys, i) for i in range(count)]


def losses(count, *, single=True):
    """A noisy curve as training gives; ``single``: of float32, which is what loss.item() gives."""
    noise, out = random.Random(7), []
    for i in range(count):
        value = 2.0 / (1 + i / 1000) ** 0.5 * (1 + 0.05 * noise.gauss(0, 1))
        out.append(struct.unpack("f", struct.pack("f", value))[0] if single else value)
    return out


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def timed_calls(call, items):
    """Nanoseconds of each call, the cost of looking at the clock taken off."""
    empty = sorted(-now() + now() for _ in range(2000))[1000]
    for i, item in enumerate(items[:200]):
        call(item, i)
    spent = []
    add = spent.append
    for i, item in enumerate(items, 200):
        begun = now()
        call(item, i)
        add(now() - begun)
    return [max(0, s - empty) for s in spent]


def log_call(who, folder, keys, count, busy=False):
    handle = who.begin(folder)
    call, items = who.log(handle), rows(keys, min(count, who.CALLS))
    stop = threading.Event()
    if busy:
        threading.Thread(target=_spin, args=(stop,), daemon=True).start()
    spent = timed_calls(call, items)
    stop.set()
    ordered = sorted(spent)
    found = {
        "median": percentile(ordered, 0.5),
        "p99": percentile(ordered, 0.99),
        "mean": sum(ordered) / len(ordered),
        "calls": len(ordered),
    }
    who.finish(handle)
    return found


def _spin(stop):
    """A Python thread that is always busy, as a data loader written in Python is."""
    total = 0
    while not stop.is_set():
        for i in range(1000):
            total += i * i
    return total


def kill(who, folder, count):
    """Log, and die with all children in the moment the last call returned."""
    handle = who.begin(folder)
    call, items = who.log(handle), rows(1, min(count, 4 * who.CALLS))
    mates = _mates()
    print(json.dumps({"calls": len(items)}), flush=True)
    for i, item in enumerate(items):
        call(item, i)
    for pid in mates:
        _kill(pid)
    for pid in _mates():
        _kill(pid)
    os.kill(os.getpid(), signal.SIGKILL)


def _kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _mates():
    """The processes that this one started, however far they went away: they carry its tag."""
    mark = f"{TAG}={os.environ[TAG]}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def count(who, folder):
    lost = getattr(who, "lost", None)
    return {"points": who.count(folder), "lost": lost(folder) if lost else None}


def cpu(who, folder, keys, count):
    """Log 1 or 10 keys and finish; the harness measures the CPU of all that was started."""
    handle = who.begin(folder)
    call = who.log(handle)
    count = min(count, who.CALLS)
    if keys == 1:
        for i in range(count):
            call({"loss": i * 0.5}, i)
    else:
        for i in range(count):
            x = i * 0.5
            call(
                {"a": x, "b": x, "c": x, "d": x, "e": x, "f": x, "g": x, "h": x, "i": x, "j": x}, i
            )
    who.finish(handle)
    return {"points": count * keys}


def step_share(who, folder, steps, every):
    """Steps of 1 ms of work that lets other threads run, with and without logging, in turns."""
    handle = who.begin(folder)
    call = who.log(handle)
    block = os.urandom(1 << 20)
    repeats = _calibrated(block)
    items = rows(10, steps)
    inside, plain, logged = 0, 0, 0
    for first in range(0, steps, every):
        for with_log in (False, True):
            begun = now()
            for i in range(first, first + every):
                for _ in range(repeats):
                    zlib.crc32(block)
                if with_log:
                    entered = now()
                    call(items[i], i)
                    inside += now() - entered
            if with_log:
                logged += now() - begun
            else:
                plain += now() - begun
    who.finish(handle)
    return {"share": inside / logged, "slower": logged / plain - 1, "step_ms": plain / steps / 1e6}


def _calibrated(block):
    begun = now()
    for _ in range(50):
        zlib.crc32(block)
    return max(1, round(1e6 / ((now() - begun) / 50)))


def write(who, folder, count, *, single=True, numpy=False, whole=False):
    """Log one series of a noisy loss (``whole``: however slow) and finish, which is timed."""
    if numpy:
        with contextlib.suppress(ImportError):  # not everyone has it
            importlib.import_module("numpy")
    handle = who.begin(folder)
    call = who.log(handle)
    count = count if whole else min(count, who.CALLS)
    for i, value in enumerate(losses(count, single=single)):
        call({"loss": value}, i)
    begun = now()
    who.finish(handle)
    return {"points": count, "finish_ms": (now() - begun) / 1e6}


def read(who, folder, key="loss"):
    used = resource.getrusage(resource.RUSAGE_SELF)
    begun = now()
    points = who.read(folder, key)
    wall = (now() - begun) / 1e6
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_ms = (after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime) * 1e3
    return {"points": points, "ms": wall, "cpu_ms": cpu_ms}


def long_series(who, folder, count):
    """One series of a noisy loss, as long as wanted."""
    handle = who.begin(folder)
    call, curve = who.log(handle), losses(10_000)
    for i in range(count):
        call({"loss": curve[i % 10_000] + 1 / (i + 1)}, i)
    who.finish(handle)
    return {"points": count}


def picture(who, folder):
    return who.picture(folder, "loss")


def ingest(who, folder, keys, calls):
    return who.ingest(folder, keys, calls)


def together(who, folder, count, at):
    """One of several processes that all begin at the same moment."""
    while time.time() < at:
        time.sleep(0.001)
    handle = who.begin(folder)
    call = who.log(handle)
    for i in range(count):
        call({"loss": 1.0 / (i + 1)}, i)
    who.finish(handle)
    return {"points": count}


def fill(who, folder, count):
    """Log on a disk that fills up; say how long the longest call took and what was raised."""
    handle = who.begin(folder)
    call = who.log(handle)
    items = rows(1, min(count, 4 * who.CALLS))
    call(items[0], 0)
    _take_room(Path(folder) / "ballast", leave=1 << 16)
    raised, longest, done = "", 0, 1
    for i, item in enumerate(items[1:], 1):
        begun = now()
        try:
            call(item, i)
        except Exception as error:  # noqa: BLE001 - what reaches the training loop is the point
            raised = f"{type(error).__name__}: {str(error)[:80]}"
            break
        longest = max(longest, now() - begun)
        done += 1
    found = {"calls": done, "raised": raised, "longest_ms": longest / 1e6}
    print(json.dumps(found), flush=True)
    begun = now()
    who.finish(handle)
    return {**found, "finish_ms": (now() - begun) / 1e6}


def _take_room(path, leave):
    """Fill the disk but for some bytes."""
    disk = os.statvfs(path.parent)
    free = disk.f_bavail * disk.f_frsize - leave
    with path.open("wb") as file:
        while free > 0:
            free -= file.write(bytes(min(free, 1 << 20)))


def main():
    task, name, arguments = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    who = importlib.import_module(f"contestants.{name}")
    found = globals()[task](who, **arguments)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
