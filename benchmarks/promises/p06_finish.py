"""How long the end of a run takes when 100,000 points wait."""

from benchmarks.harness import Measure, Result


def measure(bench):
    took = Measure("finish() per 100,000 points", "ms", target=50.0)
    count = bench.scaled(100_000, 500)

    def once(who):
        with bench.folder() as folder:
            found = bench.run("write", who, folder=folder, count=count, timeout=300)
            took.add(who, found["finish_ms"] * 100_000 / found["points"])

    bench.turns([w for w in bench.who() if w != "list_append"], once)
    return Result(
        "finish()",
        [took],
        ["Those that write fewer points (MLflow 100, Aim 1,000, W&B 5,000) are scaled up."],
    )
