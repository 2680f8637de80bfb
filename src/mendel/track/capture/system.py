"""System metrics at a low rate: CPU, memory, disk, network, GPUs; of machine and process tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mendel.graph import clock
from mendel.track.capture.hardware import open_nvml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Sampler:
    """Takes one sample a call; rates are per second since the call before. Needs psutil.

    Keys and units: ``system/cpu_percent`` (of all processors), ``system/memory_bytes`` (in use),
    ``system/memory_percent``, ``system/disk_read_bytes_per_s``, ``system/disk_write_bytes_per_s``,
    ``system/disk_free_bytes``, ``system/network_sent_bytes_per_s``,
    ``system/network_received_bytes_per_s``, ``system/process_cpu_percent`` (of one processor;
    children included), ``system/process_memory_bytes`` (resident, children included),
    ``system/process_threads``; for each GPU n ``system/gpu.n/percent``, ``…/memory_bytes``,
    ``…/power_w``, ``…/temperature_c``.
    """

    def __init__(self) -> None:
        import psutil

        self._psutil = psutil
        self._process = psutil.Process()
        self._nvml = open_nvml()
        self._seen: dict[int, Any] = {self._process.pid: self._process}
        self._totals: dict[str, float] = {}
        self._at = clock.monotonic()
        psutil.cpu_percent()  # the first call only sets the mark
        self._process.cpu_percent()
        self._totals = dict(self._counters())

    def sample(self) -> dict[str, float]:
        """Return one sample; what this machine cannot tell is left out."""
        at = clock.monotonic()
        elapsed = max(at - self._at, 1e-6)
        out = dict(self._machine())
        totals = dict(self._counters())
        for key, total in totals.items():
            out[f"{key}_per_s"] = (total - self._totals.get(key, total)) / elapsed
        self._at, self._totals = at, totals
        out.update(self._tree())
        out.update(self._gpus())
        return out

    def _machine(self) -> Iterator[tuple[str, float]]:
        memory = self._psutil.virtual_memory()
        yield "system/cpu_percent", float(self._psutil.cpu_percent())
        yield "system/memory_bytes", float(memory.total - memory.available)
        yield "system/memory_percent", float(memory.percent)
        yield "system/disk_free_bytes", float(self._psutil.disk_usage(".").free)

    def _counters(self) -> Iterator[tuple[str, float]]:
        disk = self._psutil.disk_io_counters()
        if disk is not None:
            yield "system/disk_read_bytes", float(disk.read_bytes)
            yield "system/disk_write_bytes", float(disk.write_bytes)
        network = self._psutil.net_io_counters()
        if network is not None:
            yield "system/network_sent_bytes", float(network.bytes_sent)
            yield "system/network_received_bytes", float(network.bytes_recv)

    def _tree(self) -> dict[str, float]:
        cpu = memory = threads = 0.0
        for process in self._processes():
            try:
                with process.oneshot():
                    cpu += process.cpu_percent()
                    memory += process.memory_info().rss
                    threads += process.num_threads()
            except self._psutil.Error:  # it ended meanwhile
                self._seen.pop(process.pid, None)
        return {
            "system/process_cpu_percent": cpu,
            "system/process_memory_bytes": memory,
            "system/process_threads": threads,
        }

    def _processes(self) -> list[Any]:
        # The same objects each time: cpu_percent() measures since its own last call.
        try:
            found = {child.pid: child for child in self._process.children(recursive=True)}
        except self._psutil.Error:
            found = {}
        found[self._process.pid] = self._process
        self._seen = {pid: self._seen.get(pid, process) for pid, process in found.items()}
        return list(self._seen.values())

    def _gpus(self) -> Iterator[tuple[str, float]]:
        if self._nvml is None:
            return
        nvml = self._nvml
        for index in range(nvml.nvmlDeviceGetCount()):
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            for key, read in _GPU_READINGS.items():
                try:
                    yield f"system/gpu.{index}/{key}", float(read(nvml, handle))
                except nvml.NVMLError:  # this GPU does not tell
                    continue


_GPU_READINGS: dict[str, Callable[[Any, Any], float]] = {
    "percent": lambda nvml, handle: nvml.nvmlDeviceGetUtilizationRates(handle).gpu,
    "memory_bytes": lambda nvml, handle: nvml.nvmlDeviceGetMemoryInfo(handle).used,
    "power_w": lambda nvml, handle: nvml.nvmlDeviceGetPowerUsage(handle) / 1000,
    "temperature_c": lambda nvml, handle: nvml.nvmlDeviceGetTemperature(handle, 0),
}
