"""The CPU of a point over all threads and children, until it is found in the catalog."""

from benchmarks.harness import Measure, Result


def measure(bench):
    one = Measure("1 key", "µs", target=2.5)
    ten = Measure("10 keys", "µs", target=0.7)
    count = bench.scaled(200_000, 300)

    def once(who):
        for keys, into in ((1, one), (10, ten)):
            with bench.folder() as folder:
                _, empty, _ = bench.watched("cpu", who, folder=folder, keys=keys, count=1)
            with bench.folder() as folder:
                found, full, _ = bench.watched("cpu", who, folder=folder, keys=keys, count=count)
                into.add(who, max(0.0, full - empty) / found["points"] * 1e6)

    bench.turns([w for w in bench.who() if w != "list_append"], once, rounds=min(bench.rounds, 3))
    return Result(
        "CPU per point, all threads and children, until it is catalogued",
        [one, ten],
        ["A run with one point is taken off. The dicts are made in the loop, as users write them."],
    )
