"""However a process ends, its run tells the truth, and the process ends as it would have."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from mendel.graph.run import RunState
from scripts import records, run_script, start_script, the_record

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = """
    import mendel
    run = mendel.start_run("r")
    run.log({"loss": 1.0}, 1)
"""


def test_a_script_that_runs_to_its_end_completes_its_run(tmp_path: Path) -> None:
    run_script(tmp_path, BEGIN)
    record = the_record(tmp_path)
    assert record.state is RunState.COMPLETE
    assert record.ended is not None
    assert record.series["loss"].count == 1


def test_an_exception_that_nobody_catches_fails_the_run_and_its_traceback_is_kept(
    tmp_path: Path,
) -> None:
    done = run_script(
        tmp_path, BEGIN + "    def f():\n        raise ValueError('no ¼')\n    f()\n", expect=1
    )
    assert "ValueError: no ¼" in done.stderr
    record = the_record(tmp_path)
    assert record.state is RunState.FAILED
    assert record.end["reason"] == "ValueError: no ¼"
    assert "in f" in str(record.end["traceback"])


@pytest.mark.parametrize(
    ("leave", "code", "state"),
    [
        ("import sys; sys.exit(3)", 3, RunState.FAILED),
        ("import sys; sys.exit(0)", 0, RunState.COMPLETE),
        ("import sys; sys.exit()", 0, RunState.COMPLETE),
        ("import sys; sys.exit('it broke')", 1, RunState.FAILED),
        ("exit(4)", 4, RunState.FAILED),
        ("import argparse; argparse.ArgumentParser().error('no')", 2, RunState.FAILED),
    ],
)
def test_the_exit_code_decides(tmp_path: Path, leave: str, code: int, state: RunState) -> None:
    run_script(tmp_path, BEGIN + f"    {leave}\n", expect=code)
    record = the_record(tmp_path)
    assert record.state is state
    assert record.end.get("exit_code", 0) == code


@pytest.mark.parametrize(
    "caught",
    [
        """
    import sys
    try:
        sys.exit(3)
    except SystemExit:
        pass
    """,
        """
    import sys
    def main():
        try:
            sys.exit(3)
        except SystemExit as error:
            assert type(error).__name__ == "SystemExit" and error.code == 3
    main()
    """,
        """
    import sys, threading
    thread = threading.Thread(target=lambda: sys.exit(3))
    thread.start()
    thread.join()
    """,
    ],
)
def test_an_exit_that_is_caught_is_none(tmp_path: Path, caught: str) -> None:
    run_script(tmp_path, BEGIN + caught)
    assert the_record(tmp_path).state is RunState.COMPLETE


def test_a_block_that_raises_fails_its_run_and_the_exception_goes_on(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        import mendel
        try:
            with mendel.start_run("r"):
                raise KeyError("x")
        except KeyError:
            pass
        with mendel.start_run("s"):
            pass
        """,
    )
    first, second = records(tmp_path)
    assert (first.state, second.state) == (RunState.FAILED, RunState.COMPLETE)
    assert "KeyError" in str(first.end["traceback"])


