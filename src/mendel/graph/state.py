"""Where a run stands, and which way a metric is better: the words that writing a run needs."""

from __future__ import annotations

import enum


class RunState(enum.StrEnum):
    """Where a run stands. Texts are Vertex's; LOST is ours: the process died without a word."""

    NEW = "NEW"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    CACHED = "CACHED"
    CANCELLED = "CANCELLED"
    LOST = "LOST"
    STATE_UNSPECIFIED = "STATE_UNSPECIFIED"

    @property
    def ended(self) -> bool:
        """Whether the run said that it is over (LOST is a finding: it may come back)."""
        return self in _ENDED


_ENDED = {RunState.COMPLETE, RunState.FAILED, RunState.CACHED, RunState.CANCELLED}


class Goal(enum.StrEnum):
    """Which way a metric is better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"
