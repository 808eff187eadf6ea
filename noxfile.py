"""The suite against the wheel, on the lowest and the newest versions that setup.py admits.

    nox                       every session for which this machine has the Python
    nox -s lowest             the lowest versions, on Python 3.11
    nox -s newest-3.13        the newest versions that support that Python
    nox -s viewer             the server alone, where no TensorFlow is installed
    nox -s zlib               the same without ISA-L
    nox -s backends           Keras' other backends, every test of theirs
    nox -s torch-3.13         PyTorch and its trainers, where neither TensorFlow nor Keras is
    nox -s torch_lowest       the same with the lowest PyTorch that setup.py names
    nox -s hub                models of keras-hub and of tf_keras, which need `tensorflow` itself
    nox -s firefox            five journeys through the dashboard in Firefox
    nox -s lowest -- -k tags  arguments go to pytest

Each session works in a directory that holds the tests and not the package: what is tested is what
`pip install` installs. It leaves two files in .nox/reports: SESSION.txt, what was installed, as pip
lists it, and SESSION.xml, what pytest found. The browser tests need what `tests/run.sh --setup`
sets up: Chromium, nginx and frontend/node_modules.
"""

from __future__ import annotations

import email
import platform
import shutil
import zipfile
from pathlib import Path

import nox

nox.options.error_on_missing_interpreters = False

HERE = Path(__file__).parent
LIGHT = HERE / "tests" / "light.txt"
REPORTS = HERE / ".nox" / "reports"
TENSORFLOW = "tensorflow-cpu" if platform.machine() == "x86_64" else "tensorflow"
TEST_TOOLS = [
    "build",
    "fsspec",
    "hypothesis",
    "playwright",
    "pytest",
    "scikit-image",
    "scikit-learn",
    "wheel",
]
# The newest of these that still take the lowest NumPy and Pillow.
OLD_TEST_TOOLS = ["scikit-image==0.22.0", "scikit-learn==1.4.2", "scipy==1.13.1"]
# What trains with PyTorch, beside PyTorch itself.
TORCH_TRAINERS = ["accelerate", "lightning", "pytorch-lightning", "tensorboardX", "transformers"]
TORCH_TESTS = ["tests/training/torch", "tests/test_demo.py", "tests/test_imports.py"]
# Until 2.20 TensorBoard imports pkg_resources, which setuptools 82 no longer has.
OLD_SETUPTOOLS = "setuptools>=77,<81"
# What serves a log, and a look at the dashboard: all that can be tested without TensorFlow.
VIEWER_TESTS = [
    *(line for line in LIGHT.read_text(encoding="utf-8").splitlines() if not line.startswith("#")),
    "tests/test_viewer.py",
    "tests/browser/test_first_screen.py",
]


def build_wheel(session: nox.Session) -> Path:
    """The wheel of the tree as it stands."""
    shutil.rmtree(HERE / "build", ignore_errors=True)
    out = Path(session.create_tmp())
    session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(out), str(HERE))
    shutil.rmtree(HERE / "build", ignore_errors=True)
    return next(out.glob("tb_activations-*.whl"))


