"""Random seeds: set once for every library at hand, and written down with the run."""

from __future__ import annotations

import os
import random
import sys
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import InvalidError, WrongTypeError

if TYPE_CHECKING:
    from collections.abc import Callable


def set_seeds(seed: int) -> list[str]:
    """Seed Python's random, and NumPy, PyTorch and TensorFlow where imported; return their names.

    A library imported later is not seeded: call it after the imports.

    Raises:
        WrongTypeError: the seed is no int.
        InvalidError: it is not within 0 … 2**32 - 1, which all of them take.
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise WrongTypeError(f"a seed is an int, not {type(seed).__name__}.")
    number = seed.__index__()
    if not 0 <= number < 2**32:
        raise InvalidError(f"the seed {number} is not within 0 … 2**32 - 1, which NumPy needs.")
    random.seed(number)
    seeded = ["random"]
    for library, plant in _PLANT.items():
        module = sys.modules.get(library)
        if module is not None:
            plant(module, number)
            seeded.append(library)
    return seeded


def hash_seed() -> str | None:
    """Return ``PYTHONHASHSEED``: the order of sets of text depends on it."""
    return os.environ.get("PYTHONHASHSEED")


_PLANT: dict[str, Callable[[Any, int], object]] = {
    "numpy": lambda numpy, seed: numpy.random.seed(seed),
    "torch": lambda torch, seed: torch.manual_seed(seed),
    "tensorflow": lambda tensorflow, seed: tensorflow.random.set_seed(seed),
}
