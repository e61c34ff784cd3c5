"""Streams and events of a device: queues whose work runs in order, and marks in them.

They are the backend's: `dt.cuda.Stream` and `dt.cuda.Event` are these for CUDA.
"""

from __future__ import annotations

from types import TracebackType

from . import _core

__all__ = ["Event", "Stream", "StreamContext"]


class Stream:
    """A queue of work beside the device's default one.

    Args:
        device: whose; an index may be left out for the current device.
        priority: lower numbers go first, where the device has priorities.

    Example:
        >>> if dt.cuda.is_available():
        ...     side = dt.cuda.Stream()
        ...     with dt.cuda.stream(side):
        ...         y = dt.ones(3, device="cuda") * 2
        ...     dt.cuda.current_stream().wait_stream(side)
    """

    def __init__(self, device: _core.device | str, priority: int = 0) -> None:
        where = _core.device(device)
        self.device = _core.device(where.type, _core._current_device(where)) if where.index is None else where
        self._owned = False
        self.handle = _core._stream_create(self.device, priority)
        self._owned = True

    @classmethod
    def _of_handle(cls, device: _core.device, handle: int) -> Stream:
        """A stream that somebody else ends: the default one, or the current one."""
        stream = cls.__new__(cls)
        stream.device, stream.handle, stream._owned = device, handle, False
        return stream

    def __del__(self) -> None:
        if getattr(self, "_owned", False):
            self._owned = False
            _core._stream_destroy(self.device, self.handle)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and (self.device, self.handle) == (other.device, other.handle)

    def __hash__(self) -> int:
        return hash((str(self.device), self.handle))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} device={self.device} handle={self.handle:#x}>"

    def query(self) -> bool:
        """Whether all its work is done."""
        return _core._stream_query(self.device, self.handle)

    def synchronize(self) -> None:
        """Wait until all its work is done."""
        _core._stream_synchronize(self.device, self.handle)

    def record_event(self, event: Event | None = None) -> Event:
        """Mark this place in the stream; returns the event."""
        if event is None:
            event = Event(self.device)
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Let what is queued here from now on wait for the event."""
        _core._event_wait(self.device, event.handle, self.handle)

    def wait_stream(self, other: Stream) -> None:
        """Let what is queued here from now on wait for what is queued in another stream now."""
        self.wait_event(other.record_event())


class Event:
    """A mark in a stream, to wait for and to measure time with.

    Args:
        device: whose.
        enable_timing: taken for compatibility; every event can be timed.

    Example:
        >>> if dt.cuda.is_available():
        ...     start, end = dt.cuda.Event(), dt.cuda.Event()
        ...     start.record()
        ...     y = dt.ones(3, device="cuda") * 2
        ...     end.record()
        ...     end.synchronize()
        ...     assert start.elapsed_time(end) >= 0
    """

    def __init__(self, device: _core.device | str, enable_timing: bool = True) -> None:
        where = _core.device(device)
        self.device = _core.device(where.type, _core._current_device(where)) if where.index is None else where
        self.handle = 0
        self.handle = _core._event_create(self.device)

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            _core._event_destroy(self.device, self.handle)
            self.handle = 0

    def record(self, stream: Stream | None = None) -> None:
        """Put the mark behind what the stream (the current one by default) was given."""
        handle = _core._current_stream(self.device) if stream is None else stream.handle
        _core._event_record(self.device, self.handle, handle)

    def wait(self, stream: Stream | None = None) -> None:
        """Let what the stream (the current one by default) is given from now on wait for this."""
        handle = _core._current_stream(self.device) if stream is None else stream.handle
        _core._event_wait(self.device, self.handle, handle)

    def query(self) -> bool:
        """Whether the mark has been reached."""
        return _core._event_query(self.device, self.handle)

    def synchronize(self) -> None:
        """Wait until the mark has been reached."""
        _core._event_synchronize(self.device, self.handle)

    def elapsed_time(self, end: Event) -> float:
        """Milliseconds from this mark to another; both must have been reached."""
        return _core._event_elapsed(self.device, self.handle, end.handle)


class StreamContext:
    """Makes a stream the current one of its device for a `with` block; None leaves all as it is."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream
        self._before = 0

    def __enter__(self) -> Stream | None:
        if self.stream is not None:
            self._before = _core._current_stream(self.stream.device)
            _core._set_current_stream(self.stream.device, self.stream.handle)
        return self.stream

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.stream is not None:
            _core._set_current_stream(self.stream.device, self._before)
