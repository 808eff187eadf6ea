"""The package as users meet it: its names, what an import loads, the wheel that they install."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import subprocess
import sys
import zipfile
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from wheels import build_wheel

import tb_activations as tba
from tb_activations.names import SCRIPTS

ROOT = Path(__file__).parents[1]
needs_tree = pytest.mark.skipif(
    not (ROOT / "tb_activations").exists(), reason="the package is installed, and not a tree"
)
HEAVY = ("tensorflow", "keras", "numpy", "PIL", "tensorboard", "google.protobuf")


def loaded_after(statement: str) -> set[str]:
    """The names of the modules that a fresh interpreter holds after `statement`."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    command = [sys.executable, "-c", code]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_exported_names_are_pinned():
    """A public name appears or goes only when this list is changed on purpose."""
    assert sorted(tba.__all__) == [
        "ActivationsCallback",
        "ActivationsLogger",
        "AttributionMethod",
        "EventWriter",
        "LightningCallback",
        "TransformersCallback",
        "__version__",
        "activations",
        "activations_pb",
        "add_activations",
        "attribute",
        "capture",
        "check",
        "deletion_insertion",
        "grid",
        "log_checkpoints",
        "randomization_check",
        "save_grid",
    ]


NEEDS = {
    "LightningCallback": ("torch", "lightning"),
    "TransformersCallback": ("torch", "transformers"),
}


@pytest.mark.parametrize("name", tba.__all__)
def test_exported_name_can_be_imported(name):
    """Every exported name is there, or says what is not installed that it needs."""
    missing = [one for one in NEEDS.get(name, ()) if importlib.util.find_spec(one) is None]
    if missing:
        with pytest.raises(ImportError, match=missing[0]):
            getattr(tba, name)
        return
    if name in NEEDS:
        import vision  # noqa: F401
    assert getattr(tba, name) is not None


def test_a_name_whose_framework_is_missing_says_what_to_install():
    """The extra that brings the framework stands in the error."""
    for name, framework, extra in (
        ("LightningCallback", "torch", "torch"),
        ("ActivationsCallback", "keras", "tensorflow"),
        ("activations", "tensorflow", "tensorflow"),
    ):
        code = (
            f"import sys; sys.modules[{framework!r}] = None\n"
            f"import tb_activations\ntb_activations.{name}"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stderr.splitlines()[-1] == (
            f"ImportError: tb_activations.{name} needs {framework}, which is not installed: "
            f"pip install 'tb-activations[{extra}]'"
        )


def test_unknown_name_is_an_attribute_error():
    """A name that the package does not have raises AttributeError and names it."""
    with pytest.raises(AttributeError, match="no attribute 'activation'"):
        _ = tba.activation


def test_the_old_home_of_the_event_writer_warns():
    """Every name of `tb_activations.events` still works, and says what to use now."""
    from tb_activations import events

    for name in (
        "EventWriter",
        "FRAME_FOOTER_BYTES",
        "FRAME_HEADER_BYTES",
        "activation_event",
        "blobs_tensor",
        "event_file_name",
        "frame",
        "masked_crc32c",
    ):
        with pytest.warns(
            DeprecationWarning, match=rf"events\.{name} .*use tb_activations\.EventW"
        ):
            assert getattr(events, name) is not None
    with pytest.warns(DeprecationWarning):
        assert events.EventWriter is tba.EventWriter
    with pytest.raises(AttributeError, match="no attribute 'Event'"):
        _ = events.Event


def test_import_is_light():
    """`import tb_activations` loads neither TensorFlow nor Keras nor NumPy, nor TensorBoard."""
    assert loaded_after("import tb_activations") & set(HEAVY) == set()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this tree."""
    return build_wheel(tmp_path_factory.mktemp("wheel") / "tree")


@needs_tree
def test_wheel_holds_the_dashboard_and_the_code(wheel):
    """The wheel holds every module, the bundle, the type marker and the entry point."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = archive.read(next(n for n in names if n.endswith("entry_points.txt")))
    tree = ROOT / "tb_activations"
    modules = {path.relative_to(ROOT).as_posix() for path in tree.rglob("*.py")}
    assert modules <= names
    scripts = {f"tb_activations/static/{script}" for script in SCRIPTS}
    assert {*scripts, "tb_activations/py.typed"} <= names
    assert not [name for name in names if name.startswith(("tests/", "demo/", "benchmarks/"))]
    assert b"activations = tb_activations.loader:ActivationsLoader" in entry_points
    for target in re.findall(rb"= (tb_activations\S+)", entry_points):
        assert EntryPoint("", target.decode(), "").load() is not None
    assert f"tb_activations-{tba.__version__}.dist-info/METADATA" in names


@needs_tree
def test_build_without_the_bundle_fails(tmp_path):
    """A tree without the dashboard's bundle does not build a wheel, and says what to do."""
    for part in ("setup.py", "tb_activations/names.py"):
        (tmp_path / part).parent.mkdir(exist_ok=True)
        (tmp_path / part).write_bytes((ROOT / part).read_bytes())
    (tmp_path / "tb_activations" / "static").mkdir()
    command = [sys.executable, "setup.py", "--version"]
    for script in SCRIPTS:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode != 0
        assert f"{script} is missing" in done.stderr
        assert "npm run build" in done.stderr
        (tmp_path / "tb_activations" / "static" / script).touch()


@needs_tree
def test_the_scripts_were_built_together():
    """The version with which the dashboard asks for what few open is the digest of both scripts."""
    first, later = ((ROOT / "tb_activations/static" / name).read_bytes() for name in SCRIPTS)
    [version] = re.findall(rb'import\("\./more\.js\?v=(\w+)"\)', first)
    unversioned = first.replace(version, b"@" * len(version))
    assert hashlib.sha256(unversioned + later).hexdigest().startswith(version.decode("ascii"))
