"""Every check and build of the repository by name: `nox -l` lists them, `nox -s tests` runs one."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import nox
from nox.command import CommandFailed

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))

import matrix as combinations  # noqa: E402
import pip_settings  # noqa: E402
import releases  # noqa: E402
import wheelhouse  # noqa: E402

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests", "alone", "matrix", "docs", "quickstart", "cuda"]
nox.options.sessions += ["fuzz", "sanitizers", "faults", "leaks", "threads"]
pip_settings.pass_on_to_uv()

# Stand-ins for distributions of third parties, which the tests need installed.
PLUGINS = {path.parent.name: path.parent for path in sorted((ROOT / "tests" / "plugins").glob("*/pyproject.toml"))}
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
        wheelhouse.keep(build_wheel(session, ROOT / "packages" / package), target)


def build_wheel(session: nox.Session, folder: Path, **environment: str) -> Path:
    """The wheel of the package in a folder, built in the session's environment, which has what that takes."""
    output = Path(session.create_tmp()).resolve() / folder.name
    shutil.rmtree(output, ignore_errors=True)
    with session.chdir(folder):
        session.run("python", "-m", "hatchling", "build", "-t", "wheel", "-d", str(output), env=environment)
    return next(output.glob("*.whl"))


def built_otherwise(session: nox.Session, package: str, variable: str, value: str) -> str:
    """The wheel of a package with a variable of its build set, kept like the others."""

    def build() -> Path:
        session.install(*wheelhouse.build_requirements((package,)))
        return build_wheel(session, ROOT / "packages" / package, **{variable: value})

    return wheelhouse.variant(package, value, build)


@nox.session(requires=["wheels"])
def quickstart(session: nox.Session) -> None:
    """Install everything into a fresh environment and train the first example; arguments go to it."""
    session.install(*wheelhouse.wheels(), *group("examples"))
    session.run("python", "docs/examples/digits.py", *session.posargs)


@nox.session(requires=["wheels"])
def tests(session: nox.Session) -> None:
    """All tests against the wheels of the tree as it stands, the ops' also on the plug-ins' backends; arguments go to
    pytest, which then runs once."""
    package_groups = {name for package in LIBRARIES for name in group("test", package)}
    session.install(*wheelhouse.wheels(), *group("tests"), *sorted(package_groups))
    install_plugins(session)
    session.run("pytest", "-n", "auto", *session.posargs)
    if not session.posargs:
        for backend in announced_by_plugins("dovetail.backends"):
            session.run("pytest", "-n", "auto", "tests/ops", "--device", backend)


@nox.session(requires=["wheels"])
@nox.parametrize("package", LIBRARIES, ids=LIBRARIES)
def alone(session: nox.Session, package: str) -> None:
    """A package's own tests with nothing but what it declares; arguments go to pytest."""
    session.install(*wheelhouse.wheels(wheelhouse.closure(package)), *group("test", package))
    session.run("pytest", "-n", "auto", f"packages/{package}/tests", *session.posargs)


@nox.session(requires=["wheels"])
@nox.parametrize("package", LIBRARIES, ids=LIBRARIES)
def lowest(session: nox.Session, package: str) -> None:
    """As alone, with the lowest versions that the metadata admits of what is not ours; arguments go to pytest."""
    packages = wheelhouse.closure(package)
    third_party = {
        name for needed in packages for name in [*wheelhouse.third_party(needed), *wheelhouse.extras(needed)]
    }
    lowest_versions = sorted(name.replace(">=", "==") for name in third_party)
    session.install(*wheelhouse.wheels(packages), *lowest_versions, *group("test", package))
    session.run("pytest", "-n", "auto", f"packages/{package}/tests", *session.posargs)


@nox.session(requires=["wheels"])
def plugins(session: nox.Session) -> None:
    """Third parties' backends and optimizers beside the wheels of the tree: the conformance checks, and their tests;
    arguments go to pytest."""
    check_plugins(session, wheelhouse.wheels())


def install_plugins(session: nox.Session, *folders: Path) -> None:
    """Build and install plug-ins, all of tests/plugins if none are named, beside what is installed: a compiled one
    needs tensor-core's header for that."""
    folders = folders or tuple(PLUGINS.values())
    projects = [nox.project.load_toml(folder / "pyproject.toml") for folder in folders]
    needed = {name for project in projects for name in project["build-system"]["requires"]}
    session.install(*sorted(name for name in needed if not name.startswith("dovetail")))
    session.install("--no-build-isolation", "--no-cache-dir", *map(str, folders))


