"""What every public module's documentation has."""

import inspect
import re

import pytest

from dovetail import nn

MODULES = [
    cls
    for cls in (getattr(nn, name) for name in nn.modules.__all__)
    if isinstance(cls, type) and issubclass(cls, nn.Module) and not cls.__name__.endswith("Base")
]
CLASSES = {cls.__name__ for cls in MODULES}


@pytest.mark.parametrize("cls", MODULES, ids=lambda cls: cls.__name__)
def test_a_module_explains_itself(cls):
    """A summary and an example of its own (which the documentation's tests run), and every argument by name, here or
    in the class whose arguments it says that it has."""
    text = vars(cls).get("__doc__") or ""
    assert text.split("\n")[0].strip() and "Example:" in text and ">>>" in text
    head = text.split("Example:")[0]
    others = [getattr(nn, name) for name in re.findall(r"[A-Z]\w+", head) if isinstance(getattr(nn, name, None), type)]
    others += [
        getattr(nn, name) for other in others for name in re.findall(r"[A-Z]\w+", other.__doc__) if name in CLASSES
    ]
    explained = [each.__doc__ or "" for one in (cls, *others) for each in one.__mro__]
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) and not name.startswith("_"):
            assert any(re.search(rf"\b{name}\b", part) for part in explained), f"{name} is not explained"
