"""Aim: a RocksDB beside the script."""

CALLS = 1_000
DURABLE = False
PACKAGE = "aim"


def begin(folder):
    from aim import Run

    return Run(
        repo=str(folder),
        experiment="bench",
        system_tracking_interval=None,
        log_system_params=False,
        capture_terminal_logs=False,
    )


def log(run):
    track = run.track

    def call(values, step):
        for key, value in values.items():
            track(value, name=key, step=step)

    return call


def finish(run):
    run.close()


def _metrics(folder):
    from aim import Repo

    repo = Repo.from_path(str(folder))
    repo._recreate_index()  # a closed run cannot be found before; `aim storage reindex` does this
    for run in repo.iter_runs():
        yield from run.metrics()


def count(folder):
    return sum(len(m.values.sparse_numpy()[0]) for m in _metrics(folder))


def read(folder, key):
    return sum(len(m.values.sparse_numpy()[0]) for m in _metrics(folder) if m.name == key)
