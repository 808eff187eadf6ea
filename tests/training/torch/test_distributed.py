"""Two processes that train together over gloo: one log, and the same training."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from servers import PATIENCE

pytest.importorskip("torch", reason="needs PyTorch")

from training.torch.read import logged, steps

HERE = Path(__file__).parent
# FSDP2 asks it of the host's streams, which older releases of torch do not have.
_SHARDS_ON_HOST = hasattr(sys.modules["torch"].cpu.Stream, "record_event")
KINDS = ["ddp", *(["fsdp2"] if _SHARDS_ON_HOST else [])]
TAGS = {"input", "conv", "norm", "act", "fc"}
TRAINERS = {"lightning": "lightning", "transformers": "transformers"}


def run_two(directory: Path, *kinds: str) -> None:
    """`processes.py` in two processes; each kind writes to a directory of its name."""
    inherited = filter(None, [os.environ.get("PYTHONPATH")])
    paths = os.pathsep.join([str(HERE.parents[1]), str(HERE.parents[2]), *inherited])
    environment = {**os.environ, "PYTHONPATH": paths, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    environment["CUDA_VISIBLE_DEVICES"] = ""  # Gloo's is the host
    environment["GLOO_SOCKET_IFNAME"] = "lo0" if sys.platform == "darwin" else "lo"
    command = [sys.executable, str(HERE / "processes.py"), str(directory), *kinds]
    started = [
        subprocess.Popen(
            command,
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        said = [process.communicate(timeout=PATIENCE)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0, 0], "\n".join(said)


def test_one_process_writes_what_both_train(tmp_path):
    """One file, with the names and values of the model without its wrapper; nothing hangs.

    Each process checks that its weights are, to the bit, those of the same training without a
    logger. With FSDP2 every process runs the pass, since each holds a part of every weight.
    """
    run_two(tmp_path, *KINDS)
    values = {}
    for kind in KINDS:
        directory = tmp_path / kind
        assert len(list(directory.iterdir())) == 1
        assert {tag for tag, _ in logged(directory)} == TAGS
        assert steps(directory, "fc") == [1, 2, 4]
        expected = np.load(tmp_path / f"{kind}.npy")
        values[kind] = logged(directory)["fc", 4].values
        np.testing.assert_allclose(values[kind], expected, rtol=2e-3, atol=2e-3)


@pytest.mark.skipif(os.environ.get("TBA_SOAK") != "1", reason="a long table; TBA_SOAK=1")
@pytest.mark.parametrize("trainer", TRAINERS)
def test_trainers_of_two_processes_write_one_log(tmp_path, trainer):
    """Each trainer's callback, under the trainer's own distributed training."""
    if importlib.util.find_spec(TRAINERS[trainer]) is None:
        pytest.skip(f"needs {trainer}")
    run_two(tmp_path, trainer)
    assert len([p for p in (tmp_path / trainer).iterdir() if "activations" in p.name]) == 1
    assert steps(tmp_path / trainer, "fc")[0] == 0 and len(steps(tmp_path / trainer, "fc")) > 1
