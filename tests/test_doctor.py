"""`python -m tb_activations.doctor`: what it says, and the status that it exits with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from logs import event, layer, write_run
from tensorboard.compat.proto import event_pb2, summary_pb2

from tb_activations import record
from tb_activations.doctor.__main__ import main
from tb_activations.doctor.seen import seen
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import metadata


def of_log(log_dir) -> list[str]:
    """The lines about a log directory."""
    return [str(line) for line in seen(os.fspath(log_dir))]


def marked(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("!")]


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """The real command, the `tensorboard` of this environment first on the PATH."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, "-m", "tb_activations.doctor", *arguments],
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
    )


def test_a_good_log_in_a_good_environment_exits_with_0(tmp_path):
    """Runs, layers, steps, shapes and versions are listed, and nothing is marked."""
    write_run(tmp_path / "train", {"conv": {s: layer((3, 6, 7, 5), s) for s in range(20)}})
    write_run(tmp_path / "test", {"dense": {7: layer((9, 4))}})
    done = command(str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "run 'train': 1 layer, 20 records" in done.stdout
    assert "'conv': 20 steps, 0 to 19; at the last one [3, 6, 7, 5] of 3 exam" in done.stdout
    assert "'dense': 1 step, 7; at the last one [4, 4] of 9 examples" in done.stdout
    for name in ("TensorBoard 2.", "numpy ", "google-crc32c ", f"Python {sys.version[:4]}"):
        assert name in done.stdout
    assert "!" not in done.stdout and done.stdout.endswith("Nothing is wrong.\n")


def test_nothing_heavy_is_imported():
    """To say which frameworks are there, none of them is imported, nor TensorBoard."""
    code = (
        "import sys; from tb_activations.doctor.__main__ import main; main([]); "
        "assert not {'tensorflow', 'keras', 'torch', 'jax', 'tensorboard'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_wrong_arguments_exit_with_2():
    """As of any command line; `--help` says what the statuses mean."""
    assert command("a", "b").returncode == 2
    said = command("--help")
    assert said.returncode == 0 and "Exits with 0" in said.stdout


def other_versions(directory: Path) -> None:
    """A layer whose metadata, and a record whose header, a later version wrote."""
    with EventWriter(directory) as writer:
        of_tag = metadata.summary_metadata()
        of_tag.plugin_data.content = of_tag.plugin_data.content.replace(b": 1", b": 2")
        blobs = record.encode(layer((2, 3)))
        writer.write(activation_event("later", blobs, 0, 1.0, of_tag))
        writer.write(event("conv", 0, layer((2, 3))))
        blobs[0] = blobs[0].replace(b'"version":1', b'"version":2')
        writer.write(activation_event("conv", blobs, 1, 2.0, metadata.summary_metadata()))


def test_what_other_versions_wrote_is_said(tmp_path):
    """A tag and a record that this version does not read are named, with their versions."""
    other_versions(tmp_path)
    lines = of_log(tmp_path)
    tag, one = marked(lines)
    assert "layer 'later' of run '.' will not be shown: metadata of version 2" in tag
    assert "step 1 of tag 'conv' is skipped: a record of version 2" in one
    assert any("'conv': 1 step, 0;" in line for line in lines)
    assert main([str(tmp_path)]) == 1


def test_what_cannot_be_read_is_said(tmp_path):
    """A file that cannot be opened, one that is no event file, damage, and a torn end."""
    path = write_run(tmp_path / "run", {"conv": {s: layer((2, 9), s) for s in range(5)}})
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data[:-3])
    (tmp_path / "run" / "events.out.tfevents.0").mkdir()
    (tmp_path / "run" / "notes.tfevents.txt").write_text("nothing of the kind, but long enough")
    lines = of_log(tmp_path)
    wrong = "\n".join(marked(lines))
    assert "notes.tfevents.txt is no event file: none of its 36 bytes" in wrong
    assert "events.out.tfevents.0 cannot be read: " in wrong
    assert "is skipped: " in wrong and "damaged" in wrong
    assert any(f"{path} ends within a record" in line for line in lines)


def scalars(directory: Path) -> None:
    with EventWriter(directory) as writer:
        value = summary_pb2.Summary.Value(tag="loss", simple_value=1.0)
        writer.write(event_pb2.Event(step=1, summary=summary_pb2.Summary(value=[value])))


def test_a_log_without_activations_is_said(tmp_path):
    """Nothing at all, and logs of other plugins, each in its words; beside ours it is a note."""
    [line] = marked(of_log(tmp_path))
    assert "no event file below it" in line
    scalars(tmp_path / "scalars")
    [line] = marked(of_log(tmp_path))
    assert "1 directories hold event files, none of them activations" in line
    write_run(tmp_path / "ours", {"conv": {0: layer((2, 9))}})
    lines = of_log(tmp_path)
    assert marked(lines) == []
    assert "  1 more directories hold event files without activations" in lines


def test_what_is_no_directory_is_said(tmp_path, monkeypatch):
    """A missing one, a list of them, and an event file instead of its directory."""
    monkeypatch.chdir(tmp_path)
    path = write_run(tmp_path / "run", {"conv": {0: layer((2, 9))}})
    assert f"no such directory, seen from {tmp_path}" in marked(of_log("lgos"))[0]
    assert any("--logdir_spec" in line for line in of_log("a:run,b:run"))
    assert f"--logdir {path.parent}" in marked(of_log(path))[0]


@pytest.mark.parametrize("log_dir", ["s3://bucket/x", "nosuch://x"])
def test_a_remote_path_is_said_to_be_sampled(log_dir):
    """It is read through TensorBoard, and no local folder of that name is looked for."""
    lines = of_log(log_dir)
    assert "this is remote: it is read through TensorBoard, which keeps a sample" in lines[0]


def test_a_tensorboard_that_setuptools_breaks_is_said(tmp_path):
    """Where TensorBoard imports pkg_resources and nothing brings it, the way out is named."""
    package, info = tmp_path / "tensorboard", tmp_path / "tensorboard-2.19.0.dist-info"
    for folder in (package, info):
        folder.mkdir()
    (package / "__init__.py").write_text("")
    (package / "default.py").write_text("import pkg_resources\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tensorboard\nVersion: 2.19.0\n")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.modules['pkg_resources'] = None\n"
        "from tb_activations.doctor.installed import installed\n"
        "print(*(line for line in installed() if line.wrong), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "! TensorBoard 2.19.0 will not start: it imports pkg_resources" in done.stdout
    assert 'pip install "setuptools<81"' in done.stdout


def test_another_environments_command_is_said(tmp_path):
    """A `tensorboard` that another Python starts has no tab of ours."""
    script = tmp_path / "tensorboard"
    script.write_text("#!/opt/other/bin/python3.11\n")
    script.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = command(PATH=path)
    assert done.returncode == 1
    assert f"! the command {script} belongs to /opt/other/bin/python3.11, another" in done.stdout


def test_the_package_that_tensorboard_imports_is_the_one_that_is_looked_at(tmp_path):
    """Started in a folder with another copy of the package, it says which one is which."""
    import tb_activations

    here = Path(tb_activations.__file__).parent
    (tmp_path / "tb_activations").symlink_to(here)
    done = subprocess.run(
        [sys.executable, "-m", "tb_activations.doctor"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"imported from {tmp_path / 'tb_activations'}, and TensorBoard will imp" in done.stdout
    assert str(here) in done.stdout


@pytest.mark.parametrize("backend", ["torch", "nosuch"])
def test_the_backend_of_keras_is_said(monkeypatch, capsys, backend):
    """The one that KERAS_BACKEND names, or that it is not installed."""
    pytest.importorskip("keras", reason="Keras is not installed here")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    main([])
    said = capsys.readouterr().out
    assert ("Keras runs on PyTorch" if backend == "torch" else "Keras runs on nosuch") in said


def test_links_are_followed_as_tensorboard_does(tmp_path):
    """A run behind a symbolic link is listed; links in a circle end."""
    values = {0: np.ones((1, 4), np.float32)}
    write_run(tmp_path / "elsewhere" / "run", {"conv": values})
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "again").symlink_to(logs)
    lines = of_log(logs)
    assert "  run 'linked/run': 1 layer, 1 record" in lines
