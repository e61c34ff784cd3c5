"""The DataLoader: here and in worker processes, and what happens when a worker fails."""

import faulthandler
import os
import signal
import subprocess
import sys
import time

import pytest

import dovetail as dt
from dovetail.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return dt.tensor([i * i, i]), {"index": i}


class Sharded(IterableDataset):
    """A stream that every worker gives its share of."""

    def __iter__(self):
        info = get_worker_info()
        start, step = (info.id, info.num_workers) if info else (0, 1)
        return iter(range(start, 10, step))


class Bad(Dataset):
    def __init__(self, how):
        self.how = how

    def __len__(self):
        return 4

    def __getitem__(self, i):
        if i == 2:
            if self.how == "raise":
                raise KeyError("no such sample")
            if self.how == "sleep":
                time.sleep(30)
        return i


def indices(loader):
    return [batch[1]["index"].tolist() for batch in loader]


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_in_order(workers):
    loader = DataLoader(Squares(7), batch_size=3, num_workers=workers)
    assert indices(loader) == [[0, 1, 2], [3, 4, 5], [6]] and len(loader) == 3
    assert next(iter(loader))[0].tolist() == [[0, 0], [1, 1], [4, 2]]
    assert indices(DataLoader(Squares(7), batch_size=3, drop_last=True, num_workers=workers)) == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("workers", [0, 2])
def test_the_same_seed_gives_the_same_order(workers):
    def run():
        generator = dt.Generator().manual_seed(5)
        return indices(DataLoader(Squares(9), batch_size=4, shuffle=True, num_workers=workers, generator=generator))

    assert run() == run() and sorted(sum(run(), [])) == list(range(9)) and run() != [[0, 1, 2, 3], [4, 5, 6, 7], [8]]


@pytest.mark.parametrize("workers", [0, 2])
def test_whole_batches_are_fetched_at_once(workers):
    class Watched(TensorDataset):
        def __getitem__(self, index):
            raise AssertionError("fetched sample by sample")

    loader = DataLoader(Watched(dt.arange(5), dt.arange(5.0)), batch_size=2, num_workers=workers)
    assert [x.tolist() for x, _ in loader] == [[0, 1], [2, 3], [4]]


def test_a_collate_function_sees_samples():
    loader = DataLoader(
        TensorDataset(dt.arange(4)), batch_size=2, collate_fn=lambda samples: [s[0].item() for s in samples]
    )
    assert list(loader) == [[0, 1], [2, 3]]


def test_without_batching():
    assert [x[1]["index"] for x in DataLoader(Squares(3), batch_size=None)] == [0, 1, 2]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_streams(workers):
    loader = DataLoader(Sharded(), batch_size=2, num_workers=workers)
    assert sorted(sum((b.tolist() for b in loader), [])) == list(range(10))


def test_workers_persist_and_recover_from_an_epoch_left_early():
    loader = DataLoader(Squares(20), batch_size=2, num_workers=2, persistent_workers=True)
    for _ in loader:
        break
    assert sum(indices(loader), []) == list(range(20))
    assert sum(indices(loader), []) == list(range(20))


