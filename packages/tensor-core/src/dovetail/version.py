"""The version of the core: `dt.version.__version__`."""

from dovetail.__about__ import __version__

__all__ = ["__version__"]
