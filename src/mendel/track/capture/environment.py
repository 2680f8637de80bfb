"""The Python that runs: version, installed packages, and an allow-list of environment variables."""

from __future__ import annotations

import fnmatch
import os
import platform
import sys
from typing import TYPE_CHECKING

from mendel.track.capture.secrets import is_secret_name, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mendel.graph.values import Value

ALLOWED = (
    "CONDA_DEFAULT_ENV", "CUBLAS_WORKSPACE_CONFIG", "CUDA_VISIBLE_DEVICES", "LANG", "LC_ALL", "TZ",
    "GROUP_RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "RANK",
    "WORLD_SIZE", "HYDRA_*", "MKL_NUM_THREADS", "NCCL_*", "NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS",
    "OMP_PROC_BIND", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED", "PYTHONOPTIMIZE",
    "PYTORCH_CUDA_ALLOC_CONF", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_*", "SLURM_NNODES",
    "SLURM_NODEID", "SLURM_NTASKS", "SLURM_PROCID", "TF_CONFIG", "TF_DETERMINISTIC_OPS",
    "TOKENIZERS_PARALLELISM", "VIRTUAL_ENV", "XLA_FLAGS", "CLOUD_ML_*", "AIP_*",
)  # fmt: skip


def capture() -> dict[str, Value]:
    """Return Python's version and place, the installed packages and the allowed variables.

    ``packages`` maps names to versions, as the folders on ``sys.path`` tell them.
    ``MENDEL_CAPTURE_ENV`` adds names (or patterns such as ``MY_*``) to the allow-list; a name that
    sounds like a secret is never taken.
    """
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "platform": platform.platform(),
        "packages": dict(sorted(packages())),
        "variables": dict(sorted(variables())),
    }


def packages() -> Iterator[tuple[str, Value]]:
    """Yield the installed packages, (name, version); the first on ``sys.path`` wins.

    Reads folder names only, so that a thousand packages cost a few milliseconds: a name is
    ``<name>-<version>.dist-info`` (PEP 376, PEP 427) or ``….egg-info``.
    """
    seen: set[str] = set()
    for folder in sys.path:
        try:
            names = sorted(entry.name for entry in os.scandir(folder or "."))
        except OSError:
            continue
        for name in names:
            stem, dot, kind = name.rpartition(".")
            if not dot or kind not in {"dist-info", "egg-info"}:
                continue
            package, _, version = stem.partition("-")
            package = package.replace("_", "-").lower()
            if package and version and package not in seen:
                seen.add(package)
                yield package, version.split("-py")[0]


def variables() -> Iterator[tuple[str, Value]]:
    """Yield the allowed environment variables, (name, value), URLs without their passwords."""
    more = os.environ.get("MENDEL_CAPTURE_ENV", "")
    patterns = (*ALLOWED, *(word.strip() for word in more.split(",") if word.strip()))
    for name, value in os.environ.items():
        allowed = any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        if allowed and not is_secret_name(name):
            yield name, without_credentials(value)
