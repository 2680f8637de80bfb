"""Which kinds of capture are on: from the call, the environment, or the default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from mendel.graph.errors import InvalidError, WrongTypeError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """What a run captures by itself; each can be switched off.

    ``system_interval_s`` is the time between two samples of the system metrics, in seconds.
    """

    command: bool = True  # command line, arguments, working directory
    code: bool = True  # git commit, diff and untracked sources; outside git a source snapshot
    environment: bool = True  # Python, installed packages, allowed environment variables
    hardware: bool = True  # host, processor, memory, GPUs
    system: bool = True  # CPU, memory, disk, network and GPU series
    console: bool = False  # what is printed
    system_interval_s: float = 10.0


NONE = CaptureSettings(
    command=False, code=False, environment=False, hardware=False, system=False, console=False
)
_KINDS = tuple(field.name for field in fields(CaptureSettings) if field.type == "bool")


def settings(wanted: object = None, *, default: CaptureSettings | None = None) -> CaptureSettings:
    """Return the settings that a ``capture=`` argument means.

    Args:
        wanted: None (the default and ``MENDEL_CAPTURE``), True or False (all or nothing), a dict of
            kind to bool, a text such as ``"console,-system"`` or a list of such words: a word
            switches its kind on, with a ``-`` before it off. ``"none"`` and ``"all"`` stand for
            every kind.
        default: what ``wanted`` changes; the class's defaults if None.

    Raises:
        InvalidError: an unknown kind, or an interval that is not above 0.
        WrongTypeError: ``wanted`` is something else.
    """
    start = CaptureSettings() if default is None else default
    if isinstance(wanted, CaptureSettings):
        return wanted
    if wanted is None:
        return _words(start, os.environ.get("MENDEL_CAPTURE", "").split(","))
    if isinstance(wanted, bool):
        return start if wanted else NONE
    if isinstance(wanted, str):
        return _words(start, wanted.split(","))
    if isinstance(wanted, Mapping):
        return _items(start, wanted)
    if isinstance(wanted, list | tuple | set | frozenset):
        return _words(start, wanted)
    raise WrongTypeError(
        "capture must be True, False, a dict, a text or a list of kinds, "
        f"not {type(wanted).__name__}. The kinds are {', '.join(_KINDS)}."
    )


def _items(start: CaptureSettings, wanted: Mapping[str, object]) -> CaptureSettings:
    for kind, value in wanted.items():
        if kind == "system_interval_s":
            start = replace(start, system_interval_s=_interval(value))
        else:
            start = replace(start, **{_known(kind): bool(value)})
    return start


def _interval(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidError(f"system_interval_s is {value!r}; give a number of seconds above 0.")
    return float(value)


def _words(start: CaptureSettings, words: Iterable[str]) -> CaptureSettings:
    for word in words:
        kind = word.strip().lower()
        if kind in {"none", "off", "0", "false"}:
            start = NONE
        elif kind in {"all", "on", "1", "true"}:
            start = replace(start, **dict.fromkeys(_KINDS, True))
        elif kind:
            start = replace(start, **{_known(kind.lstrip("+-")): not kind.startswith("-")})
    return start


def _known(kind: str) -> str:
    if kind not in _KINDS:
        raise InvalidError(
            f"there is no kind of capture {kind!r}{did_you_mean(kind, _KINDS)}. "
            f"The kinds are {', '.join(_KINDS)}, and 'all' and 'none'."
        )
    return kind
