"""EMA: a running average of parameters, to evaluate with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import dovetail as dt
from dovetail import checks

from .optimizer import named


class EMA:
    """An exponential moving average of parameters, kept by name.

        average = decay * average + (1 - decay) * param

    Args:
        params: tensors, ``(name, tensor)`` pairs, or ``model.parameters()``, which carries its names.
        decay: how much of the average is kept; in [0, 1].
        warmup: let the decay grow with the updates, ``min(decay, (1 + n) / (10 + n))``, so that the first values do not
            last.

    Raises:
        ValueError: for a decay out of range or an empty list.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control 30, 1992.

    Example:
        >>> w = dt.zeros(1)
        >>> ema = EMA([("w", w)], decay=0.5)
        >>> _ = w.fill_(1.0); ema.update()
        >>> with ema.applied():
        ...     w.item()
        0.5
        >>> w.item()
        1.0
    """

    @checks.in_class_name
    def __init__(self, params: Iterable[Any], decay: float = 0.999, warmup: bool = False) -> None:
        checks.numbers("EMA", decay=decay)
        if not 0 <= decay <= 1:
            raise ValueError(f"EMA: decay must be in [0, 1], got {decay}")
        self.decay, self.warmup, self.updates = float(decay), warmup, 0
        self.params = dict(named(params, 0))
        if not self.params:
            raise ValueError(f"EMA: got an empty parameter list, {checks.shown(params)}")
        checks.tensors("EMA", **self.params)
        with dt.no_grad():
            self.averages = {name: p.detach().clone() for name, p in self.params.items()}

    def update(self) -> None:
        """Take the parameters as they are now into the averages."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates)) if self.warmup else self.decay
        with dt.no_grad():
            for name, p in self.params.items():
                average = self.averages[name]
                if average.is_floating_point() or average.is_complex():
                    average.lerp_(p.detach(), 1 - decay)
                else:
                    average.copy_(p)

    def copy_to(self) -> None:
        """Make the averages the parameters' values."""
        with dt.no_grad():
            for name, p in self.params.items():
                p.copy_(self.averages[name])

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block, the parameters have the averages' values."""
        with dt.no_grad():
            kept = {name: p.detach().clone() for name, p in self.params.items()}
        self.copy_to()
        try:
            yield
        finally:
            with dt.no_grad():
                for name, p in self.params.items():
                    p.copy_(kept[name])

    def state_dict(self) -> dict[str, Any]:
        """The averages by name, and how many updates there were: ready for ``dt.save``."""
        return {"averages": dict(self.averages), "updates": self.updates}

    @checks.in_class_name
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state saved by ``state_dict``.

        Raises:
            ValueError: listing every name that is missing or unexpected and every shape that differs; nothing is
                changed then.
        """
        checks.dicts("load_state_dict", state_dict=state_dict)
        saved = state_dict["averages"]
        problems = [f"{name} was not saved" for name in self.averages if name not in saved]
        problems += [f"{name} was saved, but is not here" for name in saved if name not in self.averages]
        problems += [
            f"{name} was saved with shape {tuple(saved[name].shape)}, it has {tuple(own.shape)} here"
            for name, own in self.averages.items()
            if name in saved and saved[name].shape != own.shape
        ]
        if problems:
            raise ValueError("EMA: the state does not fit these parameters:\n  " + "\n  ".join(problems))
        self.updates = int(state_dict["updates"])
        for name, own in self.averages.items():
            own.copy_(saved[name])
