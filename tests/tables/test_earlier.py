"""A checkpoint of a run on a table has its preprocessing; a run that goes on is the same run, or an error says why."""

import numpy as np
import pytest

from bpnet import ModelCheckpoint, load_model
from bpnet.formats.container import CheckpointError, read
from bpnet.tables import TableModel, training
from tables.test_table_model import gems

SETTINGS = {"epochs": 2, "hidden": (8,), "verbose": 0, "backend": "numpy", "early_stopping": False}


def train(folder, data=None, **more):
    data = gems(200) if data is None else data
    return TableModel.train(data, "price", callbacks=[ModelCheckpoint(folder)], **(SETTINGS | more))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One whose target is learned through its logarithm, as a trial found."""
    folder = tmp_path_factory.mktemp("run")
    return folder, train(folder)


def test_a_checkpoint_predicts_as_the_model_did(run):
    folder, model = run
    assert model.preprocessing.target.log
    assert read(folder / "epoch-0002.safetensors").kind == "checkpoint"
    loaded = load_model(folder / "epoch-0002.safetensors", backend="numpy")
    assert loaded.preprocessing == model.preprocessing
    np.testing.assert_array_equal(loaded.predict(gems(50, 3)), model.predict(gems(50, 3)))
    assert isinstance(load_model(folder / "best.safetensors", backend="numpy"), TableModel)


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_that_goes_on_tries_no_logarithm_again(tmp_path, monkeypatch, stream):
    """The trial would say otherwise now."""
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pandas(gems(200)), tmp_path / "a.parquet")
    path = tmp_path / "a.parquet"
    whole = train(tmp_path / "whole", path, stream=stream)
    train(tmp_path / "run", path, epochs=1, stream=stream)
    monkeypatch.setattr(training, "_trial", lambda before, *_: float(before.target.log))
    again = train(tmp_path / "run", path, resume=tmp_path / "run")  # in parts, or not, as before
    assert again.preprocessing == whole.preprocessing
    for ours, theirs in zip(again.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"learning_rate": 0.5}, "learning_rate was None, and 0.5 was given"),
        ({"hidden": (8, 4)}, r"hidden was \[8\], and \[8, 4\]"),
        ({"early_stopping": True}, "early_stopping was False, and True"),
        ({"validation": 0.3}, "validation was 0.2, and 0.3"),
        ({"seed": 3}, "seed was 0, and 3"),
        ({"data": gems(201)}, "rows was 200, and 201"),
        ({"data": gems(200).drop(columns="carat")}, r"column 'carat' was .*, and None"),
        ({"data": gems(200, seed=1)}, "column 'carat' mean was"),
    ],
)
def test_another_run_is_named(run, more, told):
    with pytest.raises(CheckpointError, match=f"resume: the checkpoint is of another run: {told}"):
        train(run[0], resume=run[0], **more)


def test_a_saved_model_is_no_run(run, tmp_path):
    run[1].save(tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="holds a model and no run"):
        train(tmp_path / "b", resume=tmp_path / "a.safetensors")
