"""What importing the package loads, seen from a fresh interpreter."""

import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "keras", "torch", "matplotlib", "sklearn")
TRAINING = ("tb_activations.training", "tb_activations.export")


def loaded_by(code: str) -> set[str]:
    """The names of all modules in a new interpreter after `code`."""
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    command = [sys.executable, "-c", script]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import tb_activations",
        "import tb_activations.loader",
        "import tb_activations.server.plugin, tb_activations.server.reader",
    ],
)
def test_server_side_imports_nothing_heavy(code):
    """Neither TensorFlow nor Keras, nor anything of the training side, is imported to serve."""
    loaded = loaded_by(code)
    assert not {name for name in loaded if name.split(".")[0] in HEAVY}
    assert not [name for name in loaded if name.startswith(TRAINING)]


def test_the_entry_point_imports_nothing_but_tensorboard():
    """What TensorBoard imports at every start is the loader alone."""
    loaded = loaded_by("import tensorboard.plugins.base_plugin")
    more = loaded_by("import tb_activations.loader") - loaded
    assert not {name for name in more if name.split(".")[0] in ("numpy", "PIL", "google")}
