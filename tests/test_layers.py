"""The rule of imports, read off the sources: which file may import what.

    loader | doctor | tf_explain
    export
    server
    sources | training          never each other
    eventfile
    record
    names                       imports nothing

A file imports only from its own room and from lines below it, imports inside functions included.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import tb_activations as tba

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tb_activations"
needs_tree = pytest.mark.skipif(
    not PACKAGE.exists(), reason="the package is installed, and not a tree"
)

FRAMEWORKS = ("keras", "tensorflow", "jax", "torch")
_BELOW_TRAINING = ("names", "record", "eventfile", "training", "training/attribution")
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "names": (),
    "record": ("names",),
    "eventfile": ("names", "record"),
    # Attributions read data as the rest does, and the recorder explains what it records.
    "training": ("names", "record", "eventfile", "training/attribution"),
    "training/attribution": _BELOW_TRAINING,
    "training/tensorflow": _BELOW_TRAINING,
    "training/jax": _BELOW_TRAINING,
    "training/torch": _BELOW_TRAINING,
    "training/keras": (
        *_BELOW_TRAINING,
        "training/tensorflow",
        "training/jax",
        "training/torch",
    ),
    "sources": ("names", "record", "eventfile"),
    "server": ("names", "record", "eventfile", "sources"),
    "export": ("names", "record", "eventfile", "sources", "server"),
    "loader": ("names", "record", "eventfile", "sources", "server", "export"),
    "doctor": ("names", "record", "eventfile", "sources", "server", "export"),
    "tf_explain": (*_BELOW_TRAINING, "export", "training/keras"),
    "events": ("names", "record", "eventfile"),
    "__init__": ("names",),
}
# Packages that are imported in some rooms, or files, alone.
ONLY_IN: dict[str, tuple[str, ...]] = {
    "keras": ("training/keras",),
    "tf_keras": ("training/keras",),
    "tensorflow": ("training/tensorflow", "training/keras"),
    "jax": ("training/jax", "training/keras"),
    "torch": ("training/torch", "training/keras"),
    "lightning": ("training/torch",),
    "pytorch_lightning": ("training/torch",),
    "transformers": ("training/torch",),
    "tensorboardX": ("training/torch",),
    "fsspec": ("eventfile/store.py",),
    "werkzeug": ("server",),
    "PIL": ("record/png.py", "export"),
    "isal": ("record/deflate.py",),
}
# What a framework keeps to itself: its private modules, and names like `_losses`.
PRIVATE_MODULES = ("keras.src", "tensorflow.python", "tensorflow.core", "jax._src", "torch._")
PRIVATE_IN = {
    "training/keras": "training/keras/private.py",
    "training/torch": "training/torch/private.py",
}
# What TensorBoard imports at every start, and what `import tb_activations` does.
LIGHT = ("loader.py", "names.py", "sources/logdirs.py", "tf_explain/named.py")
_LIGHT_IMPORTS = ("__future__", "importlib", "tensorboard.plugins", "tb_activations.names",
                  "tb_activations.tf_explain.named")  # fmt: skip


class Import(NamedTuple):
    """One import of one file: `module` is what it names, `inside` whether a function does it."""

    file: str
    module: str
    inside: bool

    def __str__(self) -> str:
        return f"{self.file} imports {self.module}"


def files() -> list[str]:
    """Every Python file of the package, as `sources/timeline/rows.py`."""
    return sorted(str(path.relative_to(PACKAGE).as_posix()) for path in PACKAGE.rglob("*.py"))


def room_of(file: str) -> str:
    """`training/keras` of `training/keras/watch.py`, `sources` of `sources/timeline/rows.py`."""
    *folders, name = file.split("/")
    if folders[:1] == ["training"] and len(folders) > 1:
        return "/".join(folders[:2])
    if folders:
        return folders[0]
    return name.removesuffix(".py")


def imports_of(file: str) -> Iterator[Import]:
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        inside = id(node) not in top
        if isinstance(node, ast.Import):
            yield from (Import(file, alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} imports relatively; write tb_activations.… in full"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield Import(file, whole if path_of(whole) else str(node.module), inside)


def path_of(module: str) -> str | None:
    """`record/pages.py` of `tb_activations.record.pages`, None for what is no module of ours."""
    parts = module.split(".")
    if parts[0] != PACKAGE.name:
        return None
    for way in (["/".join(parts[1:]) + ".py"], [*parts[1:], "__init__.py"]):
        if (PACKAGE / "/".join(way)).is_file():
            return "/".join(way)
    return None


def all_imports() -> list[Import]:
    return [one for file in files() for one in imports_of(file)]


def why_not(one: Import) -> str | None:
    """The sentence that says what is wrong with an import, None where nothing is."""
    own, target = room_of(one.file), path_of(one.module)
    if target is None:
        return _why_not_package(one, own)
    room = room_of(target)
    if one.file == "training/frameworks.py" and room.startswith("training/") and one.inside:
        return None
    allowed = MAY_IMPORT[own]
    if room == own or room in allowed:
        return None
    return f"`{one}`; {own} may import {', '.join(allowed) or 'nothing of ours'}"


def _why_not_package(one: Import, own: str) -> str | None:
    allowed = ONLY_IN.get(one.module.split(".")[0])
    if allowed is None or own in allowed or one.file in allowed:
        return None
    return f"`{one}`; only {' and '.join(allowed)} may import {one.module.split('.')[0]}"


@needs_tree
def test_every_file_imports_from_its_own_room_and_below():
    """No arrow goes up, or from one framework to another, or past the rooms of a package."""
    assert [sentence for one in all_imports() if (sentence := why_not(one))] == []


@needs_tree
def test_the_rule_names_what_is_wrong():
    """An arrow up, a framework in the wrong room and a foreign room each give their sentence."""
    up = Import("sources/warn.py", "tb_activations.loader", True)
    assert why_not(up) == (
        "`sources/warn.py imports tb_activations.loader`; sources may import names, record, "
        "eventfile"
    )
    wrong = Import("sources/warn.py", "tensorflow.io", True)
    assert why_not(wrong) == (
        "`sources/warn.py imports tensorflow.io`; only training/tensorflow and training/keras may "
        "import tensorflow"
    )


@needs_tree
def test_the_private_names_of_a_framework_stand_in_one_file():
    """A release that renames one is met in that file alone."""
    found = [(file, one) for file in files() for one in private_names(file)]
    homes = {(file, PRIVATE_IN.get(room_of(file))) for file, _ in found}
    assert homes == {(file, file) for file in PRIVATE_IN.values()}, found


def private_names(file: str) -> Iterator[str]:
    """Private modules that are imported, and private attributes of what is not the file's own."""
    yield from (one.module for one in imports_of(file) if one.module.startswith(PRIVATE_MODULES))
    if not file.startswith(tuple(PRIVATE_IN)):
        return
    for node in ast.walk(ast.parse((PACKAGE / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            if ast.unparse(node.value) not in ("self", "sys"):
                yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and _is_private(node.value):
            yield repr(node.value)


def _is_private(name: object) -> bool:
    return isinstance(name, str) and re.fullmatch(r"_[a-z]\w*", name) is not None


@needs_tree
def test_no_file_imports_in_a_circle():
    """Following imports never leads back to the file that one started from."""
    graph: dict[str, set[str]] = {file: set() for file in files()}
    for one in all_imports():
        target = path_of(one.module)
        if target and target != one.file:
            graph[one.file].add(target)
    while leaves := {file for file, targets in graph.items() if not targets}:
        graph = {f: targets - leaves for f, targets in graph.items() if f not in leaves}
    assert graph == {}


@needs_tree
def test_what_tensorboard_starts_with_is_light():
    """The loader, the log directories' names and every `__init__` but record's load no library."""
    inits = [f for f in files() if f.endswith("__init__.py") and f != "record/__init__.py"]
    for file in [*inits, *(file for file in LIGHT if file in files())]:
        for one in imports_of(file):
            standard = one.module.split(".")[0] not in ("numpy", "PIL", "google", "tensorboard")
            own = one.module.startswith("tb_activations") and not one.module.endswith("logdirs")
            light = one.module.startswith(_LIGHT_IMPORTS) or (standard and not own)
            assert one.inside or light, f"{one}, at every start"


@needs_tree
def test_no_module_bears_a_public_name():
    """A submodule, once imported, would replace the public name of the same spelling."""
    modules = {path.stem for path in PACKAGE.glob("*.py")}
    modules |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert modules & set(tba.__all__) == set()


@needs_tree
def test_files_and_classes_fit_in_the_head():
    """No file is over 350 lines, no class over 200."""
    long = []
    for file in files():
        text = (PACKAGE / file).read_text(encoding="utf-8")
        classes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
        sizes = [(one.name, (one.end_lineno or 0) - one.lineno + 1, 200) for one in classes]
        sizes.append(("all", text.count("\n"), 350))
        long += [f"{file}, {name}: {size}" for name, size, most in sizes if size > most]
    assert long == []
