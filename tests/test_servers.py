"""Tests of the helper that starts the real TensorBoard."""

import pytest


@pytest.mark.parametrize("load_fast", ["false", "true"])
def test_starts_and_answers(tmp_path, tensorboard_server, load_fast):
    """TensorBoard starts with this package installed, under both loaders."""
    server = tensorboard_server(tmp_path, load_fast=load_fast)
    assert server.json("data/runs") == []
