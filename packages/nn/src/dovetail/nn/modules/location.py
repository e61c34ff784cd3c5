"""Where in a model an error happened: the path of the module whose forward raised it.

An error that leaves a module inside another begins with its path and class,

    Net.encoder.layers.2.linear1 (Linear): the last dim of input must match weight's 512 inputs, got ...

where the words are the library's. An error of somebody else's keeps its words, and the path is a note (PEP 678).
Nothing of this costs anything while nothing is raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail.ops import get_op

if TYPE_CHECKING:
    from .module import Module

_REWORDED = (TypeError, ValueError, IndexError, RuntimeError, NotImplementedError, MemoryError, OverflowError)


class Place:
    """What is known of an error's place while it passes from module to module, outwards."""

    def __init__(self, error: Exception, module: Module) -> None:
        self.innermost, self.outermost, self.path = module, module, ""
        own = type(error) in _REWORDED and len(error.args) == 1 and isinstance(error.args[0], str)
        self.text: str | None = _without_name(error.args[0], module) if own and _is_ours(error) else None
        self.note = ""

    def enter(self, module: Module) -> bool:
        """The error now leaves this module too; whether that says more about its place."""
        if module is self.outermost:
            return False
        for name, inner in module.named_modules(remove_duplicate=False):
            if inner is self.outermost:
                self.path = f"{name}.{self.path}" if self.path else name
                self.outermost = module
                return True
        return False

    @property
    def shown(self) -> str:
        return f"{type(self.outermost).__name__}.{self.path} ({type(self.innermost).__name__})"


def locate(error: Exception, module: Module) -> None:
    """Say in an error that it left this module."""
    place: Place | None = getattr(error, "_module_place", None)
    if place is None:
        error._module_place = Place(error, module)  # type: ignore[attr-defined]
        return
    if not place.enter(module):
        return
    if place.text is not None:
        error.args = (f"{place.shown}: {place.text}",)
        return
    notes: list[str] = getattr(error, "__notes__", [])
    if place.note in notes:
        notes.remove(place.note)
    place.note = f"in {place.shown}"
    error.add_note(place.note)


def _is_ours(error: Exception) -> bool:
    """Whether the library said it: its own code raised, or an op, whose name then comes first."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is not None and last.tb_frame.f_globals.get("__name__", "").partition(".")[0] == "dovetail":
        return True
    speaker = str(error.args[0]).partition(": ")[0]
    try:
        return bool(get_op(speaker))
    except KeyError:
        return False


def _without_name(text: str, module: Module) -> str:
    """The words without the name of the layer, or of the op that it is, which the path already says."""
    speaker, colon, rest = text.partition(": ")
    same = speaker.replace("_", "").lower() == type(module).__name__.lower()
    return rest if colon and same else text
