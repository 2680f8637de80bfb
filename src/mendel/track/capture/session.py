"""The capture of one run: the cheap things at once, the rest in the background."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mendel.graph import clock
from mendel.track import seeds
from mendel.track.capture import command

if TYPE_CHECKING:
    from collections.abc import Callable

    from mendel.graph.values import Value
    from mendel.track.capture.console import Console
    from mendel.track.capture.settings import CaptureSettings
    from mendel.track.capture.system import Sampler


class Sink(Protocol):
    """Where what was captured goes: a run's writer."""

    def fact(self, kind: str, body: dict[str, Value]) -> None:
        """Write a fact."""

    def log(self, data: dict[str, float], step: int | None = None) -> None:
        """Write a point."""


class CaptureSession:
    """Captures for one run, as its settings say.

    Args:
        settings: which kinds are on.
        sink: the run's writer, for facts.
        samples: a writer of the same run for the system metrics, made when the first sample is
            taken; their step is the whole seconds since the run began.
        files: the run's ``files`` folder.
        folder: where the user stood when the run began; None: here and now.
        like: the session of a run that this one is part of, in the same process: what that one
            gathered is true here too.
    """

    def __init__(
        self,
        settings: CaptureSettings,
        sink: Sink,
        samples: Callable[[], Sink],
        files: Path,
        *,
        like: CaptureSession | None = None,
        folder: Path | None = None,
    ) -> None:
        self._settings = settings
        self._sink = sink
        self._make_samples = samples
        self._samples: Sink | None = None
        self._files = files
        self._began = clock.monotonic()
        self._folder = Path.cwd() if folder is None else folder
        self._sampler: Sampler | None = None
        self._console: Console | None = None
        self._over = False
        self._like = like
        self._gathered: dict[str, dict[str, Value]] = {}

    def begin(self) -> None:
        """Do what must be done on the caller's thread: a fraction of a millisecond."""
        if self._settings.command:
            self._take("command", lambda: command.capture(self._folder))
        if seeds.planted:
            self._keep("seeds", dict(seeds.planted))
        if self._settings.console:
            from mendel.track.capture.console import Console

            self._console = Console(self._print)
            self._console.start()

    def gather(self) -> None:
        """Do the rest; for the background thread, once."""
        for kind, take in (
            ("hardware", self._hardware),
            ("environment", self._environment),
            ("code", self._code),
        ):
            if getattr(self._settings, kind):
                known = self._like._gathered.get(kind) if self._like is not None else None
                if known is None:
                    self._take(kind, take)
                else:
                    self._keep(kind, known)
        if self._like is not None and self._settings.code:
            code = self._like._files / "code"
            if code.is_dir():
                shutil.copytree(code, self._files / "code", dirs_exist_ok=True)
            self._like = None

    def sample(self) -> None:
        """Take one sample of the system metrics; for the background thread, every so often."""
        if not self._settings.system or self._over:
            return
        if self._sampler is None:
            from mendel.track.capture.system import Sampler

            self._sampler = Sampler()
            return  # rates need two readings
        if self._samples is None:
            self._samples = self._make_samples()
        self._samples.log(self._sampler.sample(), step=round(clock.monotonic() - self._began))

    def end(self) -> None:
        """Let go of the console."""
        self._over = True
        if self._console is not None:
            self._console.stop()
            self._console = None

    def _take(self, kind: str, take: Callable[[], dict[str, Value] | None]) -> None:
        try:
            found = take()
        except Exception as error:  # noqa: BLE001 - capture never touches the run: it is noted
            found = {"error": f"{type(error).__name__}: {error}"}
        if found is not None:
            self._keep(kind, found)

    def _keep(self, kind: str, found: dict[str, Value]) -> None:
        self._gathered[kind] = found
        # Code is kept as git, source and script: searches say git.commit, not code.git.commit.
        whole: dict[str, Value] = {kind: found}
        if kind == "code" and "error" not in found:
            whole = found
        self._sink.fact("capture", {"set": whole})

    def _hardware(self) -> dict[str, Value]:
        from mendel.track.capture import hardware

        return hardware.capture()

    def _environment(self) -> dict[str, Value]:
        from mendel.track.capture import environment

        return environment.capture()

    def _code(self) -> dict[str, Value] | None:
        from mendel.track.capture import git, source

        script = command.main_script()
        folder = script.parent if script is not None else self._folder
        try:
            found: dict[str, Value] = {"git": git.capture(folder, self._files)}
        except git.NoGitError:
            taken = source.snapshot(self._files)
            found = {"source": taken} if taken is not None else {}
        if script is not None:
            found["script"] = str(script)
        return found or None

    def _print(self, stream: str, text: str) -> None:
        self._sink.fact("console", {"stream": stream, "text": text})
