"""Whole scripts as people write them: two lines, cells of a notebook, Vertex AI by one import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mendel.graph.run import RunState
from scripts import records, run_script, the_record

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.story


def test_two_lines_are_a_run(tmp_path: Path) -> None:
    run_script(tmp_path, "import mendel\nmendel.start_run().log({'loss': 0.5})\n")
    record = the_record(tmp_path)
    assert record.state is RunState.COMPLETE
    assert record.series["loss"].last == 0.5
    assert record.experiment == tmp_path.name


def test_a_training_script(tmp_path: Path) -> None:
    said = run_script(
        tmp_path,
        """
        import math
        import mendel

        mendel.init(experiment="churn/gbdt", experiment_description="who leaves, and why")

        for lr in (0.1, 0.01):
            with mendel.start_run(f"lr {lr}", params={"lr": lr, "layers": [64, 64]}) as run:
                run.define_metric("loss", goal="minimize")
                for epoch in range(20):
                    run.log({"loss": math.exp(-lr * epoch), "epoch": epoch}, step=epoch)
                run.summary["auc"] = 0.8 + lr
                run.set_tags({"stage": "draft"})

        frame = mendel.get_experiment_df()
        best = frame.sort_values("time_series_metric.loss").iloc[0]
        print(best["run_name"], best["param.lr"], best["state"], len(frame))
        """,
    )
    assert said.stdout == "lr 0.1 0.1 COMPLETE 2\n"


def test_the_same_script_against_vertex_ai_by_one_import(tmp_path: Path) -> None:
    said = run_script(
        tmp_path,
        """
        import mendel as aiplatform

        aiplatform.init(
            project="my-project",
            location="europe-west4",
            experiment="my-experiment",
            experiment_description="the first",
            experiment_tensorboard=False,
            staging_bucket="gs://bucket",
        )
        aiplatform.start_run("run-1")
        aiplatform.log_params({"learning_rate": 0.1, "units": 64, "optimizer": "adam"})
        for epoch, loss in enumerate([0.5, 0.25, 0.125], start=1):
            aiplatform.log_time_series_metrics({"loss": loss})
        aiplatform.log_metrics({"accuracy": 0.9, "lineage": "https://example.com/x"})
        aiplatform.log_classification_metrics(
            labels=["cat", "dog"], matrix=[[9, 1], [2, 8]], display_name="matrix"
        )
        aiplatform.end_run()

        with aiplatform.start_run("run-1", resume=True) as run:
            run.log_time_series_metrics({"loss": 0.0625})
            print(run.get_params(), run.get_metrics(), run.get_state())
            print(list(run.get_time_series_data_frame().columns))
            print(run.get_time_series_data_frame()["step"].tolist())
            print(run.get_classification_metrics()[0]["matrix"])

        run = aiplatform.ExperimentRun("run-1", experiment="my-experiment")
        print(run.name, run.get_state(), run.project, run.location)
        experiment = aiplatform.Experiment.get_or_create("my-experiment")
        frame = aiplatform.get_experiment_df("my-experiment")
        print(list(frame.columns))
        print([r.name for r in aiplatform.ExperimentRun.list(experiment=experiment)])
        try:
            aiplatform.end_run()
        except ValueError as error:
            print("ValueError")
        aiplatform.init(project="another")
        try:
            aiplatform.start_run("x")
        except ValueError as error:
            print("ValueError")
        """,
    )
    lines = said.stdout.splitlines()
    assert lines[0] == (
        "{'learning_rate': 0.1, 'optimizer': 'adam', 'units': 64} "
        "{'accuracy': 0.9, 'lineage': 'https://example.com/x'} RUNNING"
    )
    assert lines[1:5] == [
        "['step', 'wall_time', 'loss']",
        "[1, 2, 3, 4]",
        "[[9, 1], [2, 8]]",
        "run-1 COMPLETE my-project europe-west4",
    ]
    assert lines[5] == str(
        [
            "experiment_name",
            "run_name",
            "run_type",
            "state",
            "param.learning_rate",
            "param.optimizer",
            "param.units",
            "metric.accuracy",
            "metric.lineage",
            "time_series_metric.loss",
        ]
    )
    assert lines[6:] == ["['run-1']", "ValueError", "ValueError"]


def test_cross_validation_in_processes(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        from concurrent.futures import ProcessPoolExecutor
        import multiprocessing
        import mendel

        def fold(number):
            with mendel.start_run(f"fold {number}", group="cv") as run:
                for step in range(10):
                    run.log({"auc": 0.8 + number / 100}, step)
            return number

        if __name__ == "__main__":
            with mendel.start_run("cv") as run:
                context = multiprocessing.get_context("spawn")
                with ProcessPoolExecutor(2, mp_context=context) as pool:
                    assert list(pool.map(fold, range(4))) == [0, 1, 2, 3]
                run.summary["folds"] = 4
        """,
    )
    parent, *folds = sorted(records(tmp_path), key=lambda record: record.name)
    assert parent.metrics == {"folds": 4}
    assert [fold.parent for fold in folds] == [parent.id] * 4
    assert {fold.group for fold in folds} == {"cv"}
    assert {record.state for record in [parent, *folds]} == {RunState.COMPLETE}
    assert [fold.series["auc"].count for fold in folds] == [10] * 4


def test_training_that_is_preempted_and_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    script = """
        import os, pathlib, sys, mendel
        checkpoint = pathlib.Path("checkpoint")
        start = int(checkpoint.read_text()) if checkpoint.exists() else 0
        run = mendel.start_run("train", resume="allow", rewind_to=start or None)
        for step in range(start + 1, 31):
            run.log({"loss": 1 / step}, step)
            if step % 10 == 0:
                checkpoint.write_text(str(step))
            if step == int(sys.argv[1]):
                os._exit(9)
    """
    run_script(tmp_path, script, "14", expect=9)
    assert the_record(tmp_path).state is RunState.LOST
    run_script(tmp_path, script, "27", expect=9)
    run_script(tmp_path, script, "0")
    record = the_record(tmp_path)
    assert record.state is RunState.COMPLETE
    assert (record.series["loss"].count, record.series["loss"].last_step) == (30, 30)


def test_cells_of_a_notebook_that_are_run_again(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        import mendel
        cell = compile("run = mendel.start_run('try')\\nrun.log({'x': 1.0})", "cell", "exec")
        shell = {"mendel": mendel}
        for _ in range(3):
            exec(cell, shell)
        try:
            exec("1 / 0", shell)
        except ZeroDivisionError:
            pass
        assert shell["run"].get_state() == "RUNNING"
        """,
    )
    assert [record.state for record in records(tmp_path)] == [RunState.COMPLETE] * 3