def test_worker_seeds_and_init():
    def show(worker_id):
        dt.manual_seed(worker_id)

    class Draw(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return dt.rand(())

    drawn = list(DataLoader(Draw(), batch_size=2, num_workers=2, worker_init_fn=show))
    dt.manual_seed(0)
    assert drawn[0].tolist() == [dt.rand(()).item(), dt.rand(()).item()]
    free = list(DataLoader(Draw(), batch_size=2, num_workers=2))
    assert free[0].tolist() != free[1].tolist()


def test_a_workers_exception_comes_back_with_its_traceback():
    with pytest.raises(KeyError, match="DataLoader: worker .* raised KeyError(.|\n)*no such sample"):
        list(DataLoader(Bad("raise"), num_workers=2))


def end(signal_or_code):
    if signal_or_code > 0:
        faulthandler.disable()  # pytest's would print a stack, as if this crash were not meant
        os.kill(os.getpid(), signal_or_code)
    os._exit(-signal_or_code)


@pytest.mark.parametrize(
    "how, words",
    [
        (signal.SIGKILL, r"was killed by signal 9 \(SIGKILL\)"),
        (signal.SIGTERM, r"was killed by signal 15 \(SIGTERM\)"),
        (signal.SIGSEGV, r"was killed by signal 11 \(SIGSEGV\)"),
        (-3, "ended with exit code 3"),
    ],
)
def test_a_killed_worker_is_reported_with_its_samples(how, words):
    class Deadly(Squares):
        def __getitem__(self, i):
            if i == 4:
                time.sleep(0.5)  # the requests behind it are there
                end(how)
            return super().__getitem__(i)

    loader = DataLoader(Deadly(40), batch_size=2, num_workers=2)
    with pytest.raises(RuntimeError, match=rf"^DataLoader: worker 0 \(pid \d+\) {words} .*held samples 4, 5, 8, 9"):
        list(loader)


def test_the_end_of_any_worker_is_seen_while_another_is_waited_for():
    class Deadly(Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            if i == 1:
                end(signal.SIGKILL)
            time.sleep(60)

    began = time.monotonic()
    with pytest.raises(RuntimeError, match=r"worker 1 \(pid \d+\) was killed by signal 9 .* held samples 1;"):
        list(DataLoader(Deadly(), num_workers=2))
    assert time.monotonic() - began < 5


def test_the_end_of_a_streams_worker():
    class Deadly(IterableDataset):
        def __iter__(self):
            yield 1
            end(signal.SIGKILL)

    with pytest.raises(RuntimeError, match="worker 0 .* while it held [12] of the stream's batches"):
        list(DataLoader(Deadly(), num_workers=1))


def test_a_worker_that_exits_does_not_end_the_program():
    class Exits(Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            raise SystemExit(3)

    with pytest.raises(RuntimeError, match="DataLoader: worker 0 raised SystemExit"):
        list(DataLoader(Exits(), num_workers=1))


def test_an_idle_worker_that_was_killed_is_reported_in_the_next_epoch():
    loader = DataLoader(Squares(4), num_workers=2, persistent_workers=True)
    assert len(list(loader)) == 4
    os.kill(loader._pool.processes[1].pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match=r"worker 1 \(pid \d+\) was killed by signal 9"):
        list(loader)
    assert len(list(loader)) == 4  # by new workers


def test_workers_end_with_a_program_that_is_killed():
    program = """if True:
        import time
        from dovetail.data import DataLoader, Dataset

        class Slow(Dataset):
            def __len__(self):
                return 4

            def __getitem__(self, i):
                time.sleep(1000)

        loader = DataLoader(Slow(), num_workers=2, persistent_workers=True)
        stream = iter(loader)
        import threading
        threading.Thread(target=next, args=(stream,), daemon=True).start()
        while loader._pool is None or len(loader._pool.processes) < 2:
            time.sleep(0.05)
        print(*[process.pid for process in loader._pool.processes], flush=True)
        time.sleep(1000)
    """
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) == 2
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 30
    while any(map(running, pids)):
        assert time.monotonic() < deadline, pids
        time.sleep(0.1)


def running(pid):
    """Whether a process is there that has not ended (one that nobody waits for may stay behind as a zombie)."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_slow_worker_times_out():
    with pytest.raises(RuntimeError, match="DataLoader: worker .* gave no batch within 0.5 seconds"):
        list(DataLoader(Bad("sleep"), num_workers=1, timeout=0.5))


def test_no_shared_memory_is_left_behind():
    def blocks():
        return {name for name in os.listdir("/dev/shm") if name.startswith("dovetail-")}

    before = blocks()
    for _ in DataLoader(Squares(50), batch_size=5, num_workers=2):
        break
    list(DataLoader(Squares(50), batch_size=5, num_workers=2))
    left = blocks() - before  # ours, or those that another program has for the moment
    deadline = time.monotonic() + 30
    while left & blocks():
        assert time.monotonic() < deadline, left & blocks()
        time.sleep(0.1)


@pytest.mark.parametrize(
    "options, match",
    [
        ({"batch_size": 0}, "batch_size"),
        ({"num_workers": -1}, "num_workers"),
        ({"timeout": -1}, "timeout"),
        ({"prefetch_factor": 2}, "prefetch_factor"),
        ({"persistent_workers": True}, "persistent_workers"),
        ({"shuffle": True, "sampler": [0]}, "sampler"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler"),
        ({"batch_size": None, "drop_last": True}, "drop_last"),
    ],
)
def test_options_that_exclude_one_another(options, match):
    with pytest.raises(ValueError, match=f"^DataLoader.*{match}"):
        DataLoader(Squares(3), **options)


def test_a_stream_takes_no_sampler():
    with pytest.raises(ValueError, match="^DataLoader: an IterableDataset"):
        DataLoader(Sharded(), shuffle=True)
