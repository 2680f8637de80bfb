"""What is left when the whole process tree is killed right after the calls returned."""

from benchmarks.harness import Measure, Result


def measure(bench):
    lost = Measure("points lost, of 10,000 calls", "%", target=0.0)
    count = bench.scaled(10_000, 200)

    def once(who):
        with bench.folder() as folder:
            found = bench.run("kill", who, check="found", folder=folder, count=count)
            calls = found["calls"]
            left, _, _ = bench.watched("count", who, check=False, folder=folder)
            kept = (left or {}).get("points", 0)
            lost.add(who, 100 * (calls - kept) / calls)

    bench.turns([w for w in bench.who() if w != "list_append"], once)
    return Result(
        "Points lost when everything is killed (kill -9) right after the calls returned",
        [lost],
        ["MLflow writes 400 calls instead of 10,000, Aim 4,000: they are slow."],
    )
