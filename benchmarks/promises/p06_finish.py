"""How long the end of a run takes when 100,000 points wait."""

from benchmarks.harness import Measure, Result


def measure(bench):
    took = Measure("finish() after 100,000 points", "ms", target=50.0)
    count = bench.scaled(100_000, 500)

    def once(who):
        with bench.folder() as folder:
            arguments = {"folder": folder, "count": count, "numpy": True, "whole": True}
            found = bench.run("write", who, timeout=300, **arguments)
            took.add(who, found["finish_ms"])

    left_out = {"list_append", "mlflow_"}
    bench.turns([w for w in bench.who() if w not in left_out], once, rounds=min(bench.rounds, 3))
    return Result(
        "finish()",
        [took],
        [
            "MLflow is left out: it takes half an hour to log as many.",
            "NumPy is imported before, as training scripts have it.",
        ],
    )
