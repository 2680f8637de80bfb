"""How a run ended, in the words of the record, from whatever the caller has in hand."""

from __future__ import annotations

import signal as signals
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import InvalidError, WrongTypeError, did_you_mean
from mendel.graph.state import RunState

if TYPE_CHECKING:
    from types import TracebackType

    from mendel.graph.values import Value

MAX_TRACEBACK = 64_000  # characters: the beginning and the end of a longer one are kept
# what other trackers call these
_ALSO = {
    "FINISHED": RunState.COMPLETE,
    "COMPLETED": RunState.COMPLETE,
    "SUCCEEDED": RunState.COMPLETE,
    "KILLED": RunState.CANCELLED,
    "CRASHED": RunState.FAILED,
}


def as_state(state: Any) -> RunState:
    """Return a state from a state, its text in any case, or an enum member of that name.

    Raises:
        InvalidError: no such state.
        WrongTypeError: nothing that names a state.
    """
    if isinstance(state, RunState):
        return state
    text = getattr(state, "name", state)
    if not isinstance(text, str):
        raise WrongTypeError(f"a state is a text such as 'COMPLETE', not {type(state).__name__}.")
    word = text.upper()
    if word in _ALSO:
        return _ALSO[word]
    try:
        return RunState(word)
    except ValueError:
        raise InvalidError(
            f"{text!r} is no state{did_you_mean(word, [each.value for each in RunState])}"
        ) from None


def complete() -> dict[str, Value]:
    """Return what is written of a run that did its work."""
    return {"state": RunState.COMPLETE.value}


def of_exception(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> dict[str, Value]:
    """Return what is written of a run that an exception ended."""
    if issubclass(kind, KeyboardInterrupt):
        return of_signal(signals.SIGINT)
    if issubclass(kind, SystemExit):
        return of_exit(getattr(error, "code", None))
    return {
        "state": RunState.FAILED.value,
        "reason": _first_line(kind, error),
        "traceback": _text(kind, error, trace),
    }


def of_exit(code: object) -> dict[str, Value]:
    """Return what is written of a run whose process ends by ``sys.exit(code)``."""
    if code is None:
        number = 0
    elif isinstance(code, int):
        number = int(code)
    else:  # a text is printed, and the process ends with 1
        return {"state": RunState.FAILED.value, "exit_code": 1, "reason": str(code)[:2000]}
    if number == 0:
        return {"state": RunState.COMPLETE.value, "exit_code": 0}
    return {
        "state": RunState.FAILED.value,
        "exit_code": number,
        "reason": f"the process ended with exit code {number}",
    }


def of_signal(number: int) -> dict[str, Value]:
    """Return what is written of a run that a signal ended."""
    try:
        name = signals.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return {"state": RunState.CANCELLED.value, "signal": name, "reason": f"stopped by {name}"}


def _first_line(kind: type[BaseException], error: BaseException | None) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - somebody's __str__ may do anything
        text = ""
    line = text.strip().partition("\n")[0]
    return (f"{kind.__name__}: {line}" if line else kind.__name__)[:2000]


def _text(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> str:
    import traceback as tracebacks

    try:
        text = "".join(tracebacks.format_exception(kind, error, trace))
    except Exception as second:  # noqa: BLE001 - somebody's __repr__ or __str__ may do anything
        text = f"{kind.__name__} (its traceback could not be told: {type(second).__name__})"
    if len(text) > MAX_TRACEBACK:
        half = MAX_TRACEBACK // 2
        left_out = len(text) - 2 * half
        text = f"{text[:half]}\n… {left_out} characters left out …\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode()
