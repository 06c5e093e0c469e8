"""A table's model in a file: the same predictions on every backend, and training that goes on where it was cut off."""

from dataclasses import replace

import numpy as np
import pytest

from backends_here import SPECS, backend_named
from bpnet import Callback, ModelCheckpoint, load_model
from bpnet.formats.container import CheckpointError, read, write
from bpnet.tables import TableModel
from tables.test_table_model import gems

SETTINGS = {"epochs": 3, "hidden": (8,), "validation": 0.2, "verbose": 0, "dtype": "float64"}


@pytest.fixture(scope="module")
def trained():
    """With a table of vectors, missing values and a logarithm or not."""
    return TableModel.train(gems(200), "price", backend="numpy", **SETTINGS)


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.id not in ("strict", "emulated")])
def test_a_saved_model_predicts_the_same_on_every_backend(trained, tmp_path, spec):
    trained.save(tmp_path / "a.bpnet")
    loaded = load_model(tmp_path / "a.bpnet", backend=backend_named(spec))
    assert loaded.preprocessing == trained.preprocessing
    np.testing.assert_allclose(loaded.predict(gems(50, 3)), trained.predict(gems(50, 3)), rtol=1e-11)
    assert loaded.evaluate(gems(50, 3)) == pytest.approx(trained.evaluate(gems(50, 3)), rel=1e-9)


def test_a_file_whose_facts_do_not_fit_is_an_error(trained, tmp_path):
    trained.save(tmp_path / "a.bpnet")
    content = read(tmp_path / "a.bpnet")
    facts = content.facts["table"]
    assert content.kind == "table"
    wrong = [
        {},
        {**facts, "columns": [{"kind": "number"}]},
        {**facts, "target": {**facts["target"], "task": "multi-class", "classes": ["a", "b", "c"]}},
        {**facts, "columns": facts["columns"][1:]},
    ]
    for table in wrong:
        write(tmp_path / "b.bpnet", replace(content, facts=content.facts | {"table": table}))
        with pytest.raises(CheckpointError, match="table"):
            load_model(tmp_path / "b.bpnet", backend="numpy")


class Cut(Callback):
    """Ends the run as a crash would, after the second epoch."""

    order = 200

    def on_epoch_end(self, epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_that_was_cut_off_goes_on_as_if_it_had_not_been(tmp_path, stream):
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pandas(gems(300)), tmp_path / "a.parquet", row_group_size=50)
    settings = {**SETTINGS, "epochs": 4, "backend": "numpy", "stream": stream, "dropout": 0.2}
    whole = TableModel.train(tmp_path / "a.parquet", "price", **settings)
    callbacks = [ModelCheckpoint(tmp_path / "run"), Cut()]
    with pytest.raises(KeyboardInterrupt):
        TableModel.train(tmp_path / "a.parquet", "price", callbacks=callbacks, **settings)
    again = [ModelCheckpoint(tmp_path / "run")]
    resumed = TableModel.train(tmp_path / "a.parquet", "price", callbacks=again, resume=tmp_path / "run", **settings)
    assert resumed.history.history == whole.history.history
    for ours, theirs in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