def announced_by_plugins(entry_points: str) -> dict[str, str]:
    """What the plug-ins announce in a group of entry points, by name."""
    projects = [nox.project.load_toml(folder / "pyproject.toml")["project"] for folder in PLUGINS.values()]
    return {name: value for p in projects for name, value in p["entry-points"].get(entry_points, {}).items()}


def check_plugins(session: nox.Session, wheels: list[str]) -> None:
    """The plug-ins beside any set of wheels, of the tree or released: install both, and run all that the plug-ins
    promise."""
    session.install(*wheels, *group("tests"))
    install_plugins(session)
    for backend in announced_by_plugins("dovetail.backends"):
        session.run("python", "-m", "dovetail.testing.backend", backend)
    for optimizer in announced_by_plugins("dovetail.optimizers").values():
        session.run("python", "-m", "dovetail.testing.optimizer", optimizer)
    session.run("pytest", "-n", "auto", "tests/plugins", *session.posargs)


@nox.session(requires=["wheels"])
def cuda(session: nox.Session) -> None:
    """Compile the CUDA backend with nvcc for one architecture, once for each state of its sources, and run its tests:
    on the GPU, or for the absence of one. Arguments go to pytest."""
    if not (os.environ.get("CUDACXX") or shutil.which("nvcc")):
        session.skip("there is no nvcc on PATH (CUDA toolkit 13), so the CUDA backend is not compiled here")
    package = ROOT / "packages" / "tensor-core-cuda"
    architectures = os.environ.get("DOVETAIL_CUDA_ARCHITECTURES", "80-real")
    wheel = built_otherwise(session, package.name, "DOVETAIL_CUDA_ARCHITECTURES", architectures)
    session.install(*wheelhouse.wheels(), *group("tests"))
    # Without what it requires: cuBLAS is large, and loaded only by the first product.
    session.install("--reinstall", "--no-deps", wheel)
    session.run("pytest", str(package / "tests"), *session.posargs)


@nox.session(requires=["wheels"])
def pretended_cuda(session: nox.Session) -> None:
    """The CUDA backend's kernels, compiled as C++, over a pretended device: conformance and tests, with and without
    waiting for each op. Arguments go to pytest."""
    package = ROOT / "packages" / "tensor-core-cuda"
    plugin = package / "tests" / "pretended"
    session.install(*wheelhouse.wheels(), *group("tests"))
    for waits in ("0", "1"):
        pretended = {"PYTHONPATH": str(plugin), "DOVETAIL_CUDA_SYNC": waits}
        session.run("python", str(plugin / "pretended_cuda.py"), "conformance", env=pretended)
        session.run("pytest", "-p", "pretended_cuda", str(package / "tests"), *session.posargs, env=pretended)


@nox.session(requires=["wheels"])
def matrix(session: nox.Session) -> None:
    """Each piece's newest release with the others as they stand, and the other way round; plug-ins built beside the
    releases, and unrebuilt beside the heads. Arguments are pieces."""
    pieces = session.posargs or LIBRARIES
    for release in combinations.missing_wheels():
        build_released(session, release)
    results = {cell: try_together(session, cell) for cell in combinations.cells(pieces)}
    plugins = {} if session.posargs else try_plugins(session)
    print(combinations.grid(results, pieces, plugins))
    if any("failed" in result for result in [*results.values(), *plugins.values()]):
        session.error("pieces that their metadata lets be together do not work together")


def build_released(session: nox.Session, release: releases.Release) -> None:
    session.log(f"building the release {release}, once")
    folder = release.tree() / "packages" / release.package
    project = nox.project.load_toml(folder / "pyproject.toml")
    session.install(*project["build-system"]["requires"])
    wheelhouse.keep(build_wheel(session, folder), release.wheel_folder(), beside=True)


