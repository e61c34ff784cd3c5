"""Every example in a docstring, of a module or of an op, gives what it says."""

import doctest
import importlib
import pkgutil
import re

import pytest

import dovetail as dt

NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+)(?:e[-+]?\d+)?")


class Close(doctest.OutputChecker):
    """Numbers with a point may differ in the last places, as they do between machines."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        if super().check_output(want, got, optionflags):
            return True
        wanted, gotten = NUMBER.findall(want), NUMBER.findall(got)
        return (
            super().check_output(NUMBER.sub("#.", want), NUMBER.sub("#.", got), optionflags)
            and len(wanted) == len(gotten)
            and all(
                float(a) == pytest.approx(float(b), rel=1e-5, abs=1e-6) for a, b in zip(wanted, gotten, strict=True)
            )
        )


def modules():
    names = [found.name for found in pkgutil.walk_packages(dt.__path__, "dovetail.")]
    return [importlib.import_module(name) for name in names if not name.endswith("__main__")]


def collect():
    finder = doctest.DocTestFinder(exclude_empty=True)
    parser = doctest.DocTestParser()
    found = {}
    loaded = modules()
    ops = {op.name: op for op in dt._core.ops()}
    for module in [dt, *loaded]:
        # A module's examples use its own names. Those of the root would hide Python's: `float`, `abs`.
        names = {} if module in (dt, dt._core) else vars(module)
        for test in finder.find(module, globs=names | {"dt": dt, "dovetail": dt}):
            # An op's method has the op's documentation, which is run below.
            if test.name.removeprefix("dovetail.Tensor.").removesuffix("_") not in ops:
                found[test.name] = test
    for op in ops.values():
        name = f"op {op.name}"
        found[name] = parser.get_doctest(op.doc, {"dt": dt, op.name: op}, name, None, 0)
    return [pytest.param(test, id=name) for name, test in sorted(found.items()) if test.examples]


@pytest.mark.parametrize("test", collect())
def test_example(test):
    runner = doctest.DocTestRunner(Close(), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report = []
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)
