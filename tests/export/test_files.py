"""`tb-activations export`: the values that were logged, as files."""

from __future__ import annotations

import subprocess
import sys

import attribution_log
import numpy as np
import pytest
from PIL import Image

import tb_activations as tba
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.export import cli as export
from tb_activations.record.metadata import summary_metadata

LAYERS = {
    "conv": (3, 6, 7, 5),
    "encoder/seq": (3, 9, 4),
    "dense": (3, 8),
    "volume": (3, 2, 4, 4, 2),
}


def values(name, step):
    generator = np.random.default_rng([step, len(name)])
    return generator.normal(size=LAYERS[name]).astype("float32") * (step + 1)


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    root = tmp_path_factory.mktemp("logs")
    with EventWriter(root / "run") as writer:
        for step in (0, 2, 5):
            for name in LAYERS:
                summary = tba.activations_pb(name, values(name, step), precision="float32")
                blobs = list(summary.value[0].tensor.string_val)
                writer.write(activation_event(name, blobs, step, 1.0 + step, summary_metadata()))
    return root


def run(log_dir, *arguments):
    return export.main(["export", str(log_dir), *arguments])


@pytest.mark.parametrize("name", LAYERS)
def test_values_are_exported_exactly(log_dir, tmp_path, name):
    path = tmp_path / "values.npy"
    arguments = ["--layer", name, "--step", "2", "--example", "1", "--output", str(path)]
    assert run(log_dir, *arguments) == 0
    assert np.array_equal(np.load(path), values(name, 2)[1])


def test_one_channel_is_exported(log_dir, tmp_path):
    path = tmp_path / "channel.npy"
    assert run(log_dir, "--layer", "conv", "--channel", "3", "--output", str(path)) == 0
    assert np.array_equal(np.load(path)[..., 0], values("conv", 5)[0, :, :, 3])


def test_a_picture_is_the_grid_of_the_layer(log_dir, tmp_path):
    path = tmp_path / "conv.png"
    assert run(log_dir, "--layer", "conv", "--step", "first", "--output", str(path)) == 0
    expected = tba.grid(values("conv", 0).astype("float64"))
    assert np.array_equal(np.asarray(Image.open(path)), expected)


def test_all_layers_and_steps_are_written_below_a_directory(log_dir, tmp_path, capsys):
    assert run(log_dir, "--step", "all", "--output", str(tmp_path)) == 0
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png"))
    assert len(written) == len(LAYERS) * 3
    assert "encoder/seq/step-000002.png" in written
    assert "12 files" in capsys.readouterr().out


def test_a_film_has_a_frame_for_each_step(log_dir, tmp_path):
    path = tmp_path / "film.gif"
    assert run(log_dir, "--layer", "conv", "--channel", "2", "--output", str(path)) == 0
    with Image.open(path) as film:
        assert film.n_frames == 3
        assert film.width == film.height * 7 // 6


