"""How fast journals of a process that died are taken into the catalog."""

from benchmarks.harness import Measure, Result


def measure(bench):
    rate = Measure("points per CPU second, 10 keys a call", "million", 20.0, more_is_better=True)
    one = Measure("points per CPU second, 1 key a call", "million", more_is_better=True)

    def once(who):
        for keys, into in ((10, rate), (1, one)):
            calls = bench.scaled(500_000, 1000)
            with bench.folder() as folder:
                arguments = {"folder": folder, "keys": keys, "calls": calls}
                found = bench.run("ingest", who, timeout=300, **arguments)
                into.add(who, found["points"] / found["seconds"] / 1e6)

    bench.turns([w for w in bench.contestants if w in {"mendel_", "sqlite_insert"}], once)
    return Result(
        "Taking journals in",
        [rate, one],
        ["SQLite here inserts a row a point from a list, in one transaction."],
    )
