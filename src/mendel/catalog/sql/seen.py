"""Statistics of some of a block's points, for what a rewind left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mendel.graph.digest import KeyStats

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]


def key_stats(values: Array, steps: Array, lowest: int, highest: int) -> KeyStats:
    """Return the statistics of one key's points; ``lowest`` and ``highest`` are places in them."""
    is_float = values.dtype.kind == "f"
    has = ~np.isnan(values) if is_float else np.ones(len(values), np.bool_)
    numbers, at = values[has], steps[has]
    least = most = float("nan") if is_float else 0
    min_step = max_step = 0
    if len(numbers):
        least, most = numbers.min().item(), numbers.max().item()
        min_step = int(at[numbers == least].min())
        max_step = int(at[numbers == most].min())
    finite = numbers[np.isfinite(numbers)]
    return KeyStats(
        nan_count=int(len(values) - len(numbers)),
        first=values[lowest].item(),
        last=values[highest].item(),
        min=least,
        min_step=min_step,
        max=most,
        max_step=max_step,
        total=float(finite.sum(dtype=np.float64)),
    )
