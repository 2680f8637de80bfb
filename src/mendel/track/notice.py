"""What Mendel says by itself to the person at the terminal: little, once, and on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import warnings

_told: set[str] = set()
_lock = threading.Lock()


class MendelWarning(UserWarning):
    """Something that a person should know, and that stops nothing."""


def quiet() -> bool:
    """Tell whether ``MENDEL_QUIET`` asks for silence."""
    return os.environ.get("MENDEL_QUIET", "").lower() not in {"", "0", "false", "no"}


def say(text: str) -> None:
    """Write a line to standard error, unless ``MENDEL_QUIET`` is set; never raises.

    Characters that act on a terminal (in a name, in an error) are shown by their escapes.
    """
    if quiet() or sys.stderr is None:
        return
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    # closed, a full disk behind it, or a signal's handler within another write
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        sys.stderr.write(f"mendel: {text}\n")
        sys.stderr.flush()


def warn(text: str, *, stacklevel: int = 2) -> None:
    """Warn, as Python does; never raises, not even where warnings are errors.

    Training must not stop for what concerns its record only.
    """
    try:
        warnings.warn(text, MendelWarning, stacklevel=stacklevel + 1)
    except MendelWarning:
        say(text)


def once(key: str, text: str) -> None:
    """Say a line once a process, however often it is called with a key."""
    with _lock:
        if key in _told:
            return
        _told.add(key)
    say(text)


def forget() -> None:
    """Begin again, as a new process would (for tests and forked children)."""
    with _lock:
        _told.clear()
