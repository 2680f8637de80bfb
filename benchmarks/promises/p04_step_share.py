"""How much of a training thread goes into logging where a step is 1 ms of work."""

from benchmarks.harness import Measure, Result


def measure(bench):
    share = Measure("share of the time inside log(), 10 keys a step", "%", target=0.5)
    slower = Measure("the loop is slower by", "%")
    steps = bench.scaled(2000, 40)

    def once(who):
        with bench.folder() as folder:
            found = bench.run("step_share", who, folder=folder, steps=steps, every=steps // 20)
            share.add(who, 100 * found["share"])
            slower.add(who, 100 * found["slower"])

    who = [w for w in bench.who() if w != "mlflow_"]
    bench.turns(who, once)
    return Result(
        "The training thread's share at steps of 1 ms",
        [share, slower],
        [
            "MLflow is left out: one call takes longer than many steps.",
            "'Slower' compares blocks of steps with and without logging; below 1 % it is noise.",
        ],
    )
