"""The program as a process: terminals, pipes, signals."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest
from front import fill, working

from scripts import environment, start_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PROGRAM = (sys.executable, "-m", "mendel")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("terminal")
        with working(place, patch):
            fill(place)
        yield place


class Terminal:
    """The program on a terminal of its own."""

    def __init__(
        self, folder: Path, *args: str, width: int = 80, env: Mapping[str, str] | None = None
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        self.process = subprocess.Popen(
            [*PROGRAM, *args],
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment(), "TERM": "xterm", "MENDEL_QUIET": "", **(env or {})},
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def until(self, words: str, seconds: float = 20.0) -> None:
        """Read until words appear."""
        end = time.monotonic() + seconds
        while words not in self.seen:
            assert time.monotonic() < end, f"{words!r} is not in {self.seen!r}"
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self._ours, 65536).decode("utf-8", "replace")
                except OSError:  # Linux: the other side is closed
                    assert words in self.seen, f"{words!r} is not in {self.seen!r}"

    def type(self, text: str) -> None:
        """Type on the terminal."""
        os.write(self._ours, text.encode())

    def end(self, seconds: float = 20.0) -> tuple[int, str]:
        """Wait for the end; return the exit code and all that was shown."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                while select.select([self._ours], [], [], 0.05)[0]:
                    piece = os.read(self._ours, 65536)
                    if not piece:
                        break
                    self.seen += piece.decode("utf-8", "replace")
            if self.process.poll() is not None:
                break
        code = self.process.wait(5)
        os.close(self._ours)
        return code, self.seen


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r", "")


def test_colour_is_for_terminals_only(folder: Path) -> None:
    code, shown = Terminal(folder, "runs").end()
    assert code == 0
    assert "\x1b[31mFAILED" in shown
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        _, shown = Terminal(folder, "runs", env=env).end()
        assert "\x1b[" not in shown
    piped = subprocess.run([*PROGRAM, "runs"], cwd=folder, capture_output=True, text=True,
                           env=environment(), check=True)  # fmt: skip
    assert "\x1b" not in piped.stdout
    forced = subprocess.run([*PROGRAM, "runs"], cwd=folder, capture_output=True, text=True,
                            env=environment({"FORCE_COLOR": "1"}), check=True)  # fmt: skip
    assert "\x1b[31mFAILED" in forced.stdout


@pytest.mark.parametrize("width", [40, 72])
def test_a_narrow_terminal_is_enough(folder: Path, width: int) -> None:
    for args in (["runs"], ["compare", "one", "two"]):
        _, shown = Terminal(folder, *args, width=width).end()
        lines = plain(shown).splitlines()
        table = [line for line in lines if not line.startswith(("no room", "a wider", "(a"))]
        assert max(len(line) for line in table[:4]) <= width


def test_a_question_is_asked_on_a_terminal(folder: Path) -> None:
    terminal = Terminal(folder, "rm", "three")
    terminal.until("Put 1 run (three) into the trash? [y/N]")
    terminal.type("n\n")
    code, shown = terminal.end()
    assert code == 1
    assert "nothing was deleted" in shown
    terminal = Terminal(folder, "rm", "three")
    terminal.until("[y/N]")
    terminal.type("y\n")
    assert terminal.end()[0] == 0
    subprocess.run([*PROGRAM, "restore", "three"], cwd=folder, env=environment(), check=True,
                   capture_output=True)  # fmt: skip


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    program = " ".join(PROGRAM)
    for line in (
        f"{program} runs --all --json | head -c 1; echo ${{PIPESTATUS[0]}}",
        f"{program} watch one --json | true; echo ${{PIPESTATUS[0]}}",
    ):
        done = subprocess.run(["/bin/bash", "-c", line], cwd=folder, env=environment(),
                              capture_output=True, text=True, check=True)  # fmt: skip
        assert done.stderr == ""
        assert done.stdout[-4:].strip().lstrip("{") in {"0", "141"}


GOING = """
    import sys, time, mendel
    run = mendel.start_run("going")
    print(run.id, flush=True)
    step = 0
    while True:
        run.log({"loss": 1 / (step + 1)}, step=step)
        step += 1
        time.sleep(0.02)
        if step > 20 and sys.stdin in __import__("select").select([sys.stdin], [], [], 0)[0]:
            break
    mendel.end_run()
"""


@pytest.fixture
def going(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = start_script(tmp_path, GOING)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    if process.poll() is None:
        process.communicate("stop\n", timeout=20)


def test_a_run_is_watched_until_it_ends(tmp_path: Path, going: subprocess.Popen[str]) -> None:
    watching = subprocess.Popen(
        [*PROGRAM, "watch", "going", "--json", "--interval", "0.05"],
        cwd=tmp_path, stdout=subprocess.PIPE, env=environment(), text=True,
    )  # fmt: skip
    assert watching.stdout is not None
    assert '"RUNNING"' in watching.stdout.readline()
    assert '"RUNNING"' in watching.stdout.readline()
    going.communicate("stop\n", timeout=20)
    rest = watching.stdout.read()
    assert '"COMPLETE"' in rest.splitlines()[-1]
    assert watching.wait(20) == 0
    watching.stdout.close()


def test_watching_draws_on_a_terminal_and_ctrl_c_stops_it_alone(
    tmp_path: Path, going: subprocess.Popen[str]
) -> None:
    terminal = Terminal(tmp_path, "watch", "--interval", "0.05", width=60)
    terminal.until("RUNNING")
    terminal.until("loss")
    terminal.until("\x1b[3F\x1b[J")  # drawn again in place
    terminal.process.send_signal(signal.SIGINT)
    code, shown = terminal.end()
    assert code == 130
    assert "Traceback" not in shown
    assert going.poll() is None


def test_an_error_is_one_line_and_debug_shows_where(folder: Path) -> None:
    done = subprocess.run([*PROGRAM, "show", "nobody"], cwd=folder, env=environment(),
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: no run 'nobody'")
    assert "Traceback" not in done.stderr
    done = subprocess.run([*PROGRAM, "show", "nobody"], cwd=folder, capture_output=True, text=True,
                          env=environment({"MENDEL_DEBUG": "1"}), check=False)  # fmt: skip
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_for_its_shell(folder: Path, shell: str) -> None:
    done = subprocess.run([*PROGRAM, "completion", shell], cwd=folder, env=environment(),
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert f"_MENDEL_COMPLETE={shell}_complete" in done.stdout


def test_bash_completes_runs(folder: Path) -> None:
    env = environment(
        {"_MENDEL_COMPLETE": "bash_complete", "COMP_WORDS": "mendel show t", "COMP_CWORD": "2"}
    )
    program = "from mendel.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, env=env,
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert set(done.stdout.split()) == {"plain,three", "plain,two"}
