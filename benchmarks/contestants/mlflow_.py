"""MLflow with SQLite, its default, in the same process (no server)."""

import os
import sqlite3
from pathlib import Path

CALLS = 100
DURABLE = True
PACKAGE = "mlflow"


def begin(folder):
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    import mlflow

    if mlflow.get_experiment_by_name("bench") is None:
        mlflow.create_experiment("bench", artifact_location=f"{folder}/artifacts")
    mlflow.set_experiment("bench")
    return mlflow.start_run()


def log(run):
    import mlflow

    def call(values, step):
        if len(values) == 1:
            for key, value in values.items():
                mlflow.log_metric(key, value, step=step)
        else:
            mlflow.log_metrics(values, step=step)

    return call


def finish(run):
    import mlflow

    mlflow.end_run()


def count(folder):
    base = sqlite3.connect(Path(folder) / "mlflow.db")
    return base.execute("SELECT count(*) FROM metrics").fetchone()[0]


def read(folder, key):
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    from mlflow import MlflowClient

    client = MlflowClient()
    runs = client.search_runs([client.get_experiment_by_name("bench").experiment_id])
    return sum(len(client.get_metric_history(run.info.run_id, key)) for run in runs)


# -- many runs --


def build_runs(folder, runs):
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    begin(folder)
    import mlflow

    mlflow.end_run()
    client = MlflowClient()
    experiment = client.get_experiment_by_name("bench").experiment_id
    for params, metrics in runs:
        run = client.create_run(experiment)
        client.log_batch(
            run.info.run_id,
            metrics=[Metric(key, value, 0, 0) for key, value in metrics.items()],
            params=[Param(key, str(value)) for key, value in params.items()],
        )
        client.set_terminated(run.info.run_id)


def questions(folder):
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    from mlflow import MlflowClient

    client = MlflowClient()
    experiments = [client.get_experiment_by_name("bench").experiment_id]
    text = "metrics.auc > 0.5 and params.model = 'gbdt'"

    def page():
        client.search_runs(experiments, text, order_by=["metrics.loss ASC"], max_results=50)

    return {"page": page}


def frame(folder, count):
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    import mlflow

    return mlflow.search_runs(experiment_names=["bench"], max_results=count).shape
