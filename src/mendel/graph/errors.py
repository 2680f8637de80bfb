"""The errors of Mendel: few, each with a Python parent and an HTTP status.

    MendelError
    ├── InvalidError(ValueError)          400  a value that cannot be taken
    │   └── QueryError                    400  a search that cannot be read; points at the character
    ├── WrongTypeError(TypeError)         400  a value of a type that cannot be taken
    ├── NotFoundError(LookupError)        404  no such run, experiment, artifact, …
    ├── AlreadyExistsError(ValueError)    409  the name is taken
    ├── ConflictError(RuntimeError)       409  somebody else changed it meanwhile (stale etag)
    ├── StateError(RuntimeError)          409  right call, wrong moment
    ├── ProtectedError(RuntimeError)      409  pinned or in use, so not deleted
    ├── StoreError(RuntimeError)          500  the store itself is damaged, busy or out of reach
    │   ├── NewerStoreError               500  written by a newer Mendel
    │   └── ReadOnlyError                 403  the store cannot be written
    ├── CorruptError(RuntimeError)        500  bytes are not what was written
    └── MissingLibraryError(ImportError)  501  an optional library is not installed

A message says what happened, why, and what to do next, and names the known choices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class MendelError(Exception):
    """Parent of every error that Mendel raises on purpose."""

    http_status: ClassVar[int] = 500


class InvalidError(MendelError, ValueError):
    """A value that cannot be taken."""

    http_status = 400


class QueryError(InvalidError):
    """A search that cannot be read; ``position`` is the offending character's index (from 0)."""

    def __init__(self, problem: str, text: str, position: int) -> None:
        self.problem = problem
        self.text = text
        self.position = position
        super().__init__(f"{problem}\n  {text}\n  {' ' * position}^")

    def __reduce__(self) -> tuple[type[QueryError], tuple[str, str, int]]:
        return QueryError, (self.problem, self.text, self.position)


class WrongTypeError(MendelError, TypeError):
    """A value of a type that cannot be taken."""

    http_status = 400


class NotFoundError(MendelError, LookupError):
    """No such run, experiment, artifact, …."""

    http_status = 404


class AlreadyExistsError(MendelError, ValueError):
    """The name is taken."""

    http_status = 409


class ConflictError(MendelError, RuntimeError):
    """Somebody else changed it meanwhile."""

    http_status = 409


class StateError(MendelError, RuntimeError):
    """The right call at the wrong moment."""

    http_status = 409


class ProtectedError(MendelError, RuntimeError):
    """Pinned or in use, so it is not deleted."""

    http_status = 409


class StoreError(MendelError, RuntimeError):
    """The store itself is damaged, busy or out of reach."""


class NewerStoreError(StoreError):
    """The store was written by a newer Mendel."""


class ReadOnlyError(StoreError):
    """The store cannot be written."""

    http_status = 403


class CorruptError(MendelError, RuntimeError):
    """Bytes are not what was written."""


class MissingLibraryError(MendelError, ImportError):
    """An optional library is not installed."""

    http_status = 501


LONGEST = 120  # characters of a name in a message; names may have 10,000


def did_you_mean(word: str, known: Iterable[str], *, most: int = 8) -> str:
    """Return ``"; did you mean 'x'?"`` or the known choices, ready to end a message with."""
    import difflib  # only who errs needs it

    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1)
    if near:
        return f"; did you mean {_shown(near[0])}?"
    if not choices:
        return ""
    shown = ", ".join(map(_shown, choices[:most]))
    rest = f" and {len(choices) - most} more" if len(choices) > most else ""
    return f"; there are: {shown}{rest}"


def _shown(choice: str) -> str:
    return repr(choice if len(choice) <= LONGEST else f"{choice[: LONGEST - 1]}…")
