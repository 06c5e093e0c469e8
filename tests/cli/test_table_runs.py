"""`bpnet train DATA`: --resume, --checkpoint-every and --stream."""

import re

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from bpnet import load_model
from bpnet.formats.container import read
from bpnet.tables import sources, stream_training
from cli.own_tables import bpnet, rows, write

QUICK = ["--hidden", "8", "--lr", "0.01", "--no-plot", "--epochs", "4"]


@pytest.fixture
def path(tmp_path):
    """120 rows in groups of 50."""
    found = rows()
    columns = {name: [row[name] for row in found] for name in found[0]}
    numbers = {name: np.array(columns[name], "float64") for name in ("a", "price")}
    parquet.write_table(pyarrow.table(columns | numbers), tmp_path / "a.parquet", row_group_size=50)
    return tmp_path / "a.parquet"


def train(path, out, *more, target="price"):
    result = bpnet("train", path, "--target", target, "--out", out, *QUICK, *more)
    assert result.exit_code == 0, result.output
    return result.output


def assert_same_run(one, other):
    first, second = (read(folder / "model.safetensors") for folder in (one, other))
    assert first.facts["history"] == second.facts["history"]
    assert first.facts["table"] == second.facts["table"]
    assert first.arrays.keys() == second.arrays.keys()
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(second.arrays[name], array, err_msg=name)


@pytest.mark.parametrize("how", [[], ["--stream"]])
def test_a_run_that_lost_its_last_checkpoints_goes_on_to_the_same_bits(path, tmp_path, how):
    train(path, tmp_path / "whole", *how)
    out = tmp_path / "pieces"
    train(path, out, "--checkpoint-every", "1", *how)
    for number in (3, 4):
        (out / "checkpoints" / f"epoch-000{number}.safetensors").unlink()
    (out / "model.safetensors").unlink()
    told = train(path, out, "--resume")  # in parts, or not, as before
    assert "goes on from" in told
    assert "4 epochs, 2 of them now, in" in told
    assert_same_run(tmp_path / "whole", out)
    assert "4 epochs, 0 of them now, in" in train(path, out, "--resume")
    assert_same_run(tmp_path / "whole", out)


def test_a_run_that_had_ended_names_the_epoch_that_it_kept(path, tmp_path):
    long = ["--epochs", "140", "--lr", "0.02"]
    before, after = (train(path, tmp_path / "out", *long, *more) for more in ([], ["--resume"]))
    kept = [re.search(r"the weights of epoch (\d+) are kept", told)[1] for told in (before, after)]
    assert kept[0] == kept[1]


def test_a_checkpoint_predicts(path, tmp_path):
    train(path, tmp_path / "out")
    folder = tmp_path / "out" / "checkpoints"
    assert sorted(each.name for each in folder.iterdir()) == ["best.safetensors", "epoch-0004.safetensors"]
    last, model = (bpnet("predict", each, path).stdout for each in
                   (folder / "epoch-0004.safetensors", tmp_path / "out" / "model.safetensors"))  # fmt: skip
    assert last == model
    assert bpnet("predict", folder / "best.safetensors", path).exit_code == 0


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--hidden", "8,4"], "--hidden was [8], and [8, 4] was given"),
        (["--test", "0.3"], "--test was 0.2, and 0.3 was given"),
        (["--stream"], "--stream was False, and True was given"),
        (["--seed", "1"], "--seed was 0, and 1 was given"),
        (["--dtype", "float64"], "another run: --dtype was 'float32', and 'float64' was given"),
    ],
)
def test_another_run_is_named(path, tmp_path, more, told):
    train(path, tmp_path)
    result = bpnet("train", path, "--target", "price", "--out", tmp_path, *QUICK, "--resume", *more)
    assert (result.exit_code, result.output.count("another run")) == (2, 1)
    assert told in result.stderr
    assert "leave --resume out to begin anew" in result.stderr


def test_other_data_are_named(tmp_path):
    train(write(tmp_path / "a.csv", rows()), tmp_path)
    other = write(tmp_path / "a.csv", rows(121))
    result = bpnet("train", other, "--target", "price", "--out", tmp_path, *QUICK, "--resume")
    assert result.exit_code == 2
    assert "--resume: " in result.stderr
    assert "another run: rows was 120, and 121 was given" in result.stderr, "the file's own rows"
    assert "leave --resume out" in result.stderr
    assert "goes on from" not in result.output


@pytest.mark.parametrize("target", ["price", "kind"])
def test_the_figures_of_a_file_in_parts_are_of_the_held_out_rows(path, tmp_path, target):
    told = train(path, tmp_path, "--stream", target=target)
    assert "120 rows, 4 columns" in told
    learned, held_out = map(int, re.search(r"(\d+) rows to learn from, (\d+) to validate on, 0 to test", told).groups())
    assert learned + held_out == 120
    assert re.search(rf"^rows +{held_out} +{learned} +{held_out}$", told, re.MULTILINE)
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"The figures in front are of {held_out} validation rows" in report
    assert "120 rows, 4 columns" in report


def test_without_held_out_rows_the_figures_say_that_they_are_of_learned_ones(path, tmp_path):
    told = train(path, tmp_path, "--stream", "--validation", "0", "--test", "0")
    assert "on the training sample rows" in told
    assert "of 120 of the rows that it learned from" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_test_rows_and_text_cannot_be_had_in_parts(path, tmp_path):
    refused = bpnet("train", path, "--target", "price", "--stream", "--test", "0.2", "--out", tmp_path / "out")
    assert refused.exit_code == 2
    assert "--test: 0.2 was given, but" in refused.stderr
    text = bpnet("train", write(tmp_path / "a.csv", rows()), "--target", "price", "--stream", "--out", tmp_path / "out")
    assert text.exit_code == 2
    assert "expected one of these for training in parts" in text.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet"])
def test_predictions_and_figures_of_parts_are_those_of_the_whole(path, tmp_path, monkeypatch, ending):
    train(path, tmp_path, "--activation", "relu", target="kind")  # NumPy's tanh rounds by places
    model = tmp_path / "model.safetensors"
    outputs = []
    for part in (1 << 16, 7):
        monkeypatch.setattr(stream_training, "SMALL", 0)
        monkeypatch.setattr(sources, "CHUNK", part)
        out = tmp_path / f"out{part}{ending}"
        told = bpnet("predict", model, path, "-o", out, "--keep", "--proba")
        assert told.exit_code == 0, told.output
        assert "120 rows" in told.stderr
        figures = bpnet("evaluate", model, path).output, bpnet("predict", model, path).stdout
        found = parquet.read_table(out).to_pylist() if ending == ".parquet" else out.read_text()
        outputs.append((found, *figures))
    assert outputs[0] == outputs[1]  # a network of eight units: no sum is long enough to be cut elsewhere
    assert load_model(model).evaluate(path)["accuracy"] > 0
