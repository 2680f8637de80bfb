"""A process finds its run by the environment alone, and ends no run that is another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mendel.graph import clock
from mendel.graph.run import RunState
from scripts import records, run_script, the_record

if TYPE_CHECKING:
    from pathlib import Path

PARENT = """
    import subprocess, sys, mendel
    with mendel.start_run("parent", experiment="e") as run:
        run.log({"parent": 1.0}, 1)
        done = subprocess.run([sys.executable, "-c", sys.argv[1]])
        assert done.returncode == 0
        assert run.get_state() == "RUNNING", run.get_state()
"""


@pytest.mark.parametrize(
    "child",
    [
        "import mendel; mendel.log({'child': 1.0}, 1)",
        "import mendel; mendel.start_run().log({'child': 1.0}, 1)",
        "import mendel; mendel.start_run('parent').log({'child': 1.0}, 1); mendel.end_run()",
        "import mendel; mendel.log_params({'p': 1}); mendel.log({'child': 1.0}, 1)",
    ],
)
def test_a_script_that_a_run_starts_logs_into_it_and_does_not_end_it(
    tmp_path: Path, child: str
) -> None:
    run_script(tmp_path, PARENT, child)
    record = the_record(tmp_path)
    assert record.state is RunState.COMPLETE
    assert set(record.series) == {"parent", "child"}


def test_a_script_that_a_run_starts_and_that_names_another_is_its_child(tmp_path: Path) -> None:
    run_script(tmp_path, PARENT, "import mendel; mendel.start_run('other').log({'x': 1.0})")
    parent, child = records(tmp_path)
    assert child.parent == parent.id
    assert (child.name, child.state, child.experiment) == ("other", RunState.COMPLETE, "e")


def test_what_was_in_the_environment_comes_back(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        import os, mendel
        os.environ["MENDEL_EXPERIMENT"] = "mine"
        before = dict(os.environ)
        with mendel.start_run("a") as a:
            assert os.environ["MENDEL_RUN"] == a.id
            with a.child("b") as b:
                assert os.environ["MENDEL_RUN"] == b.id
            assert os.environ["MENDEL_RUN"] == a.id
        assert dict(os.environ) == before
        """,
    )


SCRIPT = """
    import mendel
    with mendel.start_run("any name") as run:
        run.log({"loss": 1.0})
        print(run.id)
"""


def test_a_named_run_is_made_by_the_first_and_gone_on_with_by_the_next(tmp_path: Path) -> None:
    run_id = clock.new_id()
    for _ in range(3):
        assert run_script(tmp_path, SCRIPT, env={"MENDEL_RUN": run_id}).stdout.strip() == run_id
    record = the_record(tmp_path)
    assert (record.name, record.state) == ("any name", RunState.COMPLETE)
    assert (record.series["loss"].count, record.series["loss"].last_step) == (3, 3)


def test_a_run_may_be_named_by_its_name_too(tmp_path: Path) -> None:
    run_id = run_script(tmp_path, SCRIPT).stdout
    assert run_script(tmp_path, SCRIPT, env={"MENDEL_RUN": "any name"}).stdout == run_id


def test_ranks_that_start_at_once_are_one_run(tmp_path: Path) -> None:
    from scripts import start_script

    run_id = clock.new_id()
    text = """
        import os, mendel
        run = mendel.start_run("ddp", experiment="e")
        run.log({"rank": float(os.environ["RANK"])}, 1)
        print(run.owner)
        input()
    """
    ranks = [
        start_script(tmp_path, text, env={"MENDEL_RUN": run_id, "RANK": str(rank)})
        for rank in range(4)
    ]
    owners = []
    for process in ranks:
        assert process.stdout is not None
        owners.append(process.stdout.readline().strip())
    assert sorted(owners) == ["False", "False", "False", "True"]
    guests = [p for p, owner in zip(ranks, owners, strict=True) if owner == "False"]
    for process in guests:
        process.communicate("\n", timeout=60)
    assert the_record(tmp_path).state is RunState.RUNNING
    for process in ranks:
        if process not in guests:
            process.communicate("\n", timeout=60)
    record = the_record(tmp_path)
    assert record.state is RunState.COMPLETE
    assert record.series["rank"].count == 4
    assert (record.series["rank"].min, record.series["rank"].max) == (0.0, 3.0)


def test_a_guest_that_fails_leaves_an_alert_and_the_run_its_state(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        import subprocess, sys, mendel
        with mendel.start_run("parent") as run:
            child = "import mendel; mendel.log({'x': 1.0}, 1); raise ValueError('in the child')"
            assert subprocess.run([sys.executable, "-c", child], stderr=-3).returncode == 1
            assert run.get_state() == "RUNNING"
        """,
    )
    record = the_record(tmp_path)
    assert record.state is RunState.COMPLETE
    [alert] = record.alerts
    assert alert["level"] == "ERROR"
    assert "in the child" in str(alert["text"])


def test_vertex_variables_bind_an_unmodified_script(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        import mendel as aiplatform
        with aiplatform.start_run("job", experiment="e"):
            pass
        """,
    )
    script = """
        import mendel as aiplatform
        aiplatform.log_params({"lr": 0.1})
        aiplatform.log_time_series_metrics({"loss": 1.0})
        aiplatform.log_metrics({"auc": 0.5})
    """
    env = {"AIP_EXPERIMENT_NAME": "e", "AIP_EXPERIMENT_RUN_NAME": "job"}
    run_script(tmp_path, script, env=env)
    record = the_record(tmp_path)
    assert (record.params, record.metrics) == ({"lr": 0.1}, {"auc": 0.5})
    assert record.state is RunState.COMPLETE
    run_script(tmp_path, script, env={**env, "AIP_EXPERIMENT_RUN_NAME": "new"})
    assert [each.name for each in records(tmp_path)] == ["job", "new"]


def test_parent_group_and_experiment_may_be_named(tmp_path: Path) -> None:
    above = run_script(tmp_path, SCRIPT).stdout.strip()
    env = {
        "MENDEL_PARENT_RUN": above,
        "MENDEL_RUN_GROUP": "seeds",
        "MENDEL_EXPERIMENT": "from the environment",
    }
    run_script(tmp_path, SCRIPT, env=env)
    record = records(tmp_path)[1]
    assert (record.parent, record.group) == (above, "seeds")
    assert record.experiment == "from the environment"


def test_the_next_run_may_be_named(tmp_path: Path) -> None:
    text = "import mendel\nwith mendel.start_run() as a, a.child() as b:\n    print(b.name)\n"
    said = run_script(tmp_path, text, env={"MENDEL_RUN_NAME": "given"}).stdout
    assert said.startswith("run-")
    assert records(tmp_path)[0].name == "given"


def test_without_an_experiment_the_project_gives_its_name(tmp_path: Path) -> None:
    project = tmp_path / "churn"
    project.mkdir()
    run_script(project, SCRIPT)
    assert the_record(project).experiment == "churn"
    (project / "pyproject.toml").write_text('[tool.mendel]\nexperiment = "named"\n')
    run_script(project, SCRIPT)
    assert records(project)[1].experiment == "named"


def test_nothing_is_said_where_quiet_is_asked_for_and_two_lines_else(tmp_path: Path) -> None:
    assert run_script(tmp_path, SCRIPT).stderr == ""
    said = run_script(tmp_path, SCRIPT, env={"MENDEL_QUIET": "0"}).stderr.splitlines()
    assert len(said) == 2
    assert all("mendel show 01" in line for line in said)
