"""What a call of log costs the training thread, alone and beside a busy Python thread."""

from benchmarks.harness import Measure, Result


def measure(bench):
    one = Measure("1 key, median", "µs", target=1.0)
    ten = Measure("10 keys, median", "µs", target=1.5)
    tail = Measure("1 key, 99th percentile", "µs")
    busy = Measure("1 key beside a busy Python thread, mean", "µs", target=10.0)
    count = bench.scaled(100_000, 300)

    def once(who):
        with bench.folder() as folder:
            found = bench.run("log_call", who, folder=folder, keys=1, count=count)
            one.add(who, found["median"] / 1e3)
            tail.add(who, found["p99"] / 1e3)
        with bench.folder() as folder:
            found = bench.run("log_call", who, folder=folder, keys=10, count=count)
            ten.add(who, found["median"] / 1e3)
        with bench.folder() as folder:
            found = bench.run("log_call", who, folder=folder, keys=1, count=count, busy=True)
            busy.add(who, found["mean"] / 1e3)

    bench.turns(bench.who(), once)
    return Result(
        "What `run.log({…}, step=i)` costs the training thread",
        [one, ten, tail, busy],
        [
            "list.append keeps nothing; Trackio's call only fills a list too: see the next table.",
            "Each call is timed alone; the cost of reading the clock is taken off.",
        ],
    )
