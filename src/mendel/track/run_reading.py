"""The reading side of a run that is held: its own series and history, while it runs and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from mendel.track.series import RunSeries
    from mendel.track.store import Store
    from mendel.track.view import RunView


class RunReading:
    """What reads a run; mixed into `mendel.ExperimentRun`."""

    id: str
    store: Store

    @property
    def view(self) -> RunView:
        """The run as searches hand it out: all that is written down of it at this moment.

        Raises:
            NotFoundError: it is no longer in the store.
        """
        from mendel.graph.errors import NotFoundError
        from mendel.track.view import RunView

        self.store.refresh([self.id])
        found = self.store.catalog.get_runs([self.id])
        if self.id not in found:
            raise NotFoundError(f"run {self.id} is no longer in the store.")
        return RunView(self.store, found[self.id])

    def series(
        self,
        key: str,
        *,
        buckets: int | None = None,
        steps: tuple[int | None, int | None] = (None, None),
    ) -> RunSeries:
        """Return one series, exact unless ``buckets`` asks for fewer: see `RunView.series`."""
        return self.view.series(key, buckets=buckets, steps=steps)

    def history(self, keys: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the series side by side: see `RunView.history`."""
        return self.view.history(keys)
