"""Worker processes: what runs in one, and the pool that the loader talks to."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import pickle
import random
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

import dovetail as dt

from .dataset import IterableDataset
from .fetch import Fetcher, stream
from .transport import Packed, discard, pack, unpack


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


@dataclass
class Failure:
    """An exception on its way out of a worker, with its traceback as text."""

    error: BaseException | None
    kind: str
    text: str

    def raise_again(self, worker: int) -> None:
        message = f"DataLoader: worker {worker} raised {self.kind}:\n{self.text}"
        if self.error is not None:
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
            answer: Any = pack(fetch(order[0]))
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
        self.pending: deque[int] = deque()  # the worker that each outstanding request went to, oldest first
        self.processes: list[Any] = []
        self.pipes: list[Any] = []
        resource_tracker.ensure_running()  # before the fork, so that all share one
        for worker_id in range(job.num_workers):
            ours, theirs = context.Pipe()
            process = context.Process(target=_entry, args=(job, worker_id, theirs, [*self.pipes, ours]), daemon=True)
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
        self.pending.append(worker_id)

    def receive(self) -> tuple[int, Any]:
        """The oldest outstanding answer: a batch, or EndOfStream. Raises what the worker raised."""
        worker_id = self.pending.popleft()
        pipe, process = self.pipes[worker_id], self.processes[worker_id]
        ready = multiprocessing.connection.wait([pipe, process.sentinel], self.timeout or None)
        if not ready:
            raise RuntimeError(f"DataLoader: worker {worker_id} gave no batch within {self.timeout} seconds")
        try:
            answer = pipe.recv() if pipe in ready or pipe.poll() else self._died(worker_id)
        except (EOFError, OSError):
            self._died(worker_id)
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

    def close(self) -> None:
        """End the workers: an open request is answered into a closed pipe, and the worker goes."""
        for pipe in self.pipes:
            while _readable(pipe):
                try:
                    answer = pipe.recv()
                except (EOFError, OSError):
                    break
                if isinstance(answer, Packed):
                    discard(answer)
            pipe.close()
        for process in self.processes:
            process.join(timeout=5)
            if process.is_alive():
                process.terminate()
                process.join(timeout=5)
        self.pipes, self.processes = [], []
        self.pending.clear()

    def _send(self, worker_id: int, order: Any) -> None:
        try:
            self.pipes[worker_id].send(order)
        except (BrokenPipeError, OSError):
            self._died(worker_id)

    def _died(self, worker_id: int) -> Any:
        process = self.processes[worker_id]
        process.join(timeout=1)
        code = process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
        raise RuntimeError(
            f"DataLoader: worker {worker_id} (pid {process.pid}) {how}; "
            "run with num_workers=0 to see an error of its own, or give it more memory"
        )


def _readable(pipe: Any) -> bool:
    try:
        return bool(pipe.poll())
    except (OSError, EOFError):
        return False


def _entry(job: Job, worker_id: int, pipe: Any, inherited: list[Any]) -> None:
    """Close the parent's ends that a fork copied, so that a pipe closes when the parent closes it; then work."""
    for other in inherited:
        other.close()
    with contextlib.suppress(KeyboardInterrupt):
        run_worker(job, worker_id, pipe)