def try_together(session: nox.Session, cell: combinations.Cell) -> str:
    """What came of a cell of the matrix: `ok, 123 tests`, `2 of 123 tests failed` or `forbidden: why`."""
    wheels = [combinations.wheel(package, cell.state_of(package)) for package in LIBRARIES]
    objections = combinations.forbidden([combinations.metadata(wheel) for wheel in wheels])
    if objections:
        return "forbidden: " + "; ".join(objections)
    third_party = {name for package in LIBRARIES for name in group("test", package)}
    session.install("--reinstall", "--no-deps", *map(str, wheels))
    session.install(*map(str, wheels), *sorted(third_party))
    ran = failed = 0
    for package in cell.tested():
        report = Path(session.create_tmp()).resolve() / "report.xml"
        report.unlink(missing_ok=True)
        with session.chdir(combinations.tree(package, cell.state_of(package))):
            session.run(
                "pytest",
                "-n",
                "auto",
                "-q",
                f"--junitxml={report}",
                *combinations.left_out(package, cell.state_of(package)),
                f"packages/{package}/tests",
                success_codes=list(range(6)),
            )
        these = combinations.counts(report)
        ran, failed = ran + these[0], failed + these[1]
    return f"{failed} of {ran} tests failed" if failed else f"ok, {ran} tests"


def try_plugins(session: nox.Session) -> dict[tuple[str, str], str]:
    """What came of each plug-in's conformance check, by its name and the state of all pieces. One that was built beside
    the releases is not built again."""
    results, built = {}, set()
    for state in combinations.STATES:
        wheels = [combinations.wheel(package, state) for package in LIBRARIES]
        session.install("--reinstall", "--no-deps", *map(str, wheels))
        session.install(*map(str, wheels))
        for name, folder in PLUGINS.items():
            project = nox.project.load_toml(folder / "pyproject.toml")["project"]
            about = combinations.Metadata(project["name"], project["version"], project["dependencies"])
            objections = combinations.forbidden([*map(combinations.metadata, wheels), about])
            if objections:
                results[name, state] = "forbidden: " + "; ".join(objections)
                continue
            if name not in built:
                install_plugins(session, folder)
                built.add(name)
            results[name, state] = conforms(session, project)
    return results


def conforms(session: nox.Session, project: dict[str, Any]) -> str:
    """Whether all that a plug-in announces passes the conformance checks of what is installed."""
    points = project["entry-points"]
    subjects = [("backend", name) for name in points.get("dovetail.backends", {})]
    subjects += [("optimizer", value) for value in points.get("dovetail.optimizers", {}).values()]
    try:
        for kind, subject in subjects:
            session.run("python", "-m", f"dovetail.testing.{kind}", subject)
    except CommandFailed:
        return "failed"
    return "ok, conforms"


# ---- the reliability kit: whole by hand, a sample where DOVETAIL_SAMPLE is set, as .ci/run sets it ----

SAMPLES = {
    "fuzz": ["--calls", "30000"],
    "sanitizers": ["--every", "8", "--calls", "3000", "--rounds", "200"],
    "faults": ["--kills", "100", "--writes", "50", "--damaged", "500", "--workers", "24"],
    "leaks": ["--steps", "2000", "--loops", "500"],
    "threads": ["--every", "3", "--grown", "2", "--forks", "10", "--seconds", "10"],
}


def reliability(session: nox.Session, name: str) -> list[str]:
    """Install all that a session of the kit needs; its arguments, which are ours where a sample is asked for."""
    package_groups = {needed for package in LIBRARIES for needed in group("test", package)}
    session.install(*wheelhouse.wheels(), *group("tests"), *sorted(package_groups))
    return session.posargs or (SAMPLES[name] if os.environ.get("DOVETAIL_SAMPLE") else [])


@nox.session(requires=["wheels"])
def fuzz(session: nox.Session) -> None:
    """Every op and public function with spoiled arguments; arguments go to tests/reliability/fuzz.py."""
    session.run("python", "-m", "tests.reliability.fuzz", *reliability(session, "fuzz"))


@nox.session(requires=["wheels"])
def sanitizers(session: nox.Session) -> None:
    """The ops' tests and the fuzz under AddressSanitizer and UBSan; the thread pool, the allocator and autograd's
    engine under ThreadSanitizer; arguments go to tests/reliability/sanitizers.py."""
    arguments = reliability(session, "sanitizers")
    if "address" in arguments or "--only" not in arguments:
        for package in ("tensor-core", "autograd"):
            wheel = built_otherwise(session, package, "DOVETAIL_SANITIZE", "address,undefined")
            session.install("--no-deps", "--force-reinstall", wheel)
    session.run("python", "-m", "tests.reliability.sanitizers", *arguments)


