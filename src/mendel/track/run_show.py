"""How a run looks in a terminal and a notebook, and the line that says how to see more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from mendel.track.recorder import Recorder
    from mendel.track.store import Store


class RunShow:
    """See the top of this file; a part of `mendel.track.run.ExperimentRun`."""

    id: str
    store: Store
    _name: str
    _experiment: str
    _ended: bool
    _recorder: Recorder | None

    @property
    def url(self) -> str:
        """How to see the run: the command line that shows it."""
        return f"mendel show {self.id}"

    @property
    def folder(self) -> Path:
        """Where the run lies, whole: copy it, and another store can show it."""
        return self.store.run_folder(self.id)

    def _where(self) -> str:
        if self._ended:
            return "ended here"
        return "found" if self._recorder is None else "open"

    def __repr__(self) -> str:
        return f"<run {self._name!r} of {self._experiment!r}, {self.id}, {self._where()}>"

    def _repr_html_(self) -> str:
        import html

        name, experiment = html.escape(self._name), html.escape(self._experiment)
        return (
            f"<div><b>{name}</b> · {experiment} · {self._where()}<br>"
            f"<code>{html.escape(self.url)}</code></div>"
        )
