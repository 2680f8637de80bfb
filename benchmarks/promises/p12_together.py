"""Eight processes that start in the same moment on a store that does not exist yet."""

import concurrent.futures
import time

from benchmarks.envs import OURS
from benchmarks.harness import Failed, Measure, Result

PROCESSES = 8


def measure(bench):
    arrived = Measure("points that arrived", "%", target=100.0, more_is_better=True)
    failed = Measure("processes that failed", "", target=0.0)
    count = bench.scaled(500, 20)

    def once(who):
        for _ in range(bench.scaled(5, 1) if who == OURS else 1):
            start_together(who)

    def start_together(who):
        with (
            bench.folder() as folder,
            concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool,
        ):
            at = time.time() + 2
            jobs = [
                pool.submit(bench.run, "together", who, folder=folder, count=count, at=at)
                for _ in range(PROCESSES)
            ]
            broken = sum(isinstance(job.exception(), Failed) for job in jobs)
            found, _, _ = bench.watched("count", who, check=False, folder=folder)
            arrived.add(who, 100 * (found or {}).get("points", 0) / (count * PROCESSES))
            failed.add(who, broken)

    alone = {"list_append", "struct_mmap"}  # they know no second process
    bench.turns([w for w in bench.who() if w not in alone], once, rounds=1)
    return Result(
        "Eight processes start at once on a store that is not there yet", [arrived, failed]
    )
