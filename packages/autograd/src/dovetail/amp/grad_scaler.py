"""GradScaler: losses scaled up, so that small gradients do not vanish in float16."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import dovetail as dt
from dovetail import Tensor, checks
from dovetail._grad_mode import _truth

from .regions import _device
from .unscaling import amp_unscale, grouped

__all__ = ["GradScaler"]


class Stage(Enum):
    """What has been done for an optimizer since the last update."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


@dataclass
class Progress:
    """An optimizer between two updates."""

    optimizer: Any  # held, so that no other gets its id
    stage: Stage = Stage.READY
    found_inf: dict[dt.device, Tensor] = field(default_factory=dict)


class GradScaler:
    """Scale losses for training in float16, and let optimizers step on unscaled gradients.

    float16 knows nothing below 6e-8, which many gradients are. So the loss is multiplied by a scale before backward,
    and the gradients are divided by it before the step. A step whose gradients overflowed is skipped, and the scale is
    lowered; after `growth_interval` steps without one it is raised.

        scaler.scale(loss).backward()
        scaler.step(optimizer)      # unscales; steps if every gradient is finite
        scaler.update()

    Any object with `param_groups` (dicts with a list `params`) and `step()` is an optimizer here, and several may share
    a scaler. To clip gradients, call `unscale_(optimizer)` before.

    Args:
        device: the device type on which the model is.
        init_scale: the first scale.
        growth_factor: what the scale is multiplied by after `growth_interval` finite steps; above 1.
        backoff_factor: what it is multiplied by after a skipped step; below 1.
        growth_interval: after how many finite steps in a row it grows.
        enabled: False makes `scale` return what it is given and `step` just step. (So it is where the device type has
            no backend here, with a warning.)

    Example:
        >>> w = dt.ones(2, requires_grad=True)
        >>> optimizer = dt.optim.SGD([w], lr=0.5)
        >>> scaler = dt.amp.GradScaler("cpu", init_scale=1024.0)
        >>> for factor in (1.0, float("inf")):
        ...     optimizer.zero_grad()
        ...     scaler.scale((factor * w).sum()).backward()
        ...     scaler.step(optimizer)
        ...     scaler.update()
        >>> w.tolist(), scaler.get_scale()  # the second step was skipped
        ([0.5, 0.5], 512.0)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        checks.numbers("GradScaler", init_scale=init_scale)
        self._device, self._enabled = device, _truth("GradScaler", enabled)
        if _device("GradScaler", device) is None and self._enabled:
            warnings.warn(f"GradScaler: there is no backend for {device!r} here; it is disabled", stacklevel=3)
            self._enabled = False
        if not init_scale > 0:
            raise ValueError(f"GradScaler: init_scale must be positive, got {init_scale}")
        self.set_growth_factor(growth_factor)
        self.set_backoff_factor(backoff_factor)
        self.set_growth_interval(growth_interval)
        self._first_scale, self._first_tracker = float(init_scale), 0
        # Made at the first scale(), on the loss's device.
        self._scale: Tensor | None = None
        self._growth_tracker: Tensor | None = None
        self._optimizers: dict[int, Progress] = {}

    # ---- scaling ----

    @checks.in_own_name
    def scale(self, outputs: Any) -> Any:
        """A loss, or losses in nested lists, tuples and dicts, times the scale.

        Example:
            >>> dt.amp.GradScaler("cpu", init_scale=4.0).scale([dt.tensor(1.0), {"b": dt.tensor(2.0)}])
            [tensor(4., shape=(), dtype=float32, device=cpu), {'b': tensor(8., shape=(), dtype=float32, device=cpu)}]
        """
        return self._scaled(outputs, {}) if self._enabled else outputs

    def _scaled(self, outputs: Any, scales: dict[dt.device, Tensor]) -> Any:
        if isinstance(outputs, Tensor):
            if outputs.device not in scales:
                scales[outputs.device] = self._scale_on(outputs.device)
            return outputs * scales[outputs.device]
        if isinstance(outputs, Mapping):
            return {key: self._scaled(value, scales) for key, value in outputs.items()}
        if hasattr(outputs, "_fields"):  # a named tuple
            return type(outputs)(*(self._scaled(value, scales) for value in outputs))
        if isinstance(outputs, (list, tuple)):
            return type(outputs)(self._scaled(value, scales) for value in outputs)
        if isinstance(outputs, Iterable) and not isinstance(outputs, (str, bytes)):
            return (self._scaled(value, scales) for value in outputs)
        raise ValueError(f"outputs must be a Tensor or an iterable of Tensors, got {checks.shown(outputs)}")

    def _scale_on(self, device: dt.device) -> Tensor:
        if self._scale is None:
            self._scale = dt.full((), self._first_scale, dtype=dt.float32, device=device)
            self._growth_tracker = dt.full((), self._first_tracker, dtype=dt.int32, device=device)
        return self._scale.to(device)

    def _state(self, who: str) -> tuple[Tensor, Tensor]:
        if self._scale is None or self._growth_tracker is None:
            raise RuntimeError(f"{who}: nothing has been scaled yet; call scaler.scale(loss).backward() before")
        return self._scale, self._growth_tracker

    # ---- unscaling ----

    @checks.in_own_name
    def unscale_(self, optimizer: Any) -> None:
        """Divide an optimizer's gradients by the scale, in place, and look for infinities and NaN in them.

        `step` does it where it was not done. Call it when all gradients of the step have arrived, to clip or to look at
        them.

        Raises:
            RuntimeError: it was done since the last `update`, or after `step`.
            ValueError: a gradient is float16: keep parameters in float32, and let autocast cast them.
        """
        if not self._enabled:
            return
        scale, _ = self._state("unscale_")
        progress = self._progress("unscale_", optimizer)
        if progress.stage is Stage.UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update()")
        if progress.stage is Stage.STEPPED:
            raise RuntimeError("unscale_() is being called after step()")
        # The reciprocal rounds once.
        inverse = scale.double().reciprocal().float()
        progress.found_inf = self._unscaled(_gradients(optimizer, refuse_half=True), inverse)
        progress.stage = Stage.UNSCALED

    def _unscaled(self, gradients: list[Tensor], inverse: Tensor) -> dict[dt.device, Tensor]:
        """Multiplies gradients; for each device, 1 where one of its gradients was not finite, else 0."""
        found: dict[dt.device, Tensor] = {}
        with dt.no_grad():
            for device, groups in grouped(gradients).items():
                found[device] = dt.zeros((), dtype=dt.float32, device=device)
                factor = inverse.to(device)
                for group in groups:
                    amp_unscale(group, found[device], factor)
        return found

    def _progress(self, who: str, optimizer: Any) -> Progress:
        if not hasattr(optimizer, "param_groups") or not callable(getattr(optimizer, "step", None)):
            raise TypeError(
                f"{who}: expected an optimizer, with param_groups and step(), got {checks.shown(optimizer)}"
            )
        return self._optimizers.setdefault(id(optimizer), Progress(optimizer))

    # ---- stepping ----

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Unscale the optimizer's gradients, where `unscale_` has not, and let it step if they are all finite.

        Args:
            optimizer: whose step it is.
            args, kwargs: passed on to `optimizer.step`. A closure is refused: it would compute gradients anew, which
                are scaled.

        Returns:
            What `optimizer.step` returned; None where the step was skipped.

        Raises:
            RuntimeError: it was called twice without `update`, with a closure, before any `scale`, or none of the
                parameters has a gradient.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs or any(callable(arg) and not isinstance(arg, Tensor) for arg in args):
            raise RuntimeError("step: a closure can't be used with an enabled GradScaler")
        self._state("step")
        progress = self._progress("step", optimizer)
        if progress.stage is Stage.STEPPED:
            raise RuntimeError("step: step() has already been called since the last update()")
        if getattr(optimizer, "_step_supports_amp_scaling", False):
            result = self._step_by_itself(progress, args, kwargs)
        else:
            if progress.stage is Stage.READY:
                self.unscale_(optimizer)
            if not progress.found_inf:
                raise RuntimeError("step: no inf checks were recorded for this optimizer: no parameter has a gradient")
            finite = not any(found.item() for found in progress.found_inf.values())
            result = optimizer.step(*args, **kwargs) if finite else None
        progress.stage = Stage.STEPPED
        return result

    def _step_by_itself(self, progress: Progress, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The step of an optimizer that unscales in its own kernel: it reads `grad_scale` and `found_inf`."""
        optimizer, (scale, _) = progress.optimizer, self._state("step")
        before = getattr(optimizer, "grad_scale", None)
        if progress.stage is Stage.READY:
            one = dt.ones((), dtype=dt.float32, device=scale.device)
            progress.found_inf = self._unscaled(_gradients(optimizer, refuse_half=False), one)
            optimizer.grad_scale = scale if before is None else scale * before
        else:
            optimizer.grad_scale = before
        optimizer.found_inf = _together(list(progress.found_inf.values()), scale.device)
        try:
            return optimizer.step(*args, **kwargs)
        finally:
            del optimizer.grad_scale, optimizer.found_inf

    # ---- the scale ----

    @checks.in_own_name
    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adapt the scale; at the end of an iteration, after every optimizer's `step`.

        Args:
            new_scale: set it to this, in place of adapting it: a number, or a tensor of one element without gradient.

        Raises:
            RuntimeError: nothing was scaled, or no gradients were looked at since the last update.
        """
        if not self._enabled:
            return
        scale, tracker = self._state("update")
        with dt.no_grad():
            if new_scale is None:
                self._adapt(scale, tracker)
            else:
                scale.copy_(_one(new_scale, scale.device))
        self._optimizers = {}

    def _adapt(self, scale: Tensor, tracker: Tensor) -> None:
        found = [each for progress in self._optimizers.values() for each in progress.found_inf.values()]
        if not found:
            raise RuntimeError("update: no inf checks were recorded prior to update(): call step(optimizer) before")
        # In ops, so that a device need not be waited for.
        overflowed = _together(found, scale.device) > 0
        finite_steps = dt.where(overflowed, 0, tracker + 1)
        grows = finite_steps >= self._growth_interval
        grown = scale * self._growth_factor
        larger = dt.where(grows & grown.isfinite(), grown, scale)
        scale.copy_(dt.where(overflowed, scale * self._backoff_factor, larger))
        tracker.copy_(dt.where(grows, 0, finite_steps))

    def get_scale(self) -> float:
        """The scale as it is now; 1 where scaling is disabled."""
        if not self._enabled:
            return 1.0
        return self._first_scale if self._scale is None else float(self._scale.item())

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by when it grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied by when it grows: more than 1."""
        checks.numbers("GradScaler", growth_factor=new_factor)
        if not new_factor > 1:
            raise ValueError(f"GradScaler: the growth factor must be > 1, got {new_factor}")
        self._growth_factor = float(new_factor)

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by after a skipped step."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the scale is multiplied by after a skipped step: between 0 and 1."""
        checks.numbers("GradScaler", backoff_factor=new_factor)
        if not 0 < new_factor < 1:
            raise ValueError(f"GradScaler: the backoff factor must be between 0 and 1, got {new_factor}")
        self._backoff_factor = float(new_factor)

    def get_growth_interval(self) -> int:
        """After how many finite steps in a row the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many finite steps in a row the scale grows."""
        checks.integers("GradScaler", growth_interval=new_interval)
        if new_interval < 1:
            raise ValueError(f"GradScaler: the growth interval must be at least 1, got {new_interval}")
        self._growth_interval = int(new_interval)

    def is_enabled(self) -> bool:
        """Whether scaling is enabled."""
        return self._enabled

    # ---- state ----

    def state_dict(self) -> dict[str, Any]:
        """Scale, factors, interval and the count of finite steps, as numbers; empty where scaling is disabled.

        Take it after `update`.
        """
        if not self._enabled:
            return {}
        tracker = self._first_tracker if self._growth_tracker is None else int(self._growth_tracker.item())
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": tracker,
        }

    @checks.in_own_name
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave.

        Raises:
            RuntimeError: it is empty: that of a disabled scaler.
            ValueError: an entry is missing. Nothing is changed then.
        """
        if not self._enabled:
            return
        checks.dicts("load_state_dict", state_dict=state_dict)
        if not state_dict:
            raise RuntimeError("the state is empty, as that of a disabled GradScaler is")
        missing = sorted(self.state_dict().keys() - state_dict.keys())
        if missing:
            raise ValueError(f"the state has no {', '.join(missing)}")
        self.set_growth_factor(state_dict["growth_factor"])
        self.set_backoff_factor(state_dict["backoff_factor"])
        self.set_growth_interval(state_dict["growth_interval"])
        self._first_scale, self._first_tracker = float(state_dict["scale"]), int(state_dict["_growth_tracker"])
        if self._scale is not None and self._growth_tracker is not None:
            self._scale.fill_(self._first_scale)
            self._growth_tracker.fill_(self._first_tracker)


def _gradients(optimizer: Any, refuse_half: bool) -> list[Tensor]:
    gradients = []
    for group in optimizer.param_groups:
        for param in group["params"]:
            gradient = param.grad
            if gradient is None:
                continue
            if refuse_half and gradient.dtype == dt.float16:
                raise ValueError(
                    "unscale_: attempting to unscale float16 gradients; keep the parameters in float32 and let "
                    "autocast cast them"
                )
            gradients.append(gradient)
    return gradients


def _together(found: list[Tensor], device: dt.device) -> Tensor:
    total = dt.zeros((), dtype=dt.float32, device=device)
    for each in found:
        total = total + each.to(device)
    return total


def _one(value: float | Tensor, device: dt.device) -> Tensor:
    checks.numbers("update", new_scale=value)
    if isinstance(value, Tensor):
        if value.requires_grad:
            raise ValueError("update: new_scale must not require grad")
        return value.reshape(()).to(device=device, dtype=dt.float32)
    return dt.tensor(float(value), dtype=dt.float32, device=device)
