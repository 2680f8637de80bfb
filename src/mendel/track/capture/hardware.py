"""The machine: host, processor, memory, disk and GPUs."""

from __future__ import annotations

import os
import platform
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mendel.track import person

if TYPE_CHECKING:
    from mendel.graph.values import Value


def capture() -> dict[str, Value]:
    """Return what the machine is; sizes in bytes, ``cpus_usable`` is what this process may use."""
    found: dict[str, Value] = {
        "host": socket.gethostname(),
        "user": person.user(),
        "os": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": processor(),
        "cpus": os.cpu_count(),
        "cpus_usable": usable_cpus(),
        "memory_bytes": memory_bytes(),
        "disk_free_bytes": shutil.disk_usage(Path.cwd()).free,
    }
    found["gpus"] = gpus()
    return found


def processor() -> str | None:
    """Return the processor's name."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith(("model name", "Hardware")):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or None


def usable_cpus() -> float | None:
    """Return how many processors this process may use: affinity, and a container's quota."""
    count: float | None = os.cpu_count()
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        if quota != "max" and count:
            count = min(count, int(quota) / int(period))
    except (OSError, ValueError):
        pass
    return count


def memory_bytes() -> int | None:
    """Return the machine's memory in bytes."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def gpus() -> list[Value]:
    """Return the NVIDIA GPUs: name, memory in bytes, driver.

    Empty without a driver.
    """
    nvml = open_nvml()
    if nvml is None:
        return []
    driver = nvml.nvmlSystemGetDriverVersion()
    out: list[Value] = []
    for index in range(nvml.nvmlDeviceGetCount()):
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        memory = int(nvml.nvmlDeviceGetMemoryInfo(handle).total)
        name = nvml.nvmlDeviceGetName(handle)
        out.append({"name": str(name), "memory_bytes": memory, "driver": str(driver)})
    return out


def open_nvml() -> Any:
    """Return NVIDIA's library, ready, or None where there is none."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver, or no GPU
        return None
    return pynvml
