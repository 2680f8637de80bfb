"""Finding runs among 1,000, 10,000 and 100,000: 40 columns each, of 10,000 different keys."""

from benchmarks.envs import OURS
from benchmarks.harness import Measure, Result

RARE = 10_000


def measure(bench):
    sizes = bench.scaled((1_000, 10_000, 100_000), (100,))
    measures = []
    for size in sizes:
        last = size == 100_000
        found = {
            "page": Measure(
                f"{size:,} runs: filter, sort, first page", "ms", 5.0 if last else None
            ),
            "count": Measure(f"{size:,} runs: count", "ms", 1.0 if last else None),
            "group": Measure(f"{size:,} runs: group-by", "ms", 1.0 if last else None),
            "key": Measure(f"{size:,} runs: a key never asked for", "ms", 100.0 if last else None),
            "mib": Measure(
                f"{size:,} runs: memory of the process", "MiB", 1024.0 if last else None
            ),
        }
        build = Measure(f"{size:,} runs: taking a run in", "ms")
        measures += [*found.values(), build]

        def once(who, size=size, found=found, build=build):
            with bench.folder() as folder:
                arguments = {"folder": folder, "count": size, "rare": RARE}
                built = bench.run("build", who, script="worker_runs.py", timeout=900, **arguments)
                build.add(who, built["ms_a_run"])
                for _ in range(bench.scaled(3, 1) if who == OURS else 1):
                    told = bench.run("ask", who, script="worker_runs.py", folder=folder)
                    for name, value in told.items():
                        found[name].add(who, value)

        limits = {OURS: 100_000, "sqlite_insert": 10_000, "mlflow_": 1_000}
        able = [w for w in bench.contestants if size <= limits.get(w, 0)]
        bench.turns(able, once, rounds=1)
    return Result(
        "Finding runs: 40 columns each, 10,000 different keys in all",
        measures,
        [
            "CPU of the process, once warm; 'a key never asked for' is the first time.",
            "SQLite is a row a value with three indexes, asked by joins; minutes for 100,000 runs.",
            "MLflow is asked for 1,000 runs only: writing 100,000 would take hours.",
        ],
    )
