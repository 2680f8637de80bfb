"""Reading a series back: whole, as a picture, and a part of it closely."""

from benchmarks.envs import OURS
from benchmarks.harness import Measure, Result


def measure(bench):
    cpu = Measure("CPU per point, the whole series", "µs")
    sizes = bench.scaled((1_000_000, 10_000_000), (20_000,))
    limits = {1_000_000: (10.0, 1.0), 10_000_000: (140.0, 4.0)}
    measures = [cpu]

    def whole(who):
        with bench.folder() as folder:
            count = bench.scaled(100_000, 300)
            bench.run("write", who, folder=folder, count=count)
            found = bench.run("read", who, folder=folder)
            cpu.add(who, found["cpu_ms"] * 1e3 / max(1, found["points"]))

    for size in sizes:
        most, least = limits.get(size, (None, None))
        picture = Measure(f"{size:,} points: the first picture of 1,000 buckets", "ms", most)
        zoom = Measure(f"{size:,} points: the picture again, and a hundredth of it", "ms", least)
        measures += [picture, zoom]

        def pictured(who, size=size, picture=picture, zoom=zoom):
            with bench.folder() as folder:
                bench.run("long_series", who, folder=folder, count=size, timeout=600)
                for _ in range(bench.scaled(5, 1)):
                    found = bench.run("picture", who, folder=folder)
                    picture.add(who, found["first_ms"])
                    zoom.add(who, found["zoom_ms"])

        bench.turns([OURS], pictured, rounds=1)
    bench.turns([w for w in bench.who() if w != "list_append"], whole, rounds=1)
    return Result(
        "Reading a series",
        measures,
        ["The store is opened and NumPy imported before; the file is in the system's cache."],
    )
