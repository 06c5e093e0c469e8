"""From a table of the user's to a model, a report, predictions and figures."""

import csv
import io
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

import bpnet as package
from cli.own_tables import QUICK, bpnet, rows, write


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A regression and a classification, each with what the command printed."""
    folder = tmp_path_factory.mktemp("trained")
    write(folder / "houses.csv", rows(), ["a", "group", "price"])
    write(folder / "sizes.csv", rows(), ["a", "group", "kind"])
    many = ["--hidden", "16", "--epochs", "60", "--lr", "0.02", "--quiet"]
    price = bpnet("train", folder / "houses.csv", "--target", "price", *many, "--out", folder / "price")
    kind = bpnet("train", folder / "sizes.csv", "--target", "kind", *many, "--out", folder / "kind", "--no-plot")
    return folder, price, kind


def test_what_training_prints_and_writes(trained):
    folder, price, kind = trained
    assert (price.exit_code, kind.exit_code) == (0, 0), price.output + kind.output
    in_order = [
        "120 rows, 3 columns",
        "target price: regression",
        "72 rows to learn from, 24 to validate on, 24 to",
        "Dense linear",
        "epochs in",
        "root mean squared error",
        "errors, predicted - true: mean",
        "wrote ",
    ]
    places = [price.output.index(each) for each in in_order]
    assert places == sorted(places)
    assert "true \\ predicted  big  small" in kind.output
    assert "samples/s" not in price.output
    written = ["checkpoints", "model.safetensors", "report.html"]
    assert sorted(each.name for each in (folder / "price").iterdir()) == written
    report = (folder / "price" / "report.html").read_text(encoding="utf-8")
    assert report.count("<svg") == 5
    assert "<svg" not in (folder / "kind" / "report.html").read_text(encoding="utf-8")


def test_the_figures_are_of_rows_that_training_never_saw(tmp_path):
    """The model and what it was told of are the same whatever stands in the test rows."""
    from bpnet.tables.split import split_rows

    found = rows()
    _, test = split_rows(len(found), 0.2, 0)
    changed = [dict(row, price="9", a="0.5") if at in test else row for at, row in enumerate(found)]
    for name, table in (("one", found), ("other", changed)):
        path = write(tmp_path / f"{name}.csv", table)
        assert bpnet("train", path, "--target", "price", *QUICK, "--out", tmp_path / name).exit_code == 0
    one, other = (package.load_model(tmp_path / name / "model.safetensors") for name in ("one", "other"))
    ours, theirs = one.model.get_weights(), other.model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_the_epoch_that_is_kept_is_named_only_if_it_was_chosen(trained, tmp_path):
    """With --epochs below the patience too; --lr makes the last epoch not the best."""
    path = write(tmp_path / "houses.csv", rows())
    given = ["train", path, "--target", "price", *QUICK[:2], "--epochs", "8", "--lr", "1", "--no-plot"]
    assert "are kept" not in bpnet(*given, "--no-early-stopping", "--out", tmp_path / "all").output
    found = re.search(r"the weights of epoch (\d+) are kept", bpnet(*given, "--out", tmp_path / "best").output)
    losses = package.load_model(tmp_path / "best" / "model.safetensors").history.history["val_loss"]
    best = int(np.argmin(losses)) + 1
    assert best < 8
    assert int(found[1]) == best
    shown = bpnet("show", tmp_path / "best" / "model.safetensors").output
    assert f"lowest val_loss: epoch {best}," in shown
    assert f"weights: those of epoch {best}\n" in shown
    assert "weights: those of epoch 8\n" in bpnet("show", tmp_path / "all" / "model.safetensors").output


def test_predict_takes_columns_in_any_order_and_needs_no_target(trained, tmp_path):
    folder = trained[0]
    model = folder / "price" / "model.safetensors"
    other = write(tmp_path / "other.csv", rows(), ["group", "a"])
    result = bpnet("predict", model, other)
    assert result.exit_code == 0, result.output
    said = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(said[0]) == ["prediction"]
    expected = package.load_model(model).predict(folder / "houses.csv")
    np.testing.assert_allclose([float(row["prediction"]) for row in said], expected, rtol=1e-6)  # float32's digits


def test_predict_writes_parquet_with_the_columns_kept_and_a_probability_for_each_class(trained, tmp_path):
    folder, out = trained[0], tmp_path / "out.parquet"
    model = folder / "kind" / "model.safetensors"
    result = bpnet("predict", model, folder / "sizes.csv", "-o", out, "--proba", "--keep")
    assert result.exit_code == 0, result.output
    table = pyarrow.parquet.read_table(out)
    assert table.column_names == ["a", "group", "kind", "prediction", "probability of big", "probability of small"]
    chances = np.stack([table[name].to_numpy() for name in table.column_names[-2:]], axis=1)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)
    said = np.where(chances[:, 0] >= chances[:, 1], "big", "small")
    assert table["prediction"].to_pylist() == said.tolist()


def test_a_new_category_is_told(trained, tmp_path):
    changed = [dict(row, group="zz") for row in rows()[:3]]
    result = bpnet("predict", trained[0] / "price" / "model.safetensors", write(tmp_path / "new.csv", changed))
    assert result.exit_code == 0
    assert "note: column 'group': the categories of 3 rows were rare in training, or not there ('zz')" in result.stderr


def test_evaluate_says_what_training_said(trained):
    folder, _, _ = trained
    result = bpnet("evaluate", folder / "kind" / "model.safetensors", folder / "sizes.csv", "--json")
    found = json.loads(result.output)
    counts = np.array(found["confusion_matrix"])
    assert counts.sum() == found["rows"] == 120
    assert found["accuracy"] == pytest.approx(np.trace(counts) / 120)
    assert found["accuracy"] > 0.9
    text = bpnet("evaluate", folder / "kind" / "model.safetensors", folder / "sizes.csv").output
    assert re.search(rf"^accuracy +{found['accuracy']:.4g}$", text, re.MULTILINE)
    numbers = bpnet("evaluate", folder / "price" / "model.safetensors", folder / "houses.csv").output
    assert "standard deviation" in numbers


def test_show_tells_of_a_table_and_of_a_plain_model(trained, tmp_path):
    told = bpnet("show", trained[0] / "price" / "model.safetensors")
    assert told.exit_code == 0, told.output
    for each in (
        "Dense tanh",
        "97 parameters",
        "category, 3 kinds",
        "last: epoch",
        "lowest val_loss: epoch",
        "weights: those of epoch",
        "command: ",
    ):
        assert each in told.output
    model = package.Sequential([package.Input((3,)), package.Dense(2)], backend="numpy")
    model.save(tmp_path / "plain.safetensors")
    assert "8 parameters" in bpnet("show", tmp_path / "plain.safetensors").output
    refused = bpnet("predict", tmp_path / "plain.safetensors", trained[0] / "houses.csv")
    assert refused.exit_code == 2
    assert "without the preprocessing of a table" in refused.stderr


def test_an_interrupted_run_exits_with_1_and_says_so(tmp_path, monkeypatch):
    path = write(tmp_path / "houses.csv", rows())

    def interrupted(*_):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("bpnet.callbacks.early_stopping.EarlyStopping.on_epoch_end", interrupted)
    result = bpnet("train", path, "--target", "price", *QUICK, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "interrupted: what follows is of the weights at that point" in result.output
    assert "The run was interrupted" in (tmp_path / "out" / "report.html").read_text()


def test_the_command_in_a_process_of_its_own(tmp_path):
    write(tmp_path / "houses.csv", rows())
    command = [sys.executable, "-m", "bpnet", "train", "houses.csv", "--target", "price", *QUICK, "--backend", "numpy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert Path(tmp_path, "runs/houses/model.safetensors").is_file()
    assert "bpnet train houses.csv --target price" in Path(tmp_path, "runs/houses/report.html").read_text()