def requirements(wheel: Path, extra: str | None = None) -> list[str]:
    """What the wheel asks for at run time, or with `extra` what that adds: `["numpy>=1.26", …]`."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        declared = email.message_from_bytes(archive.read(name)).get_all("Requires-Dist", [])
    split = [[*(part.strip() for part in line.split(";")), ""][:2] for line in declared]
    if extra is None:  # a marker may say on which machines, which ours is one of
        return [name for name, marker in split if "extra ==" not in marker]
    return [name for name, marker in split if f'extra == "{extra}"' in marker]


def work_directory(session: nox.Session) -> Path:
    """A directory with the tests and what they read, without the package."""
    work = Path(session.create_tmp()) / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    skip = shutil.ignore_patterns("__pycache__", "logs")
    for name in ("tests", "demo", "docs"):
        shutil.copytree(HERE / name, work / name, ignore=skip)
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"):
        shutil.copy(HERE / name, work)
    (work / "frontend").symlink_to(HERE / "frontend")
    return work


def run_tests(session: nox.Session, *arguments: str) -> None:
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"{session.name}.xml"
    report.unlink(missing_ok=True)
    installed = session.run("pip", "list", "--format=freeze", silent=True)
    (REPORTS / f"{session.name}.txt").write_text(str(installed), encoding="utf-8")
    session.log(installed)
    session.chdir(work_directory(session))
    options = ["-q", "--junitxml", str(report)]
    session.run("python", "-m", "pytest", *options, *arguments, *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """Every requirement at the lowest version that setup.py names."""
    wheel = build_wheel(session)
    declared = requirements(wheel) + requirements(wheel, "tensorflow")
    exact = [
        name.replace(">=", "==").replace("tensorflow==", f"{TENSORFLOW}==") for name in declared
    ]
    session.install(str(wheel), *exact, *OLD_TEST_TOOLS, *TEST_TOOLS, OLD_SETUPTOOLS)
    run_tests(session)


@nox.session(python=["3.11", "3.12", "3.13"])
def newest(session: nox.Session) -> None:
    """The newest of everything that supports the interpreter."""
    wheel = build_wheel(session)
    session.install("--upgrade", str(wheel), TENSORFLOW, *TEST_TOOLS, "setuptools")
    run_tests(session)


@nox.session(python=["3.11", "3.12", "3.13"])
def viewer(session: nox.Session) -> None:
    """The server alone, in an environment without TensorFlow: it serves everything."""
    wheel = build_wheel(session)
    session.install(str(wheel), *TEST_TOOLS, "setuptools")
    run_tests(session, *VIEWER_TESTS)


@nox.session(python="3.12")
def zlib(session: nox.Session) -> None:
    """The server alone without ISA-L, as on machines for which it has no wheel."""
    wheel = build_wheel(session)
    session.install(str(wheel), *TEST_TOOLS, "setuptools")
    session.run("pip", "uninstall", "--quiet", "--yes", "isal")
    run_tests(session, *VIEWER_TESTS)


@nox.session(python="3.12")
def backends(session: nox.Session) -> None:
    """Keras on JAX and on PyTorch: all that runs there, where CI has a choice of it."""
    wheel = build_wheel(session)
    session.install(str(wheel), TENSORFLOW, "jax", "torch==2.13.0", *TEST_TOOLS, "setuptools")
    session.env["TBA_SOAK"] = "1"
    run_tests(session, "tests/training/test_backends.py")


@nox.session(python="3.12")
def hub(session: nox.Session) -> None:
    """keras-hub and tf_keras, which ask for `tensorflow` itself: their models, and our words."""
    wheel = build_wheel(session)
    session.install(str(wheel), "tensorflow", "keras-hub", "tf_keras", *TEST_TOOLS, "setuptools")
    run_tests(session, "tests/training/keras/test_hub.py")


@nox.session(python="3.11")
def firefox(session: nox.Session) -> None:
    """The dashboard in Firefox, by WebDriver BiDi: needs `apt-get install firefox-esr`."""
    wheel = build_wheel(session)
    session.install(str(wheel), "websocket-client", *TEST_TOOLS, "setuptools")
    run_tests(session, "tests/firefox")


@nox.session(python=["3.11", "3.12", "3.13"])
def torch(session: nox.Session) -> None:
    """PyTorch and its trainers, every test of theirs, without TensorFlow and Keras."""
    wheel = build_wheel(session)
    packages = ["torch==2.13.0", *TORCH_TRAINERS, *TEST_TOOLS]
    session.install(str(wheel), *packages, "setuptools")
    session.env["TBA_SOAK"] = "1"
    run_tests(session, *TORCH_TESTS)


@nox.session(python="3.11")
def torch_lowest(session: nox.Session) -> None:
    """The lowest PyTorch, without trainers: each of them names a lowest of its own."""
    wheel = build_wheel(session)
    exact = [one.replace(">=", "==") for one in requirements(wheel, "torch")]
    session.install(str(wheel), *exact, *TEST_TOOLS, "setuptools")
    run_tests(session, *TORCH_TESTS)
