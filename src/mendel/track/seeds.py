"""Random seeds: set once for every library at hand, and written down with the run."""

from __future__ import annotations

import os
import random
import sys
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import InvalidError, WrongTypeError
from mendel.track import session

if TYPE_CHECKING:
    from collections.abc import Callable

    from mendel.graph.values import Value


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


planted: dict[str, Value] = {}  # what `seed` did last in this process; empty before


def seed(seed: int) -> int:
    """Set the random seeds of this process, and write them down in the run and in later ones.

    Seeds Python's ``random``, and NumPy, PyTorch and TensorFlow where they are imported already.
    The order of sets of text depends on ``PYTHONHASHSEED``, which only the environment can set;
    it is written down too.

    Returns:
        The seed, as a plain int.

    Raises:
        WrongTypeError: the seed is no int.
        InvalidError: it is not within 0 … 2**32 - 1.
    """
    libraries = set_seeds(seed)
    planted.update(
        seed=seed.__index__(),
        libraries=list(libraries),
        hash_seed=os.environ.get("PYTHONHASHSEED"),
    )
    run = session.active_run()
    if run is not None:
        run.fact("capture", {"set": {"seeds": dict(planted)}})
    return seed.__index__()


_PLANT: dict[str, Callable[[Any, int], object]] = {
    "numpy": lambda numpy, seed: numpy.random.seed(seed),
    "torch": lambda torch, seed: torch.manual_seed(seed),
    "tensorflow": lambda tensorflow, seed: tensorflow.random.set_seed(seed),
}
