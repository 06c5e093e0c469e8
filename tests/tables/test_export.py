"""A table model as an ONNX file: ONNX Runtime predicts from raw columns what `predict` does."""

from dataclasses import replace
from functools import cache
from itertools import cycle, islice

import numpy as np
import onnx
import pandas as pd
import pytest

from bpnet.tables import TableModel
from bpnet.tables.error import TableError
from bpnet.tables.target import fit
from formats.onnx_runs import draw, runtime

ROWS = 240
WORDS = [f"{letter}{number}" for letter in "abcdef" for number in range(7)]
"""More categories than get a column each, so that they have a table of vectors."""


def frame(seed=0, rows=ROWS):
    """Numbers, a boolean and categories with missing values; a rare category; many categories."""
    g = draw(seed)
    data = pd.DataFrame(
        {
            "size": g.normal(50, 20, rows),
            "age": g.integers(1, 90, rows).astype(float),
            "new": g.random(rows) < 0.4,
            "colour": g.choice(["red", "green", "blue"], rows),
            "place": list(islice(cycle(WORDS), rows)),
            "plain": g.choice(["x", "y"], rows),
        }
    ).astype({"new": object})
    for column, share in {"age": 0.2, "new": 0.1, "colour": 0.15}.items():
        data.loc[g.random(rows) < share, column] = None
    data.loc[3, "colour"] = "violet"
    score = (
        data["size"] / 20 + (data["colour"] == "red") + data["place"].str[1].astype(int) / 3 + g.normal(0, 0.1, rows)
    )
    data["money"] = np.exp(score)
    data["score"] = score
    data["yes"] = score > score.median()
    data["kind"] = np.select([score < score.quantile(0.3), score < score.quantile(0.7)], ["low", "mid"], "high")
    data["level"] = np.select([score < score.quantile(0.3), score < score.quantile(0.7)], [1, 2], 7)
    return data


def unseen():
    """Other rows, with categories that were not there, missing values where none were, and numbers far out."""
    data = frame(1, 60)[["plain", "place", "colour", "new", "age", "size"]]
    data.loc[0:4, "plain"] = ["z", None, "", "NaN", "n/A"]
    data.loc[0:4, "place"] = ["q9", None, "A0", "a0", "?"]
    data.loc[0:3, "colour"] = ["violet", "Red", None, "NULL"]
    data.loc[5:7, "size"] = [np.nan, 1e6, -1e6]
    return data


TARGETS = ["score", "money", "yes", "kind", "level"]


@cache
def trained(target, dtype="float32", **more):
    data = frame()
    others = [each for each in TARGETS if each != target]
    settings = {"hidden": (8,), "epochs": 3, "validation": 0, "early_stopping": False, "verbose": 0} | more
    task = "multi-class" if target == "level" else None
    return TableModel.train(data.drop(columns=others), target, task=task, backend="numpy", dtype=dtype, **settings)


def raw(model, data):
    """The columns as the file takes them."""
    found = {}
    for column in model.preprocessing.columns:
        values = data[column.name]
        if column.kind == "category":
            found[column.name] = np.array([["" if pd.isna(value) else value] for value in values], dtype=object)
        else:
            found[column.name] = values.to_numpy(dtype="float64", na_value=np.nan)[:, None]
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", TARGETS)
def test_the_predictions(target, dtype, tmp_path):
    model = trained(target, dtype)
    model.export(tmp_path / "m.onnx")
    run = runtime(tmp_path / "m.onnx")
    near = {"rtol": 1e-5, "atol": 1e-6} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-12}
    for data in (frame(), unseen(), unseen().iloc[:1], unseen().iloc[:3]):
        found, expected = run(raw(model, data)), model.predict(data)
        assert found["prediction"].shape == expected.shape
        if model.task == "regression":
            assert list(found) == ["prediction"]
            near["atol"] = near["rtol"] * model.preprocessing.target.std  # the unit that the network computes in
            np.testing.assert_allclose(found["prediction"], expected, **near)
            continue
        assert list(found) == ["prediction", "probabilities"]
        probabilities = model.predict_proba(data)
        np.testing.assert_allclose(found["probabilities"], probabilities, **near)
        two = np.sort(probabilities, axis=1)
        clear = two[:, -1] - two[:, -2] > 1e-4  # beyond rounding
        assert clear.mean() > 0.9 or len(data) < 10
        np.testing.assert_array_equal(found["prediction"][clear], expected[clear])


def test_the_columns_are_of_all_sorts():
    """Or the tests above would show little."""
    columns = {column.name: column for column in trained("money").preprocessing.columns}
    assert (columns["age"].indicator, columns["size"].indicator) == (True, False)
    assert (columns["new"].kind, columns["new"].indicator) == ("boolean", True)
    assert (columns["colour"].other, None in columns["colour"].categories) == (True, True)
    assert (columns["plain"].other, columns["plain"].embedded) == (False, False)
    assert columns["place"].embedded
    assert {trained(target).preprocessing.target.task for target in TARGETS} == {"regression", "binary", "multi-class"}
    assert len(set(unseen()["size"].dropna()) - set(frame()["size"])) > 40


def test_logarithms_are_taken_back(tmp_path):
    """And a prediction beyond the range is kept within it, as in Python."""
    model = trained("money", activation="relu")  # which goes on beyond the range, where tanh stays within
    goal = fit(replace(model.preprocessing.target, log=False), frame()["money"].to_numpy(), log=True)
    model = TableModel(model.model, model.preprocessing.with_target(goal))
    model.export(tmp_path / "m.onnx")
    found = runtime(tmp_path / "m.onnx")(raw(model, unseen()))["prediction"]
    expected = model.predict(unseen())
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (expected == np.exp(goal.high)).any() or (expected == np.exp(goal.low)).any()


def test_the_file_says_what_it_takes(tmp_path):
    trained("kind").export(tmp_path / "m.onnx")
    file = onnx.load(tmp_path / "m.onnx")
    columns = [column.name for column in trained("kind").preprocessing.columns]
    assert [value.name for value in file.graph.input] == columns
    types = {value.name: value.type.tensor_type.elem_type for value in file.graph.input}
    assert (types["age"], types["colour"]) == (onnx.TensorProto.DOUBLE, onnx.TensorProto.STRING)
    assert "NaN where it is missing" in file.graph.input[columns.index("age")].doc_string
    assert {each.key: each.value for each in file.metadata_props}["bpnet.target"] == "kind"
    assert [(each.domain, each.version) for each in file.opset_import] == [("", 17), ("ai.onnx.ml", 2)]


def test_columns_that_are_called_like_the_outputs(tmp_path):
    data = frame().rename(columns={"size": "prediction", "plain": "dense/w"})[["prediction", "dense/w", "score"]]
    model = TableModel.train(data, "score", hidden=(4,), epochs=1, verbose=0, backend="numpy")
    model.export(tmp_path / "m.onnx")
    found = runtime(tmp_path / "m.onnx")(raw(model, data))
    np.testing.assert_allclose(found["prediction_1"], model.predict(data), rtol=1e-5)


def test_a_column_without_a_name(tmp_path):
    data = frame().rename(columns={"size": ""})[["", "age", "score"]]
    model = TableModel.train(data, "score", hidden=(4,), epochs=1, verbose=0, backend="numpy")
    with pytest.raises(TableError, match=r"column '': an input of an ONNX file needs a name\. Mend"):
        model.export(tmp_path / "m.onnx")
