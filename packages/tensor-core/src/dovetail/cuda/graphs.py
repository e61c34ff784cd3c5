"""CUDA graphs: `dovetail.graphs` for CUDA, by PyTorch's names."""

from __future__ import annotations

import gc
from types import TracebackType
from typing import ClassVar

from .. import _core, cuda, graphs, streams

__all__ = ["CUDAGraph", "graph", "graph_pool_handle", "is_current_stream_capturing"]


class CUDAGraph(graphs.Graph):
    """Work of the current CUDA device that is captured and replayed; see `dovetail.graphs.Graph`.

    `dt.cuda.graph` is the way to capture.

    Example:
        >>> if dt.cuda.is_available():
        ...     g, x = dt.cuda.CUDAGraph(), dt.ones(3, device="cuda")
        ...     with dt.cuda.graph(g):
        ...         y = x * 2
        ...     x.fill_(5)
        ...     g.replay()
        ...     assert y.tolist() == [10, 10, 10]
    """

    def __init__(self) -> None:
        super().__init__(cuda._device("CUDAGraph"))


def graph_pool_handle() -> graphs.Pool:
    """A token for memory that graphs share: `dt.cuda.graph(g, pool=token)`."""
    return graphs.new_pool()


def is_current_stream_capturing() -> bool:
    """Whether the current CUDA stream records a graph; False where there is no CUDA device.

    Example:
        >>> dt.cuda.is_current_stream_capturing()
        False
    """
    if not cuda.is_available():
        return False
    where = cuda._device("is_current_stream_capturing")
    return _core._stream_is_capturing(where, _core._current_stream(where))


class graph:
    """Captures the work of a `with` block into a graph.

    It waits for the device first, and gives cached memory back. An exception in the block ends the capture, leaves the
    graph empty, and is raised.

    Args:
        cuda_graph: the graph, which has not been captured.
        pool: memory to share with other graphs; see `dovetail.graphs.Graph.capture_begin`.
        stream: the stream to capture, other than the default one; None: one for all captures.
        capture_error_mode: "global", "thread_local" or "relaxed"; see `dovetail.graphs.Graph.capture_begin`.
    """

    default_capture_stream: ClassVar[dict[_core.device, streams.Stream]] = {}

    def __init__(
        self,
        cuda_graph: CUDAGraph,
        pool: graphs.Pool | None = None,
        stream: streams.Stream | None = None,
        capture_error_mode: str = "global",
    ) -> None:
        if not isinstance(cuda_graph, CUDAGraph):
            raise TypeError(f"cuda.graph: cuda_graph must be a CUDAGraph, got {type(cuda_graph).__name__}")
        self.cuda_graph, self.pool, self.capture_error_mode = cuda_graph, pool, capture_error_mode
        where = cuda_graph.device
        if stream is None:
            if where not in self.default_capture_stream:
                self.default_capture_stream[where] = cuda.Stream(where)
            stream = self.default_capture_stream[where]
        self.capture_stream = stream
        self._stream = streams.StreamContext(stream)

    def __enter__(self) -> None:
        cuda.synchronize(self.cuda_graph.device)
        gc.collect()
        cuda.empty_cache(self.cuda_graph.device)
        self._stream.__enter__()
        try:
            self.cuda_graph.capture_begin(self.pool, self.capture_error_mode)
        except BaseException:
            self._stream.__exit__(None, None, None)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.cuda_graph.capture_end()
            else:
                self.cuda_graph.reset()
        finally:
            self._stream.__exit__(kind, error, trace)
