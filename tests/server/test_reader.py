"""Timeline and data provider behind one reader: where both know a step, they say the same of it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import time
import types

import numpy as np
import pytest
import werkzeug.test
from logs import layer, write_run
from servers import PATIENCE
from tensorboard import context as tb_context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.data import server_ingester
from tensorboard.plugins import base_plugin
from tensorboard.util import grpc_util

from tb_activations import record
from tb_activations.loader import ActivationsLoader
from tb_activations.record.metadata import TagMetadata
from tb_activations.server import overview, reader
from tb_activations.server.lookup import Lookup
from tb_activations.sources import provider
from tb_activations.sources.logdirs import LogDirs
from tb_activations.sources.provider import ProviderSource
from tb_activations.sources.series import SUMMARY, Unavailable, Viewer, Where
from tb_activations.sources.timeline.timelines import Timelines
from tb_activations.sources.warn import WarnOnce

VIEWER = Viewer(tb_context.RequestContext(), "")


@contextlib.contextmanager
def python_provider(logdir, keeps):
    """TensorBoard's own, over its Python loader."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer(
        tensor_size_guidance={"activations": keeps}
    )
    multiplexer.AddRunsFromDirectory(str(logdir))
    multiplexer.Reload()
    yield data_provider.MultiplexerDataProvider(multiplexer, str(logdir))


@contextlib.contextmanager
def rust_provider(logdir, keeps):
    """TensorBoard's own, over its data server."""
    ingester = server_ingester.SubprocessServerDataIngester(
        server_ingester.get_server_binary(),
        str(logdir),
        reload_interval=1,
        channel_creds_type=grpc_util.ChannelCredsType.LOCAL,
        samples_per_plugin={"activations": keeps},
    )
    ingester.start()
    yield ingester.data_provider


PROVIDERS = {"python": python_provider, "rust": rust_provider}


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    """Run `a` with two layers of increasing steps, in two files."""
    root = tmp_path_factory.mktemp("logs")
    layers = {
        "conv": {step: layer((3, 7, 9, 4), step) for step in range(0, 60, 2)},
        "dense": {step: layer((3, 12), step) for step in range(30)},
    }
    for cut in (slice(0, 20), slice(20, 30)):
        part = {tag: dict(list(arrays.items())[cut]) for tag, arrays in layers.items()}
        write_run(root / "a", part, labels=["x", "y", "z"])
    return root


def test_what_tensorboard_still_reads_is_not_said_to_be_complete(tmp_path, monkeypatch):
    """Until two looks some seconds apart agree, a log of which nothing is sampled is incomplete."""
    write_run(tmp_path / "a", {"dense": {s: layer((2, 3), s) for s in range(5)}})
    multiplexer = plugin_event_multiplexer.EventMultiplexer(tensor_size_guidance={"activations": 0})
    multiplexer.AddRunsFromDirectory(str(tmp_path))
    multiplexer.Reload()
    source = ProviderSource(data_provider.MultiplexerDataProvider(multiplexer, str(tmp_path)), 0)

    def look():
        found = source.series(VIEWER, Where("a", "dense"))
        return len(found.steps), found.complete, found.sampled

    monkeypatch.setattr(provider, "SETTLES", math.inf)
    assert [look(), look()] == [(5, False, False)] * 2
    monkeypatch.setattr(provider, "SETTLES", 0)
    assert look() == (5, True, False)
    write_run(tmp_path / "a", {"dense": {s: layer((2, 3), s) for s in range(5, 9)}})
    multiplexer.Reload()
    assert [look(), look()] == [(9, False, False), (9, True, False)]


def test_another_process_may_keep_fewer_steps_than_our_flags_say(logdir):
    """Through `--grpc_data_provider` nothing is known of what is kept: steps may be missing."""
    with python_provider(logdir, 3) as kept:
        flags = types.SimpleNamespace(logdir="", logdir_spec="", grpc_data_provider="localhost:1")
        context = base_plugin.TBContext(flags=flags, data_provider=kept, sampling_hints={})
        app = ActivationsLoader().load(context).get_plugin_apps()["/steps"]
        answer = werkzeug.test.Client(app).get("/", query_string={"run": "a", "tag": "dense"}).json
        assert len(answer["steps"]) == 3
        assert (answer["sampled"], answer["source"]) == (True, "tensorboard")


