"""Every check and build of the repository by name: `nox -l` lists them, `nox -s tests` runs one."""

from __future__ import annotations

import sys
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))

import pip_settings  # noqa: E402
import wheelhouse  # noqa: E402

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests", "alone", "docs", "quickstart"]
pip_settings.pass_on_to_uv()

LIBRARIES = [package for package in wheelhouse.PACKAGES if package != "dovetail"]


def group(name: str, package: str | None = None) -> list[str]:
    """A dependency group of the root's pyproject.toml, or of a package's."""
    folder = ROOT / "packages" / package if package else ROOT
    return list(nox.project.dependency_groups(nox.project.load_toml(folder / "pyproject.toml"), name))


@nox.session(reuse_venv=True)
def wheels(session: nox.Session) -> None:
    """Build the wheels of the packages that changed, into build/wheelhouse."""
    stale = {package: wheelhouse.folder(package) for package in wheelhouse.PACKAGES if not wheelhouse.find(package)}
    if not stale:
        session.log("every wheel is there")
        return
    session.install(*wheelhouse.build_requirements())
    for package, target in stale.items():
        output = Path(session.create_tmp()).resolve() / package
        with session.chdir(ROOT / "packages" / package):
            session.run("python", "-m", "hatchling", "build", "-t", "wheel", "-d", str(output))
        wheelhouse.keep(next(output.glob("*.whl")), target)


@nox.session(requires=["wheels"])
def quickstart(session: nox.Session) -> None:
    """Install everything into a fresh environment and train the first example; arguments go to it."""
    session.install(*wheelhouse.wheels(), *group("examples"))
    session.run("python", "docs/examples/digits.py", *session.posargs)


@nox.session(requires=["wheels"])
def tests(session: nox.Session) -> None:
    """All tests against the wheels of the tree as it stands; arguments go to pytest."""
    package_groups = {name for package in LIBRARIES for name in group("test", package)}
    session.install(*wheelhouse.wheels(), *group("tests"), *sorted(package_groups))
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session(requires=["wheels"])
@nox.parametrize("package", LIBRARIES, ids=LIBRARIES)
def alone(session: nox.Session, package: str) -> None:
    """A package's own tests with nothing but what it declares; arguments go to pytest."""
    session.install(*wheelhouse.wheels(wheelhouse.closure(package)), *group("test", package))
    session.run("pytest", "-n", "auto", f"packages/{package}/tests", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style of Python and C++, and what each room of the house may touch."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    sources = [str(path) for path in sorted((ROOT / "csrc").rglob("*")) if path.suffix in {".h", ".hpp", ".cc"}]
    session.run("clang-format", "--dry-run", "--Werror", *sources, silent=True)
    session.run("python", "tools/layering.py")


@nox.session
def types(session: nox.Session) -> None:
    """mypy over all packages at once, without building them."""
    requirements = {name for package in LIBRARIES for name in wheelhouse.pyproject(package)["project"]["dependencies"]}
    third_party = sorted(name for name in requirements if not name.startswith("dovetail"))
    session.install(*group("types"), *third_party)
    session.run("python", "tools/link_tree.py", "build/types")
    session.run("mypy", "build/types/dovetail", *session.posargs)
    session.run("mypy", "noxfile.py", "tools")


@nox.session(requires=["wheels"])
def docs(session: nox.Session) -> None:
    """Run every example in the documentation and the docstrings, and follow its links."""
    session.install(*wheelhouse.wheels(), *group("tests"), *group("examples"))
    session.run("python", "tools/check_docs.py", *session.posargs)


@nox.session(requires=["wheels"])
def bench(session: nox.Session) -> None:
    """Measure beside PyTorch; arguments go to tools/bench."""
    session.install(*wheelhouse.wheels(), *group("bench"))
    session.run("python", "tools/bench", *session.posargs)
