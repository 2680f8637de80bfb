"""Four processes write one run at once, as ranks of a distributed training do: nothing waits."""

import multiprocessing
import os

import mendel


def work(rank: int) -> None:
    run = mendel.active_run() or mendel.start_run()  # the run that the parent process began
    for step in range(1000):
        run.log({f"rank-{rank}/loss": 1 / (step + 1)}, step)


if __name__ == "__main__":
    with mendel.start_run("four-ranks", experiment="ranks") as run:
        context = multiprocessing.get_context("spawn")
        ranks = [context.Process(target=work, args=(rank,)) for rank in range(4)]
        for process in ranks:
            process.start()
        for process in ranks:
            process.join()

    (view,) = mendel.runs("name = 'four-ranks'")
    points = {key: view.series(key).total for key in view.series_keys if key.startswith("rank-")}
    print(os.getpid(), points)
    assert points == {f"rank-{rank}/loss": 1000 for rank in range(4)}
