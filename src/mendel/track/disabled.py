"""What `start_run` gives where ``MENDEL_MODE=disabled``: every verb is there, and does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from mendel.graph import clock
from mendel.graph.state import RunState
from mendel.track.config import Tree
from mendel.track.run import ExperimentRun

if TYPE_CHECKING:
    from mendel.graph.values import Value


def _nothing(*_args: object, **_more: object) -> None:
    return None


class DisabledRun(ExperimentRun):
    """A run that keeps nothing: config and summary hold what they are given; that is all."""

    def __init__(self, name: str) -> None:
        self.id = clock.new_id()
        self._name = name
        self._experiment = "disabled"
        self._ended = False
        self._recorder = None
        self._told_end = None
        self._finishers = []
        self._params: dict[str, Value] = {}
        self._metrics: dict[str, Value] = {}
        self.log = _nothing

    def fact(self, kind: str, body: dict[str, Value], *, time: float | None = None) -> None:
        """Pass by."""

    def _show(self, *_args: object, **_more: object) -> None:
        """Pass by."""

    def _content(self, *_args: object, **_more: object) -> None:
        """Keep no bytes."""

    def _same(self, *_args: object, **_more: object) -> list[Any]:
        """Know of nothing."""
        return []

    def _members(self, *_args: object, **_more: object) -> list[Any]:
        return []

    def media(self, *_args: object, **_more: object) -> list[Any]:
        """Nothing was shown."""
        return []

    def inputs(self) -> list[Any]:
        """Nothing was used."""
        return []

    def outputs(self) -> list[Any]:
        """Nothing was made."""
        return []

    def get_classification_metrics(self) -> list[Any]:
        """Nothing was logged."""
        return []

    def _keep_params(self, changed: dict[str, Value]) -> None:
        self._params.update(changed)

    def _keep_metrics(self, changed: dict[str, Value]) -> None:
        self._metrics.update(changed)

    @property
    def config(self) -> Tree:
        """What was set here."""
        return Tree(self._params, self._keep_params, "param")

    @property
    def summary(self) -> Tree:
        """What was set here."""
        return Tree(self._metrics, self._keep_metrics, "metric")

    def rewind(self, step: int) -> None:
        """Pass by."""

    def set_note(self, text: str | None) -> None:
        """Pass by."""

    def child(self, name: str | None = None, **_more: Any) -> DisabledRun:
        """Return another that keeps nothing."""
        return DisabledRun(name or "disabled")

    @property
    def state(self) -> RunState:
        """Always STATE_UNSPECIFIED."""
        return RunState.STATE_UNSPECIFIED

    def get_state(self) -> str:
        """Return STATE_UNSPECIFIED."""
        return self.state.value

    def get_params(self) -> dict[str, Value]:
        """Return what was set here."""
        return dict(self._params)

    def get_metrics(self) -> dict[str, Value]:
        """Return what was set here."""
        return dict(self._metrics)

    def end_with_process(self, end: dict[str, Value], *, quick: bool) -> None:  # noqa: ARG002
        """Be over."""
        self._ended = True

    def __enter__(self) -> Self:
        return self