@nox.session(requires=["wheels"])
def faults(session: nox.Session) -> None:
    """Kills, failing calls and full disks while saving, killed workers; arguments go to tests/reliability/faults.py."""
    session.run("python", "-m", "tests.reliability.faults", *reliability(session, "faults"))


@nox.session(requires=["wheels"])
def leaks(session: nox.Session) -> None:
    """Memory over many training steps and loops; arguments go to tests/reliability/leaks.py."""
    session.run("python", "-m", "tests.reliability.leaks", *reliability(session, "leaks"))


@nox.session(requires=["wheels"])
def threads(session: nox.Session) -> None:
    """Equal bits for any number of threads, forks, Python threads; arguments go to tests/reliability/threads.py."""
    session.run("python", "-m", "tests.reliability.threads", *reliability(session, "threads"))


@nox.session
def sdists(session: nox.Session) -> None:
    """Build every package from its source distribution, away from the repository, and import all of it."""
    built = Path(session.create_tmp()).resolve() / "sdists"
    shutil.rmtree(built, ignore_errors=True)
    session.install("hatchling")
    for package in wheelhouse.PACKAGES:
        with session.chdir(ROOT / "packages" / package):
            session.run("python", "-m", "hatchling", "build", "-t", "sdist", "-d", str(built))
    session.install(*map(str, sorted(built.glob("*.tar.gz"))))
    pieces = ", ".join(f"dovetail.{piece}" for piece in ("amp", "autograd", "data", "nn", "onnx", "optim"))
    with session.chdir(built):
        session.run("python", "-c", f"import dovetail, {pieces}; print(dovetail.arange(3))")


def cxx_sources() -> list[str]:
    """What clang-format looks after: headers of the past stay as they were."""
    found = [*(ROOT / "csrc").rglob("*"), *(ROOT / "tests" / "plugins").rglob("*")]
    suffixes = {".h", ".hpp", ".inc", ".c", ".cc", ".cu"}
    return [str(path) for path in sorted(found) if path.suffix in suffixes and "headers" not in path.parts]


@nox.session(name="format")
def format_(session: nox.Session) -> None:
    """Bring Python and C++ into the style that lint asks for."""
    session.install(*group("lint"))
    session.run("ruff", "check", "--fix", "--exit-zero")
    session.run("ruff", "format")
    session.run("clang-format", "-i", *cxx_sources(), silent=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Style of Python and C++, what each room of the house may touch, and what releases promised (API and ABI)."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("clang-format", "--dry-run", "--Werror", *cxx_sources(), silent=True)
    session.run("python", "tools/layering.py")
    session.run("python", "tools/abi.py", "check")
    session.run("python", "tools/api_breaks.py")


@nox.session
def types(session: nox.Session) -> None:
    """mypy over all packages at once, without building them."""
    third_party = {name for package in LIBRARIES for name in wheelhouse.third_party(package)}
    session.install(*group("types"), *sorted(third_party))
    session.run("python", "tools/link_tree.py", "build/types")
    session.env["MYPYPATH"] = "build/types"
    session.run("mypy", "-p", "dovetail", *session.posargs)
    session.run("mypy", "noxfile.py", "tools")


@nox.session(requires=["wheels"])
def docs(session: nox.Session) -> None:
    """Run every example in the documentation and the docstrings, and follow the links; arguments go to pytest."""
    session.install(*wheelhouse.wheels(), *group("tests"))
    session.run("pytest", "-n", "auto", "tests/docs", *session.posargs)


@nox.session(requires=["wheels"], venv_backend="venv")  # with pip: it takes a build of PyTorch offered as a file
def bench(session: nox.Session) -> None:
    """Measure beside PyTorch, NumPy and JAX; arguments go to tools/bench."""
    session.install(*wheelhouse.wheels(), *group("bench"))
    session.run("python", "tools/bench", *session.posargs)


@nox.session(requires=["wheels"], venv_backend="venv")  # with pip, as bench
def compare(session: nox.Session) -> None:
    """Every module beside PyTorch's of that name, from the same weights, and memory shared with it; arguments go to
    pytest."""
    session.install(*wheelhouse.wheels(), *group("tests"), *group("bench"))
    session.run("pytest", "-n", "auto", "tests/compare", "tests/integration/test_interchange.py", *session.posargs)
