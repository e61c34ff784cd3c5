"""Optimizers by name: built-in ones, those of other distributions, and broken ones."""

import sys
from importlib.metadata import distributions

import pytest

import dovetail as dt

LION = """
from dovetail.optim import SGD
class Lynx(SGD):
    pass
number = 7
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A way to install a distribution: its name, and what it announces."""

    def install(name, announced, source=LION):
        module = name.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        lines = [f"{key} = {module}:{value}" for key, value in announced.items()]
        (info / "entry_points.txt").write_text("[dovetail.optimizers]\n" + "\n".join(lines) + "\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    monkeypatch.syspath_prepend(str(tmp_path))
    yield install
    for distribution in distributions(path=[str(tmp_path)]):
        sys.modules.pop(distribution.metadata["Name"].replace("-", "_"), None)


def test_built_in_optimizers_are_found_in_any_case():
    assert dt.optim.get("adam") is dt.optim.get("Adam") is dt.optim.Adam
    assert dt.optim.get("sgd") is dt.optim.SGD
    assert {"adam", "adamw", "sgd"} <= set(dt.optim.names()) and "optimizer" not in dt.optim.names()


def test_a_plug_in_is_found(installed):
    installed("lynx-optim", {"lynx": "Lynx"})
    assert "lynx" in dt.optim.names()
    assert dt.optim.get("LYNX").__name__ == "Lynx"


def test_an_unknown_name_lists_what_there_is(installed):
    installed("lynx-optim", {"lynx": "Lynx"})
    with pytest.raises(ValueError, match=r"no optimizer 'adm'; there are .*adam, .*lynx \(of lynx-optim 1.2\).*sgd"):
        dt.optim.get("adm")


def test_a_plug_in_cannot_take_a_built_in_name(installed):
    installed("lynx-optim", {"adam": "Lynx"})
    assert dt.optim.get("adam") is dt.optim.Adam


@pytest.mark.parametrize(
    "announced, source, error, words",
    [
        ("Lynx", "import no_such_module", ImportError, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("Lynx", "1 / 0", ImportError, "ZeroDivisionError: division by zero"),
        ("Missing", LION, ImportError, "has no attribute 'Missing'"),
        ("number", LION, TypeError, "must be a subclass of dovetail.optim.Optimizer, got 7"),
    ],
)
def test_a_broken_one_is_named_and_in_nobodys_way(installed, announced, source, error, words):
    installed("broken-optim", {"broken": announced}, source)
    installed("lynx-optim", {"lynx": "Lynx"})
    with pytest.raises(error, match=f"of broken-optim 1.2 .*{words}"):
        dt.optim.get("broken")
    assert dt.optim.get("lynx").__name__ == "Lynx" and {"broken", "lynx"} <= set(dt.optim.names())


def test_two_of_one_name_are_refused(installed):
    installed("lynx-optim", {"lynx": "Lynx"})
    installed("lynx-too", {"lynx": "Lynx"})
    with pytest.raises(ValueError, match="'lynx' is announced by .*say which, such as"):
        dt.optim.get("lynx")
