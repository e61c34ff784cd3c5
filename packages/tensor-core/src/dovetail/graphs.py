"""Graphs of a device's work: captured from a stream without being run, then run as a whole any number of times.

They are the backend's: `dt.cuda.CUDAGraph` is this for CUDA.
"""

from __future__ import annotations

from itertools import count

from . import _core

__all__ = ["Graph", "Pool", "new_pool"]

MODES = ("global", "thread_local", "relaxed")

Pool = tuple[int, int]

_pools = count(1)


def new_pool() -> Pool:
    """A token for memory that several graphs share; see `Graph.capture_begin`."""
    return (0, next(_pools))


class Graph:
    """Work that is captured from a stream and replayed.

    A replay does what the captured calls did, with the same memory: it reads the tensors that they read, with what
    these hold by then, and writes those that they made. So tensors that were there before the capture must be kept for
    as long as the graph is replayed, and what a replay computed is overwritten by the next one. Random numbers are
    drawn anew, as the calls would draw them. What waits for the device (`item()`, `cpu()`, `nonzero`, `synchronize`)
    and copies from the CPU can't be captured; Python numbers, and zero-dim tensors on the CPU that join others in an
    op, are kept as they are.

    Args:
        device: of which device; an index may be left out for the current one.
    """

    def __init__(self, device: _core.device | str) -> None:
        where = _core.device(device)
        self.device = _core.device(where.type, _core._current_device(where)) if where.index is None else where
        self._handle = 0
        self._captures = False
        self._pool: Pool | None = None

    def __del__(self) -> None:
        if getattr(self, "_handle", 0) or getattr(self, "_captures", False):
            self.reset()

    def capture_begin(self, pool: Pool | None = None, capture_error_mode: str = "global") -> None:
        """Let the current stream record what it is given, in place of running it.

        Args:
            pool: whose memory to use: another graph's `pool()`, or what `graph_pool_handle()` gave. Graphs that share
                memory must be replayed in the order in which they were captured, and one's results be used before the
                next is replayed. None: memory of its own.
            capture_error_mode: what spoils the capture, of calls that other libraries make to the device meanwhile:
                unsafe ones on any thread ("global"), on this one ("thread_local"), or none ("relaxed").

        Raises:
            RuntimeError: where the graph has been captured, another capture is under way, the current stream is the
                default one, or the backend has no graphs.
        """
        who = type(self).__name__
        if self._handle or self._captures:
            raise RuntimeError(f"{who}.capture_begin: this graph has been captured; reset() it, or make another one")
        if capture_error_mode not in MODES:
            raise ValueError(
                f"{who}.capture_begin: capture_error_mode must be one of {', '.join(MODES)}, got {capture_error_mode!r}"
            )
        if pool is not None and not (isinstance(pool, tuple) and len(pool) == 2 and pool[0] == 0):
            raise TypeError(f"{who}.capture_begin: pool must come from pool() or graph_pool_handle(), got {pool!r}")
        memory = pool or new_pool()
        stream = _core._current_stream(self.device) if self.device.type != "cpu" else 0
        _core._capture_begin(self.device, stream, memory[1], MODES.index(capture_error_mode))
        self._captures, self._pool = True, memory

    def capture_end(self) -> None:
        """End the capture. The stream runs what it is given again.

        Raises:
            RuntimeError: where what was captured can't be replayed. The capture is over then too.
        """
        self._needs("capture_end", self._captures, "no capture is under way; call capture_begin() first")
        self._captures = False
        self._handle = _core._capture_end()

    def replay(self) -> None:
        """Run what was captured, on the current stream. Errors of its kernels come as those of any others."""
        self._needs("replay", self._handle, "nothing has been captured yet")
        _core._graph_launch(self._handle, _core._current_stream(self.device))

    def reset(self) -> None:
        """Forget what was captured, or is being captured, and give up its memory."""
        captures, self._captures = self._captures, False
        handle, self._handle = self._handle, 0
        self._pool = None
        if captures:
            _core._capture_drop()
        if handle:
            _core._graph_destroy(handle)

    def pool(self) -> Pool:
        """The graph's memory, for another one's `capture_begin`."""
        self._needs("pool", self._pool, "nothing has been captured yet")
        assert self._pool is not None
        return self._pool

    def _needs(self, who: str, there: object, otherwise: str) -> None:
        if not there:
            raise RuntimeError(f"{type(self).__name__}.{who}: {otherwise}")
