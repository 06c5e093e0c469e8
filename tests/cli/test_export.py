"""`bpnet export`: a saved model becomes an ONNX file."""

import numpy as np
import pytest
from click.testing import CliRunner

from bpnet import Conv2D, Dense, Flatten, Input, Sequential
from bpnet.cli import main
from bpnet.tables import TableModel
from formats.onnx_runs import agree, runtime, with_random_weights


def bpnet(*arguments):
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


@pytest.fixture
def saved(tmp_path):
    layers = [Input((5, 5, 1)), Conv2D(2, 2, activation="tanh"), Flatten(), Dense(2)]
    model = with_random_weights(Sequential(layers, backend="numpy", dtype="float64"), 0)
    model.save(tmp_path / "model.bpnet")
    return model, tmp_path / "model.bpnet"


def test_a_saved_model_is_exported(saved, tmp_path):
    model, path = saved
    result = bpnet(path, tmp_path / "m.onnx", "--dtype", "float32")
    assert result.exit_code == 0, result.output
    assert f"wrote {tmp_path / 'm.onnx'}, " in result.output
    x = np.ones((3, 5, 5, 1))
    (found,) = runtime(tmp_path / "m.onnx")({"input": x.astype("float32")}).values()
    np.testing.assert_allclose(found, model.predict(x), rtol=1e-4)
    assert bpnet(path, tmp_path / "m.onnx").exit_code == 0
    agree(model, tmp_path / "m.onnx", by_reference=True)


def test_a_saved_table_model_brings_its_preprocessing(tmp_path):
    data = {"size": [1.0, 2.0, 3.0, np.nan] * 8, "colour": ["red", "blue"] * 16, "price": np.arange(32.0)}
    model = TableModel.train(data, "price", hidden=(4,), epochs=1, verbose=0, backend="numpy")
    model.save(tmp_path / "model.bpnet")
    assert bpnet(tmp_path / "model.bpnet", tmp_path / "m.onnx").exit_code == 0
    raw = {"size": np.array(data["size"])[:, None], "colour": np.array(data["colour"], object)[:, None]}
    found = runtime(tmp_path / "m.onnx")(raw)["prediction"]
    np.testing.assert_allclose(found, model.predict(data), rtol=1e-5, atol=1e-5)


def test_a_model_is_not_overwritten_by_its_export(saved):
    path = saved[1]
    before = path.read_bytes()
    result = bpnet(path, path)
    assert result.exit_code == 2
    assert "which is the model itself. Mend" in result.output
    assert path.read_bytes() == before


def test_what_is_no_model_is_told_in_one_line(tmp_path):
    (tmp_path / "no").write_text("model")
    for path in (tmp_path / "none", tmp_path / "no"):
        result = bpnet(path, tmp_path / "m.onnx")
        assert result.exit_code == 2
        assert result.output.startswith("Error: path: ")
        assert len(result.output.splitlines()) == 1
    assert not (tmp_path / "m.onnx").exists()
