"""What a point takes on the disk once the run is finished."""

from benchmarks.harness import Measure, Result, size_of


def measure(bench):
    single = Measure("a noisy loss as training gives it (float32)", "bytes", target=4.5)
    double = Measure("the same with all 53 bits of noise", "bytes")
    count = bench.scaled(200_000, 500)

    def once(who):
        for is_single, into in ((True, single), (False, double)):
            sizes = []
            for points in (10, count):
                with bench.folder() as folder:
                    found = bench.run("write", who, folder=folder, count=points, single=is_single)
                    sizes.append(size_of(folder))
            into.add(who, (sizes[1] - sizes[0]) / found["points"])

    bench.turns([w for w in bench.who() if w != "list_append"], once, rounds=1)
    return Result(
        "Bytes per point at rest",
        [single, double],
        [
            "One scalar a call, with step and time; disk blocks as `du` counts, an empty run off.",
            "53 bits of noise cannot be compressed: 6.6 bytes of it are the noise itself.",
        ],
    )
