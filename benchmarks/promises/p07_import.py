"""What the import costs, over a bare Python."""

from benchmarks.envs import python_of
from benchmarks.harness import Measure, Result, environment, watched

CODE = {
    "mendel_": "import mendel",
    "trackio_": "import trackio",
    "tensorboardx": "import tensorboardX",
    "wandb_": "import wandb",
    "aim_": "import aim",
    "mlflow_": "import mlflow",
}


def measure(bench):
    over = Measure("CPU over a bare Python", "ms", target=10.0, floor=1.0)
    times = Measure("times a bare Python's start", "×", target=1.3)
    logging = Measure("CPU over a bare Python, until the first log() returned", "ms")

    def seconds(who, code):
        env = environment()
        _, spent, _ = watched(
            [python_of(who), "-c", code], timeout=120, environment=env, check=False
        )
        return spent

    def once(who):
        repeats = bench.scaled(5 if who == "mendel_" else 1, 1)
        for _ in range(repeats):
            bare = seconds(who, "pass")
            full = seconds(who, CODE[who])
            over.add(who, (full - bare) * 1e3)
            times.add(who, full / bare)
        with bench.folder() as folder:
            _, begun, _ = bench.watched("cpu", who, folder=folder, keys=1, count=1)
            logging.add(who, (begun - bare) * 1e3)

    bench.turns(bench.who(yardsticks=False), once)
    logging.name = "CPU over a bare Python of a whole run with one point, children too"
    return Result("`import mendel`", [over, times, logging])
