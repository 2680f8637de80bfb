"""How the process was started: command line, working directory, interpreter."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mendel.track.capture.secrets import masked_arguments

if TYPE_CHECKING:
    from mendel.graph.values import Value


def capture(folder: Path) -> dict[str, Value]:
    """Return the command as it was typed, with secrets masked, and where it ran.

    ``arguments`` are those after the script or module; ``module`` is there for ``python -m``.
    """
    found: dict[str, Value] = {
        "line": list(masked_arguments(sys.orig_argv)),
        "arguments": list(masked_arguments(sys.argv[1:])),
        "script": sys.argv[0] if sys.argv else "",
        "cwd": str(folder),
        "pid": os.getpid(),
    }
    module = getattr(getattr(sys.modules.get("__main__"), "__spec__", None), "name", None)
    if module:
        found["module"] = str(module).removesuffix(".__main__")
    if notebook():
        found["notebook"] = True
    return found


def notebook() -> bool:
    """Tell whether this process is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    ip = shell.get_ipython() if shell is not None else None
    return ip is not None and "IPKernelApp" in getattr(ip, "config", {})


def main_script() -> Path | None:
    """Return the file that the process runs, if it is a file."""
    found = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(found).resolve() if found else None