@pytest.mark.parametrize("keeps", [0, 5])
@pytest.mark.parametrize("loader", PROVIDERS)
def test_timeline_and_provider_agree(logdir, loader, keeps, monkeypatch):
    """Over the steps that the provider kept, both sources answer alike."""
    monkeypatch.setattr(provider, "SETTLES", 0)
    with PROVIDERS[loader](logdir, keeps) as tensorboards:
        source = ProviderSource(tensorboards, keeps)
        timelines = Timelines(LogDirs(((str(logdir), None),)), WarnOnce())
        local = reader.Reader(Lookup(source, timelines))
        remote = reader.Reader(Lookup(source))
        for each in (remote, local):
            _wait(lambda each=each: last_steps(each) == {"conv": 58, "dense": 29})
        _wait(lambda: all(settled(remote, tag) for tag in ("conv", "dense")))
        assert local.tags(VIEWER) == remote.tags(VIEWER)
        for tag in ("conv", "dense"):
            where = Where("a", tag)
            sampled, every = (r.steps(VIEWER, where) for r in (remote, local))
            assert (sampled.sampled, every.sampled) == (keeps > 0, False)
            assert (sampled.source, every.source) == ("tensorboard", "files")
            assert sampled.complete and every.complete
            all_steps = list(every.entries)
            kept = list(sampled.entries)
            assert (len(all_steps), len(kept)) == (30, keeps or 30)
            for position, entry in enumerate(kept):
                at = [e.step for e in all_steps].index(entry.step)
                assert all_steps[at] == entry
                assert _values(local, tag, entry.step) == _values(remote, tag, entry.step)
                assert local.statistics(VIEWER, where, (at, at + 1)) == remote.statistics(
                    VIEWER, where, (position, position + 1)
                )
        if keeps == 0:
            one, other = (r.overview(VIEWER, "a", columns=7, step=31) for r in (local, remote))
            assert dataclasses.replace(one, source="tensorboard") == other


def settled(source, tag):
    return source.steps(VIEWER, Where("a", tag)).complete


def last_steps(source):
    index = source.tags(VIEWER).get("a", {})
    found = {tag: source.steps(VIEWER, Where("a", tag)) for tag in index}
    return {tag: [e.step for e in each.entries][-1] for tag, each in found.items()}


def _values(source, tag, step):
    tensor = source.tensor(VIEWER, Where("a", tag), step, examples=(0, 2), channels=(1, 3))
    return tensor.shape, tensor.dtype, tensor.read()


def _wait(condition, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Broken:
    """A provider that fails as one does whose server has ended."""

    def __getattr__(self, name):
        def fail(*args, **options):
            raise ConnectionError("gone")

        return fail


def test_a_provider_that_fails_is_said_to():
    """Whatever the provider raises becomes one kind of error."""
    with pytest.raises(Unavailable, match="ConnectionError"):
        reader.Reader(Lookup(ProviderSource(Broken()))).tags(VIEWER)


def track(rows, steps=None, order=0):
    """A track of (rms, largest, dead, constant, nonfinite) rows."""
    header = record.parse_header(record.encode(layer((2, 4)))[0])
    steps = range(len(rows)) if steps is None else steps
    summaries = np.array(rows, SUMMARY)
    steps = np.array(list(steps), np.int64)
    return overview.Track(TagMetadata(order=order), steps, lambda: summaries, header)


def test_a_column_shows_its_worst_step():
    """Most non-finite channels first, then most dead ones, then the larger RMS, then the later."""
    rows = [
        (1, 1, 0, 0, 0), (9, 9, 0, 0, 0),  # the larger RMS
        (9, 9, 0, 0, 0), (1, 1, 2, 0, 0),  # more dead
        (np.nan, np.inf, 0, 0, 3), (9, 9, 4, 0, 0),  # more non-finite
        (5, 5, 0, 0, 0), (5, 5, 0, 1, 0),  # the later
    ]  # fmt: skip
    tracks = {"a": track(rows), "b": track(rows[:1], [6], order=1)}
    answer = overview.overview(tracks, columns=4, step=5)
    assert answer.columns == [(0, 1), (2, 3), (4, 5), (6, 7)]
    a = answer.strips["a"].worst
    assert a["step"] == [1, 3, 4, 7]
    assert a["rms"] == [9.0, 1.0, None, 5.0]
    assert a["nonfinite"] == [0, 0, 3, 0]
    assert answer.strips["b"].worst["step"] == [None, None, None, 6]
    assert answer.at == {"a": overview.State(5, 9.0, 9.0, dead=4, constant=0, nonfinite=0)}
    assert answer.first_nonfinite == overview.First("a", 4)


def test_columns_divide_all_steps_evenly():
    """Buckets hold as many steps as each other, give or take one, and every step is in one."""
    rows = [(1, 1, 0, 0, 0)] * 103
    answer = overview.overview({"a": track(rows, range(0, 1030, 10))}, columns=10, step=None)
    columns = answer.columns
    assert columns[0][0] == 0 and columns[-1][1] == 1020
    sizes = {(last - first) // 10 + 1 for first, last in columns}
    assert sizes == {10, 11}
    assert [b[0] - a[1] for a, b in itertools.pairwise(columns)] == [10] * 9


def test_an_overview_of_nothing():
    """A run of which nothing is indexed yet has no steps and no columns."""
    answer = overview.overview({}, columns=100, step=None)
    assert answer.steps is None
    assert (answer.columns, answer.strips, answer.at) == ([], {}, {})


def test_numbers_are_short():
    """Five significant digits at any magnitude."""
    values = np.array([1 / 3, 12345.678, 3.4e38, 1.2e-38, 0, np.nan], np.float32)
    found = overview._floats(values)
    assert found[:2] == [0.33333, 12346.0]
    np.testing.assert_allclose(found[2:5], [3.4e38, 1.2e-38, 0], rtol=1e-5)
    assert found[5] is None
