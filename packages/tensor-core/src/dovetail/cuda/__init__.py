"""CUDA devices, as far as they are more than a device type: which there are, streams, events and memory.

Kernels and memory come from the distribution dovetail-tensor-core-cuda. Without it, or without a GPU, `is_available()`
is False and everything else says what is missing.
"""

from __future__ import annotations

from types import SimpleNamespace, TracebackType

from .. import _core, backends, settings, streams

__all__ = [
    "CUDAGraph",
    "Event",
    "OutOfMemoryError",
    "Stream",
    "amp",
    "current_device",
    "current_stream",
    "default_stream",
    "device",
    "device_count",
    "empty_cache",
    "get_device_capability",
    "get_device_name",
    "get_device_properties",
    "get_rng_state",
    "get_rng_state_all",
    "graph",
    "graph_pool_handle",
    "graphs",
    "is_available",
    "is_bf16_supported",
    "is_current_stream_capturing",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "reset_peak_memory_stats",
    "set_device",
    "set_rng_state",
    "set_rng_state_all",
    "set_stream",
    "stream",
    "synchronize",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import amp as amp
    from . import graphs as graphs
    from .graphs import CUDAGraph as CUDAGraph
    from .graphs import graph as graph
    from .graphs import graph_pool_handle as graph_pool_handle
    from .graphs import is_current_stream_capturing as is_current_stream_capturing

DISTRIBUTION = "dovetail-tensor-core-cuda"

DeviceLike = _core.device | str | int | None


def _device(who: str, where: DeviceLike = None) -> _core.device:
    """The device, with its index; raises RuntimeError in words where CUDA can't be had."""
    if not _is_installed():
        raise RuntimeError(f"cuda.{who}: CUDA needs the distribution {DISTRIBUTION}: pip install {DISTRIBUTION}")
    if where is None or isinstance(where, int):
        found = _core.device("cuda") if where is None else _core.device("cuda", where)
    else:
        found = _core.device(where)
    if found.type != "cuda":
        raise ValueError(f"cuda.{who}: expected a CUDA device, got {found}")
    return _core.device("cuda", _core._current_device(found)) if found.index is None else found


def _is_installed() -> bool:
    if "cuda" not in backends.names():
        backends.load("cuda")
    return "cuda" in backends.names()


def is_available() -> bool:
    """Whether there is a CUDA device that can be used.

    Example:
        >>> device = "cuda" if dt.cuda.is_available() else "cpu"
    """
    return device_count() > 0


def device_count() -> int:
    """How many CUDA devices there are; 0 too where the distribution is missing.

    Example:
        >>> dt.cuda.device_count() >= 0
        True
    """
    return backends.device_count("cuda") if _is_installed() else 0


def get_device_name(device: DeviceLike = None) -> str:
    """What a device (the current one by default) calls itself."""
    return _core._device_name(_device("get_device_name", device))


def get_device_properties(device: DeviceLike = None) -> SimpleNamespace:
    """What there is to know of a device (the current one by default).

    PyTorch's names: `name`, `major` and `minor` of the compute capability, `total_memory` in bytes,
    `multi_processor_count`, `warp_size`, `max_threads_per_block`, `shared_memory_per_block`, `L2_cache_size`, `uuid`
    and the like.

    Example:
        >>> if dt.cuda.is_available():
        ...     assert dt.cuda.get_device_properties().total_memory > 0
    """
    return SimpleNamespace(**_core._device_properties(_device("get_device_properties", device)))


def get_device_capability(device: DeviceLike = None) -> tuple[int, int]:
    """A device's compute capability: its `major` and `minor` numbers."""
    found = _core._device_properties(_device("get_device_capability", device))
    return found["major"], found["minor"]


def current_device() -> int:
    """The index of this thread's current device."""
    return _core._current_device(_device("current_device"))


def set_device(device: DeviceLike) -> None:
    """Make a device this thread's current one: the one that "cuda" without an index means."""
    _core._set_current_device(_device("set_device", device))


class device:
    """Makes a device the current one for a `with` block.

    Example:
        >>> if dt.cuda.is_available():
        ...     with dt.cuda.device(0):
        ...         assert dt.ones(1, device="cuda").device.index == 0
    """

    def __init__(self, device: DeviceLike) -> None:
        self.index = _device("device", device).index
        self._before = 0

    def __enter__(self) -> device:
        self._before = current_device()
        set_device(self.index)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        set_device(self._before)


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether products of bfloat16 have hardware of their own (from compute capability 8.0 on), or any GPU is there."""
    return is_available() and (including_emulation or get_device_capability() >= (8, 0))


def is_initialized() -> bool:
    """Whether the CUDA backend is loaded."""
    return "cuda" in backends.names()


def synchronize(device: DeviceLike = None) -> None:
    """Wait until a device (the current one by default) has done all that it was given.

    An error that its work ran into is raised here at the latest.
    """
    backends.synchronize(_device("synchronize", device))


# ---- random numbers: all devices draw from the default generator ----


def manual_seed(seed: int) -> None:
    """Seed the default generator, from which all devices draw; nothing without a GPU, as in PyTorch."""
    if is_available():
        settings.manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """The same as `manual_seed`: there is one generator."""
    manual_seed(seed)


def get_rng_state(device: DeviceLike = "cuda") -> _core.Tensor:
    """The default generator's state."""
    return settings.get_rng_state()


def set_rng_state(new_state: _core.Tensor, device: DeviceLike = "cuda") -> None:
    """Take the default generator back to a state that `get_rng_state` gave."""
    settings.set_rng_state(new_state)


def get_rng_state_all() -> list[_core.Tensor]:
    """The state for each GPU: as often as there are GPUs, that of the one generator."""
    return [get_rng_state() for _ in range(device_count())]


def set_rng_state_all(new_states: list[_core.Tensor]) -> None:
    """Take the default generator back to what `get_rng_state_all` gave."""
    for state in new_states[:1]:
        set_rng_state(state)


# ---- streams and events ----


class Stream(streams.Stream):
    """A queue of work on a CUDA device (the current one by default); see `dovetail.streams.Stream`."""

    def __init__(self, device: DeviceLike = None, priority: int = 0) -> None:
        super().__init__(_device("Stream", device), priority)


class Event(streams.Event):
    """A mark in a stream of a CUDA device; see `dovetail.streams.Event`."""

    def __init__(self, enable_timing: bool = True, *, device: DeviceLike = None) -> None:
        super().__init__(_device("Event", device), enable_timing)


def current_stream(device: DeviceLike = None) -> streams.Stream:
    """The stream to which this thread's work on a device goes."""
    where = _device("current_stream", device)
    return Stream._of_handle(where, _core._current_stream(where))


def default_stream(device: DeviceLike = None) -> streams.Stream:
    """The stream that a device has from the start."""
    return Stream._of_handle(_device("default_stream", device), 0)


def set_stream(stream: streams.Stream) -> None:
    """Let this thread's work on the stream's device go to it from now on."""
    _core._set_current_stream(stream.device, stream.handle)


def stream(stream: streams.Stream | None) -> streams.StreamContext:
    """Let the work of a `with` block go to a stream.

    Memory that the block makes and that is used on another stream afterwards belongs to this one: wait for the stream
    before, as `dt.cuda.current_stream().wait_stream(side)` does.
    """
    return streams.StreamContext(stream)


# ---- memory ----


def memory_stats(device: DeviceLike = None) -> dict[str, int]:
    """Counts of a device's memory; see `dt.memory_stats`."""
    return backends.memory_stats(_device("memory_stats", device))


def memory_allocated(device: DeviceLike = None) -> int:
    """Bytes in live tensors."""
    return backends.memory_stats(_device("memory_allocated", device))["allocated"]


def max_memory_allocated(device: DeviceLike = None) -> int:
    """The most bytes in live tensors since `reset_peak_memory_stats`."""
    return backends.memory_stats(_device("max_memory_allocated", device))["peak_allocated"]


def memory_reserved(device: DeviceLike = None) -> int:
    """Bytes held from the device, cached ones included."""
    return backends.memory_stats(_device("memory_reserved", device))["reserved"]


def reset_peak_memory_stats(device: DeviceLike = None) -> None:
    """Let the peaks start from now."""
    backends.reset_peak_memory_stats(_device("reset_peak_memory_stats", device))


def max_memory_reserved(device: DeviceLike = None) -> int:
    """The most bytes held from the device since `reset_peak_memory_stats`."""
    return backends.memory_stats(_device("max_memory_reserved", device))["peak_reserved"]


OutOfMemoryError = MemoryError


def empty_cache(device: DeviceLike = None) -> None:
    """Give cached memory back to the device; nothing where there is none."""
    if is_available():
        backends.empty_cache(_device("empty_cache", device))


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in ("amp", "graphs"):  # amp is brought by dovetail-autograd; both load when they are first used
        return import_module(f"{__name__}.{name}")
    graphs = import_module(f"{__name__}.graphs")
    if name in graphs.__all__:
        return getattr(graphs, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
