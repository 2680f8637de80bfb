"""All runs of an experiment as a data frame."""

from benchmarks.envs import OURS
from benchmarks.harness import Measure, Result


def measure(bench):
    took = Measure("10,000 runs × 40 columns", "ms", target=500.0)
    sizes = {OURS: 10_000, "sqlite_insert": 10_000, "mlflow_": 1_000}

    def once(who):
        size = bench.scaled(sizes[who], 50)
        with bench.folder() as folder:
            arguments = {"folder": folder, "count": size, "rare": 0}
            bench.run("build", who, script="worker_runs.py", timeout=600, **arguments)
            found = bench.run("frame", who, script="worker_runs.py", folder=folder, count=size)
            took.add(who, found["ms"] * 10_000 / found["rows"])

    bench.turns([w for w in bench.contestants if w in sizes], once, rounds=min(3, bench.rounds))
    return Result(
        "`get_experiment_df`",
        [took],
        [
            "MLflow's search_runs reads 1,000 runs, scaled up; SQLite fetches rows into dicts.",
        ],
    )
