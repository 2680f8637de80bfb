"""Write the pages of docs/reference that come from the code: `make docs`, or `generate.py api`.

Each page is a function below; tests/test_reference.py holds the committed pages to it.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import mendel

if TYPE_CHECKING:
    from collections.abc import Callable

REFERENCE = Path(__file__).parent / "reference"


def api() -> str:
    """Return the page of the public names: signature and docstring of each."""
    lines = [
        "# The SDK",
        "",
        "Written by `make docs` from the code: every public name of `mendel`.",
        "",
    ]
    for name in sorted(mendel.__all__, key=str.lower):
        thing = getattr(mendel, name)
        if inspect.isclass(thing):
            lines += _class(name, thing)
        elif callable(thing):
            lines += [f"## `{name}{_signature(thing)}`", "", _doc(thing), ""]
        elif inspect.ismodule(thing):
            lines += [f"## `{name}` (module)", "", _doc(thing), ""]
    return "\n".join(lines).rstrip() + "\n"


def _class(name: str, thing: type) -> list[str]:
    lines = [f"## class `{name}`", "", _doc(thing), ""]
    if issubclass(thing, Exception):
        return lines
    members = [
        (member, inspect.getattr_static(thing, member))
        for member in dir(thing)
        if not member.startswith("_")
    ]
    for member, static in members:
        value = getattr(thing, member, None)
        if isinstance(static, property):
            lines += [f"* `.{member}`: {_first_line(static.fget)}"]
        elif callable(value) and getattr(value, "__module__", "").startswith("mendel"):
            lines += [f"* `.{member}{_signature(value)}`: {_first_line(value)}"]
    return [*lines, ""]


def _signature(thing: Callable[..., object]) -> str:
    try:
        return str(inspect.signature(thing)).replace("'", "")
    except (TypeError, ValueError):
        return "(…)"


def _doc(thing: object) -> str:
    return inspect.getdoc(thing) or ""


def _first_line(thing: object) -> str:
    return _doc(thing).split("\n\n")[0].replace("\n", " ")


PAGES: dict[str, Callable[[], str]] = {"api": api}


def main(wanted: list[str]) -> None:
    """Write the pages asked for, or all."""
    for page in wanted or PAGES:
        (REFERENCE / f"{page}.md").write_text(PAGES[page](), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