WAIT = """
    print("ready", flush=True)
    import time
    while True:
        time.sleep(0.01)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_kills_cancels_the_run_and_still_kills(
    tmp_path: Path, number: signal.Signals
) -> None:
    with start_script(tmp_path, BEGIN + WAIT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(30) == -number
    record = the_record(tmp_path)
    assert record.state is RunState.CANCELLED
    assert record.end["signal"] == number.name


@pytest.mark.parametrize("block", [False, True])
def test_an_interrupt_from_the_keyboard_cancels_the_run(tmp_path: Path, block: bool) -> None:
    text = BEGIN + WAIT
    if block:
        text = """
    import mendel
    with mendel.start_run("r"):
        print("ready", flush=True)
        import time
        while True:
            time.sleep(0.01)
    """
    with start_script(tmp_path, text) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        process.wait(30)
        assert process.stderr is not None
        assert "KeyboardInterrupt" in process.stderr.read()
        assert process.returncode == -signal.SIGINT  # so that a shell's loop stops too
    record = the_record(tmp_path)
    assert record.state is RunState.CANCELLED
    assert record.end["signal"] == "SIGINT"


def test_a_handler_that_was_there_is_called_and_decides(tmp_path: Path) -> None:
    text = """
    import signal, sys, time
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    import mendel
    run = mendel.start_run("r")
    print("ready", flush=True)
    while not stop:
        time.sleep(0.01)
    run.log({"saved": 1}, 1)
    """
    for more, state in (("", RunState.CANCELLED), ("    run.end_run()\n", RunState.COMPLETE)):
        with start_script(tmp_path, text.rstrip() + "\n" + more) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.terminate()
            assert process.wait(30) == 0
        last = records(tmp_path)[-1]
        assert last.state is state
        assert last.series["saved"].count == 1


def test_a_killed_process_leaves_a_run_that_readers_find_lost(tmp_path: Path) -> None:
    with start_script(tmp_path, BEGIN + WAIT) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert the_record(tmp_path).state is RunState.RUNNING
        process.kill()
        process.wait(30)
    record = the_record(tmp_path)
    assert record.state is RunState.LOST
    assert record.series["loss"].count == 1


def test_a_lost_run_that_is_resumed_runs_again_and_keeps_what_it_had(tmp_path: Path) -> None:
    run_script(
        tmp_path, BEGIN + "    run.log_params({'a': 1})\n    import os; os._exit(1)\n", expect=1
    )
    assert the_record(tmp_path).state is RunState.LOST
    run_script(
        tmp_path,
        """
        import mendel
        run = mendel.start_run("r", resume=True)
        assert run.get_state() == "RUNNING", run.get_state()
        assert run.get_params() == {"a": 1}
        run.log({"loss": 0.5})
        """,
    )
    record = the_record(tmp_path)
    assert record.state is RunState.COMPLETE
    assert (record.series["loss"].count, record.series["loss"].last_step) == (2, 2)


def test_an_exception_in_a_thread_fails_the_run_that_the_thread_began_and_no_other(
    tmp_path: Path,
) -> None:
    run_script(
        tmp_path,
        """
        import threading, mendel
        mendel.start_run("main")
        def work():
            mendel.start_run("in the thread")
            raise RuntimeError("thread")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        """,
    )
    states = {record.name: record.state for record in records(tmp_path)}
    assert states == {"main": RunState.COMPLETE, "in the thread": RunState.FAILED}


def test_threads_still_log_after_the_main_thread_failed(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        import threading, time, mendel
        run = mendel.start_run("r")
        def work():
            for step in range(50):
                run.log({"loss": 1.0}, step)
                time.sleep(0.005)
        threading.Thread(target=work).start()
        raise ValueError("main")
        """,
        expect=1,
    )
    record = the_record(tmp_path)
    assert record.state is RunState.FAILED
    assert record.series["loss"].count == 50


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_that_ends_does_not_end_its_parents_run(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        import os, sys, mendel
        run = mendel.start_run("r")
        run.log({"a": 1.0}, 1)
        child = os.fork()
        if child == 0:
            run.log({"child": 1.0}, 1)
            sys.exit(5)
        os.waitpid(child, 0)
        assert run.get_state() == "RUNNING"
        run.log({"a": 2.0}, 2)
        """,
    )
    record = the_record(tmp_path)
    assert record.state is RunState.COMPLETE
    assert (record.series["a"].count, record.series["child"].count) == (2, 1)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing_log_into_the_run(tmp_path: Path, method: str) -> None:
    run_script(
        tmp_path,
        f"""
        import multiprocessing, mendel
        def work(number):
            mendel.log({{"worker": float(number)}}, number)
            return number
        if __name__ == "__main__":
            run = mendel.start_run("r")
            with multiprocessing.get_context({method!r}).Pool(2) as pool:
                assert pool.map(work, range(20)) == list(range(20))
            assert run.get_state() == "RUNNING"
        """,
    )
    record = the_record(tmp_path)
    assert record.state is RunState.COMPLETE
    assert record.series["worker"].count == 20


def test_earlier_hooks_are_called(tmp_path: Path) -> None:
    done = run_script(
        tmp_path,
        """
        import sys, atexit
        sys.excepthook = lambda *_: print("hook")
        atexit.register(lambda: print("exit"))
        import mendel
        mendel.start_run("r")
        raise ValueError
        """,
        expect=1,
    )
    assert done.stdout == "hook\nexit\n"


def test_no_run_no_trace(tmp_path: Path) -> None:
    done = run_script(tmp_path, "import mendel\n")
    assert (done.stdout, done.stderr) == ("", "")
    assert not (tmp_path / ".mendel").exists()
