"""Calls the program in this process, on real stores filled as a user would fill them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

import mendel
from mendel.cli.main import cli
from mendel.track import session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return standard output as JSON."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """Return the lines of standard output."""
        return self.out.splitlines()


def call(*args: str, text: str | None = None) -> Answer:
    """Call the program; whatever it does, it must not end in a traceback."""
    result = CliRunner().invoke(cli, list(args), input=text, prog_name="mendel")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback (most recent call last)" not in result.stderr
    assert "defect in Mendel" not in result.stderr, result.stderr
    return Answer(result.exit_code, result.stdout, result.stderr)


def good(*args: str, text: str | None = None) -> Answer:
    """Call the program, which must end well."""
    answer = call(*args, text=text)
    assert answer.code == 0, answer.err
    return answer


@contextmanager
def working(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a folder as a process of its own would: no settings, no session."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MENDEL_QUIET", "1")
    monkeypatch.setenv("MENDEL_CAPTURE", "none")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "MENDEL_STORE"):
        monkeypatch.delenv(name, raising=False)
    session.session = session.Session()
    try:
        yield
    finally:
        while mendel.active_run():
            mendel.end_run()
        if session.session.store is not None:
            session.session.store.close()
        session.session = session.Session()


def fill(folder: Path) -> dict[str, str]:
    """Log four runs into ``.mendel`` of the working directory; return their ids by name."""
    ids: dict[str, str] = {}
    mendel.init(experiment="flights")
    model = folder / "model.bin"
    model.write_bytes(b"weights" * 1000)
    for i, (name, kind, lr) in enumerate(
        [("one", "gbdt", 0.1), ("two", "gbdt", 0.01), ("three", "linear", 1.0)]
    ):
        with mendel.start_run(name) as run:
            run.define_metric("auc", goal="maximize")
            run.log_params({"model": kind, "lr": lr, "seed": 7, "opt": {"eps": 1e-8}})
            for step in range(20):
                run.log({"auc": 0.5 + step / 50 - lr / 10, "loss": 1 / (step + 1)}, step=step)
            run.log_metrics({"final": i, "nan": float("nan")})
            run.set_tags({"stage": "dev", "odd\x1b[31m key": "a\nb"})
            if name == "one":
                run.log_artifact(model, type="model")
            ids[name] = run.id
    try:
        with mendel.start_run("bad") as run:
            ids["bad"] = run.id
            run.log({"loss": float("nan")}, step=1)
            int("it broke")
    except ValueError:
        pass
    return ids
