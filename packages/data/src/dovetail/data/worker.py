"""Worker processes: what runs in one, and the pool that the loader talks to."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import pickle
import random
import secrets
import signal
import sys
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import Any, NoReturn

import dovetail as dt

from .dataset import IterableDataset
from .fetch import Fetcher, stream
from .transport import Packed, discard, pack, sweep, unpack


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows of itself: its number, how many there are, its seed and its copy of the data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a DataLoader's worker process: what it knows of itself. Elsewhere None."""
    return _info


@dataclass
class Job:
    """What every worker of a pool is given when it starts."""

    dataset: Any
    collate_fn: Callable[[Any], Any] | None
    batch_size: int | None
    drop_last: bool
    num_workers: int
    base_seed: int
    worker_init_fn: Callable[[int], None] | None
    # What the names of the pool's blocks of shared memory begin with, so that those of a killed worker can be found.
    blocks: str = field(default_factory=lambda: f"dovetail-{secrets.token_hex(8)}-")


@dataclass
class Failure:
    """An exception on its way out of a worker, with its traceback as text."""

    error: BaseException | None
    kind: str
    text: str

    def raise_again(self, worker: int) -> None:
        message = f"DataLoader: worker {worker} raised {self.kind}:\n{self.text}"
        if isinstance(self.error, Exception):  # SystemExit would end the loader's process too
            try:
                again = type(self.error)(message)
            except Exception:  # an exception class with a constructor of its own
                again = RuntimeError(message)
            raise again from self.error
        raise RuntimeError(message)


class EndOfStream:
    """What a worker answers when its share of an iterable data set is used up."""


def run_worker(job: Job, worker_id: int, pipe: multiprocessing.connection.Connection) -> None:
    """A worker's life: receive indices, send batches, until the pipe closes."""
    global _info
    seed = job.base_seed + worker_id
    random.seed(seed)
    dt.manual_seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    _info = WorkerInfo(worker_id, job.num_workers, seed, job.dataset)
    fetch: Callable[[Any], Any] | None = None
    batches: Iterator[Any] = iter(())
    while True:
        try:
            order = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            if order is None:  # a new epoch, or the first
                if fetch is None and job.worker_init_fn is not None:
                    job.worker_init_fn(worker_id)
                if isinstance(job.dataset, IterableDataset):
                    batches = stream(job.dataset, job.collate_fn, job.batch_size, job.drop_last)
                    fetch = lambda _, it=batches: next(it)  # noqa: E731
                else:
                    fetch = Fetcher(job.dataset, job.collate_fn, job.batch_size is not None)
                continue
            assert fetch is not None
            answer: Any = pack(fetch(order[0]), job.blocks)
        except StopIteration:
            answer = EndOfStream()
        except BaseException as error:
            answer = _failure(error)
        try:
            pipe.send(answer)
        except (BrokenPipeError, OSError):
            if isinstance(answer, Packed):
                discard(answer)
            return


def _failure(error: BaseException) -> Failure:
    text = traceback.format_exc()
    try:
        pickle.loads(pickle.dumps(error))
        return Failure(error, type(error).__name__, text)
    except Exception:
        return Failure(None, type(error).__name__, text)


