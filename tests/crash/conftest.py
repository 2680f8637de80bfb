"""Nothing that a crash test started outlives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from siege import kill_leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_child_outlives_its_test() -> Iterator[None]:
    yield
    kill_leftovers()