@pytest.mark.parametrize("name", ["dense", "volume", "encoder/seq"])
def test_every_rank_has_a_film(log_dir, tmp_path, name):
    path = tmp_path / "film.gif"
    assert run(log_dir, "--layer", name, "--channel", "1", "--output", str(path)) == 0
    with Image.open(path) as film:
        assert film.n_frames == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "other"], "no run 'other'; there are 'run'"),
        (["--layer", "conv9"], "no layer 'conv9'; there are 'conv'"),
        (["--step", "3"], "no step 3 of 'conv'; there are 0 to 5"),
        (["--step", "newest"], "--step is 'newest'"),
        (["--example", "7"], "no example 7 in 'conv'; it keeps 0 to 2"),
        (["--channel", "7"], "no channel 7 in 'conv'; it keeps 0 to 4"),
        (["--format", "gif"], "pass --channel"),
        (
            ["--output", "x.png", "--step", "all"],
            "'x.png', and there are 12 to write: pass a",
        ),
        (["--output", "a.bmp"], "--output is 'a.bmp'; a file must end in .png"),
        (["--output", "a.mp4"], "--output is 'a.mp4'; a file must end in .png"),
        (["--output", "a.png", "--format", "npy"], "--format is npy"),
        (["--output", "s3://bucket/a.png"], "--output is 's3://bucket/a.png'; it must be a path"),
        (["--channel", "1", "--output", "a.gif"], "and there are 4 to write"),
    ],
)
def test_what_is_not_there_is_said(log_dir, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert run(log_dir, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_directory_without_activations_is_said(tmp_path, capsys):
    assert run(tmp_path) == 2
    assert "holds no activations" in capsys.readouterr().err
    assert run(tmp_path / "missing") == 2


def test_an_output_that_is_another_file_is_said(log_dir, tmp_path, capsys):
    """A file that is there, and ends in no format, is neither written nor taken for a directory."""
    path = tmp_path / "notes"
    path.write_text("mine")
    assert run(log_dir, "--output", str(path)) == 2
    assert "which is a file" in capsys.readouterr().err
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["films.gif", "v1.2", "plots.bmp/"])
def test_a_directory_may_have_a_dot_in_its_name(log_dir, tmp_path, name):
    """One that is there, one that is written with a slash, and one whose ending says nothing."""
    out = tmp_path / name
    if name == "films.gif":
        out.mkdir()
    given = str(tmp_path / name) + ("/" if name.endswith("/") else "")
    assert run(log_dir, "--layer", "conv", "--format", "png", "--output", given) == 0
    assert (out / "conv" / "step-000005.png").is_file()


@pytest.mark.parametrize(
    "names", [("a b", "a_b"), ("conv", "Conv"), ("long" * 90 + "1", "long" * 90 + "2")]
)
def test_no_two_layers_are_written_into_one_file(tmp_path, names):
    """Names that are one on disk get a number: nothing is overwritten, nothing too long."""
    with EventWriter(tmp_path / "logs") as writer:
        for i, name in enumerate(names):
            summary = tba.activations_pb(name, np.full((1, 2, 2, 1), i, "float32"))
            blobs = list(summary.value[0].tensor.string_val)
            writer.write(activation_event(name, blobs, 0, 1.0, summary_metadata()))
    out = tmp_path / "out"
    assert run(tmp_path / "logs", "--format", "npy", "--output", str(out)) == 0
    paths = list(out.rglob("*.npy"))
    assert sorted(np.load(path).max() for path in paths) == [0.0, 1.0]
    assert len({str(path).casefold() for path in paths}) == 2


@pytest.mark.parametrize("scheme", ["s3", "gs", "hdfs", "abfs+x"])
def test_a_remote_log_directory_is_said(tmp_path, monkeypatch, capsys, scheme):
    """The sentence names what was passed; no folder of the scheme's name is looked for."""
    monkeypatch.chdir(tmp_path)
    assert run(f"{scheme}://bucket/run") == 2
    said = capsys.readouterr().err
    assert f"log_dir is '{scheme}://bucket/run'; it must be a path on this machine" in said


def test_a_linked_run_is_exported(log_dir, tmp_path):
    """Links to runs are followed, as TensorBoard does, and end where they lead in a circle."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "linked").symlink_to(log_dir / "run")
    (logs / "circle").symlink_to(logs)
    path = tmp_path / "conv.npy"
    assert run(logs, "--run", "linked", "--layer", "conv", "--output", str(path)) == 0
    assert np.array_equal(np.load(path), values("conv", 5)[0])


def test_a_layers_name_never_leads_out_of_the_output(tmp_path):
    with EventWriter(tmp_path / "logs") as writer:
        summary = tba.activations_pb("../../evil", np.ones((1, 2, 2, 1), "float32"))
        blobs = list(summary.value[0].tensor.string_val)
        writer.write(activation_event("../../evil", blobs, 0, 1.0, summary_metadata()))
    out = tmp_path / "a" / "b" / "out"
    assert run(tmp_path / "logs", "--output", str(out)) == 0
    assert [path for path in tmp_path.rglob("*.png") if not path.is_relative_to(out)] == []


def test_the_command_runs_without_tensorflow(log_dir, tmp_path):
    code = (
        "import sys; from tb_activations.export.cli import main; "
        f"assert main(['export', {str(log_dir)!r}, '--output', {str(tmp_path)!r}]) == 0; "
        "assert not [name for name in ('tensorflow', 'keras') if sys.modules.get(name)]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_maps_are_written_as_values_and_about_zero(tmp_path):
    """`[h, w, targets]`; pictures in blue-white-red, also where no value is negative."""
    logged = attribution_log.write(tmp_path / "log" / "run")
    log, tag, out = tmp_path / "log", "attribution/integrated_gradients", tmp_path / "out"
    arguments = ["--layer", "attribution/*", "--step", "20", "--format", "npy"]
    assert run(log, *arguments, "--output", str(out)) == 0
    assert len(list(out.rglob("*.npy"))) == len(attribution_log.TAGS)
    expected = logged.maps[tag][20][0]
    assert expected.shape == (16, 16, 2) and expected[..., 0].min() >= 0
    (path,) = (one for one in out.rglob("*.npy") if np.load(one).shape == expected.shape)
    exported = np.load(path)
    np.testing.assert_allclose(exported, expected, rtol=2**-11, atol=1e-9)
    first = ["--layer", tag, "--channel", "0", "--output"]
    assert run(log, *first, str(tmp_path / "map.png"), "--step", "20") == 0
    picture = tba.grid(exported[None, ..., :1], colormap="RdBu")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "map.png")), picture)
    assert run(log, *first, str(tmp_path / "map.gif")) == 0
    assert Image.open(tmp_path / "map.gif").n_frames == 3
