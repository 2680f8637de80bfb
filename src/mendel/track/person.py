"""Who does something, by the name that the machine knows them by."""

from __future__ import annotations

import os
from functools import cache


@cache
def user() -> str:
    """Return the name of the user, ``MENDEL_USER`` before that of the machine; never raises."""
    for name in ("MENDEL_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        found = os.environ.get(name)
        if found:
            return found
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError, AttributeError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
