"""How long the end of a run takes when 100,000 points wait."""

from benchmarks.harness import Measure, Result


def measure(bench):
    took = Measure("finish() after 100,000 points", "ms", target=50.0)
    count = bench.scaled(100_000, 500)

    def once(who):
        with bench.folder() as folder:
            found = bench.run("write", who, folder=folder, count=count, numpy=True, timeout=300)
            took.add(who, found["finish_ms"])

    bench.turns([w for w in bench.who() if w != "list_append"], once)
    return Result(
        "finish()",
        [took],
        [
            "Slow ones logged fewer: MLflow 100, Aim 1,000, W&B and tensorboardX 5,000.",
            "SQLite logged 10,000, Trackio 20,000.",
            "NumPy is imported before, as training scripts have it.",
        ],
    )
