"""Optimizers by name: the built-in ones, and those that installed distributions announce.

A distribution announces one by an entry point in the group `dovetail.optimizers`, whose name is the optimizer's and
whose value is the class. It is imported when it is asked for, so a broken one is in nobody else's way.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from dovetail import checks

from .optimizer import Optimizer

__all__ = ["ENTRY_POINTS", "get", "names"]

ENTRY_POINTS = "dovetail.optimizers"


def get(name: str) -> type[Optimizer]:
    """The optimizer class of this name, in any case: a built-in one, else one that a distribution announces.

    Args:
        name: such as "adam", or the name of an entry point in the group `dovetail.optimizers`. A built-in one comes
            first; "distribution:name" is that distribution's.

    Raises:
        ValueError: there is none of that name (the message lists those there are), or two distributions announce it.
        ImportError: the distribution that announces it can't be imported; the message names it.
        TypeError: what it announces is no subclass of Optimizer.

    Example:
        >>> dt.optim.get("adamw").__name__
        'AdamW'
    """
    if not isinstance(name, str):
        raise TypeError(f"optim.get: name must be a str, got {checks.shown(name)}")
    distribution, _, key = name.lower().rpartition(":")
    ours = _built_in()
    if key in ours and not distribution:
        return ours[key]
    found = [entry for entry in _announced().get(key, []) if distribution in ("", _distribution(entry).lower())]
    if not found:
        raise ValueError(f"optim.get: there is no optimizer {name!r}; there are {', '.join(_described())}")
    if len(found) > 1:
        owners = " and ".join(_owner(entry) for entry in found)
        choice = f"{_distribution(found[0])}:{key}"
        raise ValueError(f"optim.get: {name!r} is announced by {owners}; say which, such as {choice!r}")
    return _load(found[0])


def names() -> list[str]:
    """The names that `get` knows. Nothing is imported to find them.

    Example:
        >>> [name for name in dt.optim.names() if name.startswith("adam")][:3]
        ['adam', 'adamax', 'adamw']
    """
    return sorted({*_built_in(), *_announced()})


def _built_in() -> dict[str, type[Optimizer]]:
    """Every public optimizer of the package, by its name in lower case."""
    from dovetail import optim

    public = (getattr(optim, name) for name in optim.__all__)
    classes = (each for each in public if isinstance(each, type) and issubclass(each, Optimizer))
    return {each.__name__.lower(): each for each in classes if each is not Optimizer}


def _announced() -> dict[str, list[EntryPoint]]:
    """Entry points by name; the same one found twice, on two paths to one distribution, counts once."""
    found: dict[str, dict[tuple[str, str], EntryPoint]] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        found.setdefault(entry.name.lower(), {}).setdefault((_owner(entry), entry.value), entry)
    return {name: list(entries.values()) for name, entries in found.items()}


def _described() -> list[str]:
    """Every name, with whose it is where it is not ours."""
    theirs = [f"{name} (of {_owner(entry)})" for name, entries in _announced().items() for entry in entries]
    return sorted([*_built_in(), *theirs])


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else ""


def _owner(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown distribution"


def _load(entry: EntryPoint) -> type[Optimizer]:
    try:
        loaded = entry.load()
    except Exception as error:  # a plug-in may fail in any way
        raise ImportError(
            f"optim.get: the optimizer {entry.name!r} of {_owner(entry)} can't be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Optimizer)):
        raise TypeError(
            f"optim.get: {entry.value} of {_owner(entry)} must be a subclass of dovetail.optim.Optimizer, "
            f"got {loaded!r}"
        )
    return loaded
