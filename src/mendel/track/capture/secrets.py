"""What must never be written down: passwords, tokens and keys, in arguments, URLs and variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK = "***"
# Not what only begins alike: a tokenizer, max_tokens and an author are no secrets.
_SECRET_NAME = re.compile(
    r"(?i)(password|passwd|secret|token(?!i[sz]|s)|(api|access|private)[-_]?key|credential"
    r"|auth(?!ors?(?!i)))"
)
_NAME = re.compile(r"[-+]*[\w.@/-]+")  # of an option, or of a setting as Hydra takes them
_URL_PASSWORD = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^/@\s]+@")


def is_secret_name(name: str) -> bool:
    """Tell whether a name is that of a secret: ``--api-key``, ``DB_PASSWORD``, …."""
    return bool(_SECRET_NAME.search(name))


def without_credentials(text: str) -> str:
    """Return a text whose URLs have lost their user and password: ``https://***@host/…``."""
    return _URL_PASSWORD.sub(rf"\g<scheme>{MASK}@", text)


def masked_arguments(arguments: Sequence[str]) -> list[str]:
    """Return arguments whose secrets are replaced with ``***``, visibly, each in its place.

    A secret follows an option that is called so, or stands after ``name=`` (``--api-key=x``,
    ``db.password=x``).
    """
    out: list[str] = []
    hide_next = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if hide_next and not argument.startswith("-"):
            out.append(MASK)
            hide_next = False
            continue
        secret = _NAME.fullmatch(name) is not None and is_secret_name(name)
        hide_next = secret and not equals and name.startswith("-")
        out.append(f"{name}={MASK}" if secret and equals else without_credentials(argument))
    return out
