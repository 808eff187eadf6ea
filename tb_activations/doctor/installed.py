"""What is installed: this package, TensorBoard and its loaders, libraries, frameworks.

Read off the metadata of packages and the files of modules. Nothing that may be broken is imported.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from tb_activations.doctor.line import Line, wrong
from tb_activations.names import SCRIPTS, VERSION

PACKAGE = "tb-activations"
LOADER = "tb_activations.loader:ActivationsLoader"
ROOT = Path(__file__).parents[1]
FRAMEWORKS = {"tensorflow": "TensorFlow", "keras": "Keras", "jax": "JAX", "torch": "PyTorch"}
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)>=([0-9.]+)")


def installed() -> Iterator[Line]:
    """The lines about this environment."""
    yield Line(f"Python {platform.python_version()}, {platform.platform()}, {sys.executable}")
    yield from _package()
    yield from _tensorboard()
    yield from _libraries()
    yield from _frameworks()


def _package() -> Iterator[Line]:
    found = version(PACKAGE)
    if found is None:
        yield wrong(
            f"tb_activations {VERSION} is imported from {ROOT}, and not installed: TensorBoard "
            "finds a plugin by what is installed; run pip install in its folder"
        )
    elif found != VERSION:
        yield wrong(
            f"tb_activations {VERSION} is imported from {ROOT}, and {found} is installed: install "
            "it again"
        )
    elif (seen := _from_elsewhere()) != str(ROOT):
        yield wrong(
            f"tb_activations {VERSION} is imported from {ROOT}, and TensorBoard will import "
            f"{seen or 'none'}: start this in another folder to look at that one"
        )
    else:
        yield Line(f"tb_activations {VERSION}, {ROOT}")
    values = {point.value for point in metadata.entry_points(group="tensorboard_plugins")}
    if found is not None and LOADER not in values:
        yield wrong(f"TensorBoard is not told of it (no entry point {LOADER}): install it again")
    if not all((ROOT / "static" / script).is_file() for script in SCRIPTS):
        yield wrong(f"the dashboard's bundle is missing in {ROOT / 'static'}: install again")


def _from_elsewhere() -> str | None:
    """The folder of the package that is imported where the working directory does not matter."""
    code = "import tb_activations as t, os; print(os.path.dirname(t.__file__))"
    found = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    return found.stdout.strip() or None


def _tensorboard() -> Iterator[Line]:
    found = version("tensorboard")
    if found is None:
        yield wrong("TensorBoard is not installed: pip install tensorboard")
        return
    yield Line(f"TensorBoard {found}")
    yield from _setuptools_trap(found)
    yield from _command()
    server = version("tensorboard-data-server")
    if server is None:
        yield Line("TensorBoard's loader: Python (--load_fast=false)")
    else:
        yield Line(
            f"TensorBoard's loaders: Rust, {server} (for one local --logdir), and Python; every "
            "step is shown under both"
        )


def _setuptools_trap(tensorboard: str) -> Iterator[Line]:
    """TensorBoard up to 2.20 imports pkg_resources, which setuptools 82 no longer brings."""
    spec = find_spec("tensorboard")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        starts = Path(folder, "default.py")
        needs = starts.is_file() and "import pkg_resources" in starts.read_text(encoding="utf-8")
        if needs and find_spec("pkg_resources") is None:
            yield wrong(
                f"TensorBoard {tensorboard} will not start: it imports pkg_resources, which "
                f"setuptools {version('setuptools') or '(not installed)'} does not bring; "
                'pip install "setuptools<81", or a newer TensorBoard'
            )


def _command() -> Iterator[Line]:
    """Whether the shell's `tensorboard` is the one of this environment."""
    command = shutil.which("tensorboard")
    if command is None:
        yield Line("no command tensorboard on the PATH; python -m tensorboard.main is the same")
        return
    interpreter = _interpreter(Path(command))
    if interpreter and os.path.dirname(interpreter) != os.path.dirname(sys.executable):
        yield wrong(
            f"the command {command} belongs to {interpreter}, another Python than this one: it has "
            f"the tab only if the package is installed there; here it is "
            f"{sys.executable} -m tensorboard.main"
        )


def _interpreter(script: Path) -> str | None:
    """The Python that a script names in its first line, None where it names none."""
    try:
        with script.open("rb") as file:
            first = file.readline(500).decode("utf-8", "replace").strip()
    except OSError:
        return None
    found = re.fullmatch(r"#!\s*(/\S*python[\d.]*)", first)
    return found[1] if found else None


def _libraries() -> Iterator[Line]:
    """What the package asks for, where it is missing or too old; what makes it slow."""
    try:
        required = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        required = []
    listed = []
    for requirement in required:
        asked = _REQUIREMENT.fullmatch(requirement)
        if not asked or (asked[1] == "tensorboard" and version("tensorboard") is None):
            continue
        found = version(asked[1])
        if found is None or _numbers(found) < _numbers(asked[2]):
            yield wrong(f"{asked[1]} {found or 'is not installed'}: {requirement} is needed")
        listed.append(f"{asked[1]} {found}")
    if listed:
        yield Line(", ".join(listed))
    if _slow_checksums():
        yield wrong("google-crc32c computes in Python here: indexing takes many times as long")
    deflater = version("isal")
    if deflater:
        yield Line(f"isal {deflater}")
    else:
        yield Line("no isal: values are packed with zlib, which takes several times as long")


def _slow_checksums() -> bool:
    try:
        import google_crc32c
    except ImportError:
        return False  # said to be missing already
    return google_crc32c.implementation == "python"


def _frameworks() -> Iterator[Line]:
    """None is needed to look at logs."""
    found = {name: version(name) for name in FRAMEWORKS}
    if found["tensorflow"] is None:
        found["tensorflow"] = version("tensorflow-cpu")
    said = [f"{FRAMEWORKS[name]} {v}" for name, v in found.items() if v]
    absent = [FRAMEWORKS[name] for name, v in found.items() if not v]
    yield Line(f"to log with: {', '.join([*said, 'NumPy'])}; none is needed to look at logs")
    if absent:
        yield Line(f"not installed: {', '.join(absent)}")
    keras = found["keras"]
    if keras and _numbers(keras) < [3]:
        yield wrong(f"Keras {keras}: the callback and capture need Keras 3")
    if version("tf_keras") and os.environ.get("TF_USE_LEGACY_KERAS") in ("1", "true", "True"):
        yield wrong("TF_USE_LEGACY_KERAS makes tf.keras Keras 2; the callback and capture need 3")
    backend = _backend()
    if keras and backend in found and found[backend] is None:
        yield wrong(f"Keras runs on {FRAMEWORKS[backend]}, which is not installed: KERAS_BACKEND")
    elif keras:
        yield Line(f"Keras runs on {FRAMEWORKS.get(backend, backend)}")


def _backend() -> str:
    """As Keras chooses it: the environment, its file of settings, TensorFlow."""
    chosen = os.environ.get("KERAS_BACKEND")
    if not chosen:
        home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
        try:
            settings = json.loads(Path(home, "keras.json").read_text(encoding="utf-8"))
            chosen = str(settings.get("backend", "tensorflow"))
        except (OSError, ValueError, AttributeError):
            chosen = "tensorflow"
    return chosen


def version(name: str) -> str | None:
    """The version of an installed package, None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(of_version: str) -> list[int]:
    """`[2, 16, 2]` of `2.16.2rc1`."""
    found = re.match(r"\d+(\.\d+)*", of_version)
    return [int(part) for part in found[0].split(".")] if found else []
