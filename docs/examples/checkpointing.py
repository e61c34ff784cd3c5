"""Checkpoints from which a run goes on to the bit: weights, optimizer, schedule, place in the data, random numbers."""

from pathlib import Path

import dovetail as dt


class Batches:
    """Batches without end, epoch after epoch, from a DataLoader with a generator of its own.

    Its state is the generator's at the beginning of the epoch, which gives the epoch's order, and how many batches of
    that order were taken.
    """

    def __init__(self, loader):
        if loader.generator is None:
            raise ValueError("Batches: the DataLoader needs a generator of its own: generator=dt.Generator()")
        self.loader = loader
        self._begin(loader.generator.get_state(), taken=0)

    def _begin(self, order, taken):
        self.loader.generator.set_state(order)
        self.order, self.taken = order, taken
        self._epoch = iter(self.loader)
        for _ in range(taken):
            next(self._epoch)

    def __iter__(self):
        return self

    def __next__(self):
        if self.taken == len(self.loader):
            self._begin(self.loader.generator.get_state(), taken=0)
        batch = next(self._epoch)
        self.taken += 1
        return batch

    def state_dict(self):
        return {"order": self.order, "taken": self.taken}

    def load_state_dict(self, state):
        self._begin(state["order"], state["taken"])


def save_checkpoint(path, step, **parts):
    """Write the step, the state of the random numbers, and the state_dict() of every part.

    A file that is there is replaced only once the new one is whole: whatever interrupts, there is one to go on from.
    """
    states = {name: part.state_dict() for name, part in parts.items()}
    dt.save({"step": step, "random": dt.get_rng_state(), **states}, path)


def load_checkpoint(path, **parts):
    """Bring every part to its state in the file, and the random numbers too; the step from which to go on.

    Where there is no file, nothing happens and the step is 0.
    """
    if not Path(path).exists():
        return 0
    states = dt.load(path)
    for name, part in parts.items():
        part.load_state_dict(states[name])
    dt.set_rng_state(states["random"])
    return states["step"]
