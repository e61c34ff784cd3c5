"""DataLoader: batches of a data set, fetched here or by worker processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import dovetail as dt
from dovetail import checks

from .dataset import IterableDataset
from .fetch import Fetcher, stream
from .sampler import BatchSampler, RandomSampler, SequentialSampler
from .worker import EndOfStream, Job, WorkerPool


class DataLoader:
    """Iterates over a data set in batches.

    Where the data set has ``get_batch`` (as TensorDataset has) and no ``collate_fn`` is given, a batch is one indexing
    operation per tensor rather than a Python call per sample.

    Args:
        dataset: map-style or iterable.
        batch_size: samples to a batch; None switches batching off.
        shuffle: a new random order each epoch.
        sampler: in which order (instead of ``shuffle``).
        num_workers: worker processes; 0 fetches in this one.
        batch_sampler: gives lists of indices (instead of batch_size, shuffle, sampler and drop_last).
        collate_fn: makes a batch of a list of samples.
        drop_last: leave out a last batch that is not full.
        timeout: seconds to wait for a worker's batch; 0 waits for ever.
        worker_init_fn: called in each worker with its number, before its first batch.
        multiprocessing_context: "fork", "spawn", "forkserver" or a context.
        generator: of the shuffling and the workers' seeds.
        prefetch_factor: batches that each worker has under way (default 2).
        persistent_workers: keep the workers from one epoch to the next.
        pin_memory: accepted for compatibility; a backend whose copies need it pins its own staging memory.

    Raises:
        ValueError: for arguments that exclude one another or are out of range, named in the message.
        RuntimeError: while iterating, where a worker died or was too slow; an exception raised in a worker is raised
            here again with its traceback in the message.

    Example:
        >>> from dovetail.data import DataLoader, TensorDataset
        >>> loader = DataLoader(TensorDataset(dt.arange(5)), batch_size=2)
        >>> [x.tolist() for x, in loader]
        [[0, 1], [2, 3], [4]]
    """

    @checks.in_class_name
    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: dt.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
    ) -> None:
        _check_counts(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.collate_fn = collate_fn
        self.pin_memory = pin_memory
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.prefetch_factor = prefetch_factor or 2
        self.persistent_workers = persistent_workers
        self._pool: WorkerPool | None = None
        self._streams = isinstance(dataset, IterableDataset)
        if self._streams and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("DataLoader: an IterableDataset has its own order: no shuffle, sampler or batch_sampler")
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: give either sampler or shuffle=True, not both")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("DataLoader: batch_sampler excludes batch_size, shuffle, sampler and drop_last")
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("DataLoader: batch_size=None switches batching off and excludes drop_last")
        if batch_size is not None and (not isinstance(batch_size, int) or batch_size <= 0):
            raise ValueError(f"DataLoader: batch_size must be a positive int or None, got {checks.shown(batch_size)}")
        if sampler is None and not self._streams and batch_sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and not self._streams:
            batch_sampler = BatchSampler(sampler or (), batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler

    # ---- iteration ----

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers == 0:
            return self._iterate_here()
        return self._iterate_workers()

    def __len__(self) -> int:
        """The number of batches (of samples, without batching)."""
        if self._streams:
            n = len(self.dataset)
            if self.batch_size is None:
                return n
            return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
        plan: Any = self.batch_sampler if self.batch_sampler is not None else self.sampler
        return len(plan)

    @property
    def _batched(self) -> bool:
        return self.batch_sampler is not None or (self._streams and self.batch_size is not None)

    def _plan(self) -> Iterator[Any]:
        """What to fetch, batch by batch."""
        if isinstance(self.batch_sampler, BatchSampler) and type(self.batch_sampler).__iter__ is BatchSampler.__iter__:
            return self.batch_sampler.batches()
        return iter(self.batch_sampler if self.batch_sampler is not None else self.sampler or ())

    def _iterate_here(self) -> Iterator[Any]:
        if self._streams:
            return stream(self.dataset, self.collate_fn, self.batch_size, self.drop_last)
        return map(Fetcher(self.dataset, self.collate_fn, self._batched), self._plan())

    def _iterate_workers(self) -> Iterator[Any]:
        pool = self._take_pool()
        try:
            pool.drain()
            pool.start_epoch()
            yield from self._collect(pool)
        except GeneratorExit:
            raise
        except BaseException:
            pool.close(patience=0)  # what the others are at is not waited for
            self._pool = None
            raise
        finally:
            if not self.persistent_workers:
                pool.close()

    def _collect(self, pool: WorkerPool) -> Iterator[Any]:
        """Keep every worker busy; hand out the batches in the plan's order."""
        plan = self._plan() if not self._streams else _endless()
        live = list(range(self.num_workers))
        turn = 0

        def ask() -> bool:
            nonlocal turn
            for indices in plan:
                if not live:
                    return False
                pool.request(live[turn % len(live)], indices)
                turn += 1
                return True
            return False

        for _ in range(self.num_workers * self.prefetch_factor):
            if not ask():
                break
        while pool.pending:
            worker_id, batch = pool.receive()
            if isinstance(batch, EndOfStream):
                if worker_id in live:
                    live.remove(worker_id)
                continue
            ask()
            yield batch

    def _take_pool(self) -> WorkerPool:
        if self._pool is not None:
            return self._pool
        context = self.multiprocessing_context
        if context is None or isinstance(context, str):
            context = multiprocessing.get_context(context)
        batch_size = self.batch_size if self._streams else (1 if self._batched else None)
        seed = int(dt.randint(0, 2**62, (), generator=self.generator).item())
        job = Job(
            self.dataset, self.collate_fn, batch_size, self.drop_last, self.num_workers, seed, self.worker_init_fn
        )
        pool = WorkerPool(job, context, self.timeout)
        if self.persistent_workers:
            self._pool = pool
        return pool

    def __del__(self) -> None:
        pool = getattr(self, "_pool", None)
        if pool is not None:
            pool.close()


def _endless() -> Iterator[None]:
    while True:
        yield None


def _check_counts(num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool) -> None:
    if not isinstance(num_workers, int) or num_workers < 0:
        raise ValueError(f"DataLoader: num_workers must be an int >= 0, got {checks.shown(num_workers)}")
    if timeout < 0:
        raise ValueError(f"DataLoader: timeout must be >= 0, got {checks.shown(timeout)}")
    if prefetch_factor is not None and (num_workers == 0 or prefetch_factor < 1):
        raise ValueError(
            "DataLoader: prefetch_factor must be at least 1 and needs num_workers > 0, "
            f"got {checks.shown(prefetch_factor)}"
        )
    if persistent_workers and num_workers == 0:
        raise ValueError("DataLoader: persistent_workers=True needs num_workers > 0")
