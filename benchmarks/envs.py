"""The environments of the peers: one each, made when first needed, versions pinned."""

import compileall
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVS = HERE / ".envs"

# Newest releases of November 2026; where one cannot be installed, the newest before it that can.
PEERS = {
    "trackio_": ["trackio==0.43.0"],
    "tensorboardx": ["tensorboardX==2.6.5"],
    "wandb_": ["wandb==0.31.0"],
    "aim_": ["aim==3.29.1", "sqlalchemy<2.1"],  # with SQLAlchemy 2.1 it reads none of its runs
    "mlflow_": ["mlflow==3.18.0"],
}
OLDER = {"mlflow_": ["mlflow==3.17.2"]}  # where mlflow-skinny 3.18.0 is not to be had
YARDSTICKS = ("list_append", "struct_mmap", "sqlite_insert")
OURS = "mendel_"
VERSION = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"


def python_of(name):
    """The interpreter that a contestant runs in."""
    if name not in PEERS:
        return sys.executable
    return str(ENVS / name / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def prepare(names, told=print):
    """Make what is missing; return {contestant: version} and {contestant: why it is left out}."""
    versions, absent = {}, {}
    compileall.compile_dir(HERE.parent / "src", quiet=2)  # as an install does
    for name in names:
        if name in PEERS and not (ENVS / name / "ready").exists():
            told(f"installing {' '.join(PEERS[name])} …")
            why = _make(name, PEERS[name])
            if why and name in OLDER:
                told(f"  not to be had; installing {' '.join(OLDER[name])} …")
                why = _make(name, OLDER[name])
            if why:
                absent[name] = why
                continue
        versions[name] = _version(name)
    return versions, absent


def _make(name, requirements):
    folder = ENVS / name
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    flags = ["--quiet", "--compile-bytecode"]
    if uv:
        commands = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", *flags, "--python", python_of(name), *requirements],
        ]
    else:
        commands = [
            [sys.executable, "-m", "venv", str(folder)],
            [python_of(name), "-m", "pip", "install", "--quiet", *requirements],
        ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return done.stderr.strip().splitlines()[-1][:200]
    (folder / "ready").touch()
    return ""


def _version(name):
    package = _package(name)
    if package is None:
        return ".".join(map(str, sys.version_info[:3]))
    done = subprocess.run(
        [python_of(name), "-c", VERSION, package], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "from source"


def _package(name):
    from importlib import import_module

    return import_module(f"benchmarks.contestants.{name}").PACKAGE