class WorkerPool:
    """The workers of one loader, each behind a pipe. Results come back in the order in which they were asked for."""

    def __init__(self, job: Job, context: Any, timeout: float) -> None:
        self.timeout = timeout
        self.blocks = job.blocks
        # The outstanding requests, oldest first: the worker that each went to, and what it asks for.
        self.pending: deque[tuple[int, Any]] = deque()
        self.processes: list[Any] = []
        self.pipes: list[Any] = []
        resource_tracker.ensure_running()  # before the fork, so that all share one
        for worker_id in range(job.num_workers):
            ours, theirs = context.Pipe()
            _ours.add(ours)
            process = context.Process(target=_entry, args=(job, worker_id, theirs), daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(ours)
            self.processes.append(process)

    def start_epoch(self) -> None:
        for worker_id in range(len(self.pipes)):
            self._send(worker_id, None)

    def request(self, worker_id: int, indices: Any) -> None:
        if isinstance(indices, dt.Tensor):
            indices = indices.tolist()
        self._send(worker_id, (indices,))
        self.pending.append((worker_id, indices))

    def receive(self) -> tuple[int, Any]:
        """The oldest outstanding answer: a batch, or EndOfStream. Raises what the worker raised, and RuntimeError as
        soon as any worker is gone."""
        worker_id, indices = self.pending.popleft()
        pipe = self.pipes[worker_id]
        sentinels = {process.sentinel: each for each, process in enumerate(self.processes)}
        ready = multiprocessing.connection.wait([pipe, *sentinels], self.timeout or None)
        if not ready:
            raise RuntimeError(f"DataLoader: worker {worker_id} gave no batch within {self.timeout} seconds")
        try:
            if pipe not in ready and not _readable(pipe):
                self._died(sentinels[ready[0]], (worker_id, indices))
            answer = pipe.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            self._died(worker_id, (worker_id, indices))
        if isinstance(answer, Failure):
            answer.raise_again(worker_id)
        return worker_id, unpack(answer) if isinstance(answer, Packed) else answer

    def drain(self) -> None:
        """Throw away what is outstanding (an epoch that was left early)."""
        while self.pending:
            try:
                self.receive()
            except Exception:
                continue

    def close(self, patience: float = 5) -> None:
        """End the workers: an open request is answered into a closed pipe, and the worker goes; one that has not gone
        after `patience` seconds is made to. Frees what they leave in shared memory."""
        for pipe in self.pipes:
            while _readable(pipe):
                try:
                    answer = pipe.recv()
                except (EOFError, OSError, pickle.UnpicklingError):
                    break
                if isinstance(answer, Packed):
                    discard(answer)
            pipe.close()
        _end(self.processes, patience)
        sweep(self.blocks)
        self.pipes, self.processes = [], []
        self.pending.clear()

    def _send(self, worker_id: int, order: Any) -> None:
        try:
            self.pipes[worker_id].send(order)
        except (BrokenPipeError, OSError):
            self._died(worker_id)

    def _died(self, worker_id: int, *first: tuple[int, Any]) -> NoReturn:
        """Say which worker is gone, how, and what it had been asked for and not answered."""
        process, pipe = self.processes[worker_id], self.pipes[worker_id]
        process.join(timeout=1)
        held = [indices for owner, indices in [*first, *self.pending] if owner == worker_id]
        while held and _readable(pipe):
            try:
                pipe.recv()  # an answer that it gave; what it left in shared memory goes when the pool closes
            except (EOFError, OSError, pickle.UnpicklingError):
                break
            held.pop(0)
        raise RuntimeError(
            f"DataLoader: worker {worker_id} (pid {process.pid}) {_how_it_ended(process.exitcode)} while it held "
            f"{_shown(held)}; run with num_workers=0 to see an error of its own{_remedy(process.exitcode)}"
        )


_ours: weakref.WeakSet[Any] = weakref.WeakSet()  # this process's ends of all pools' pipes


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "closed its pipe"
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    return f"was killed by signal {-code}"


def _remedy(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return ", or give it more memory"
    return ", or give it more shared memory (/dev/shm)" if code == -signal.SIGBUS else ""


def _shown(held: list[Any]) -> str:
    """The samples of unanswered requests, of which there are none, one by one or in batches."""
    if not held:
        return "no samples"
    if all(indices is None for indices in held):
        return f"{len(held)} of the stream's batches"
    flat = [each for indices in held for each in (indices if isinstance(indices, (list, tuple)) else [indices])]
    more = f" and {len(flat) - 100} more" if len(flat) > 100 else ""
    return f"samples {', '.join(repr(each)[:60] for each in flat[:100])}{more}"


def _readable(pipe: Any) -> bool:
    try:
        return bool(pipe.poll())
    except (OSError, EOFError):
        return False


def _end(processes: list[Any], patience: float) -> None:
    """Wait for the processes to go; ask those that have not, then make them."""
    for ask, seconds in ((None, patience), ("terminate", 1.0), ("kill", 5.0)):
        deadline = time.monotonic() + seconds
        for process in processes:
            if ask is not None and process.is_alive():
                getattr(process, ask)()
        for process in processes:
            process.join(timeout=max(0.0, deadline - time.monotonic()))


def _entry(job: Job, worker_id: int, pipe: Any) -> None:
    """Close the parent's ends that a fork copied, so that a pipe closes when the parent closes it; then work."""
    for other in list(_ours):
        other.close()
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        run_worker(job, worker_id, pipe)


def _end_with_parent(parent: int) -> None:
    """A worker whose parent was killed ends, whatever it is doing."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
