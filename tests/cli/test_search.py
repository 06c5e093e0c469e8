"""`bpnet search`: what it prints and leaves, for a recipe and for a table, and what it refuses."""

import csv

import numpy as np
import pytest

from bpnet import Dropout, Sequential, TableModel, load_model
from bpnet.ensembles import searching
from bpnet.recipes import Options, recipe
from cli.own_tables import bpnet, rows, write

TABLE = ["--target", "kind", "--hidden", "8", "--epochs", "3", "--lr", "1e-3:1"]


def lines_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "data.csv", rows(60))


def test_a_recipe(tmp_path):
    out = tmp_path / "found"
    result = bpnet("search", "digits", "--lr", "1e-3:1e-1", "--alpha", "1e-6:1e-3", "--models", 3, "--epochs", 2,
                   "--batch-size", "64,128", "--seed", 1, "--out", out)  # fmt: skip
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {"search.csv", "model.safetensors", "search.png"}
    assert "1,437 rows to learn from, 287 of them judge" in result.stdout
    assert "3 candidates in" in result.stdout
    assert "a minute; 0 diverged" in result.stdout
    assert "on 360 rows that no candidate has seen: loss " in result.stdout
    assert result.stderr == "", "no bar where there is no terminal"
    candidates = lines_of(out / "search.csv")
    figures = [float(one["val_accuracy"]) for one in candidates]
    assert figures == sorted(figures, reverse=True)
    assert {one["batch_size"] for one in candidates} == {"64", "128"}
    best, model = candidates[0], load_model(out / "model.safetensors")
    assert isinstance(model, Sequential) or model.is_compiled
    assert model.epochs_seen == int(best["best_epoch"])
    x, y = recipe("digits").held_out(Options(seed=1))
    assert f"accuracy {model.evaluate(x, y)[1]:.4g}" in result.stdout


def test_a_table_makes_a_model_that_the_other_commands_take(data, tmp_path):
    result = bpnet("search", data, *TABLE[:4], "--hidden", "4,4", "--activation", "relu,tanh", "--dropout", "0:0.5",
                   "--models", 5, *TABLE[4:])  # fmt: skip
    assert result.exit_code == 0, result.output
    out = tmp_path / "runs" / "data-search"
    assert {path.name for path in out.iterdir()} == {"search.csv", "model.safetensors", "search.png", "report.html"}
    assert "36 rows to learn from, 12 to validate on, 12 to test on" in result.stdout
    candidates = lines_of(out / "search.csv")
    assert {one["hidden"] for one in candidates} == {"8", "4,4"}
    assert {one["activation"] for one in candidates} == {"relu", "tanh"}
    model = load_model(out / "model.safetensors")
    assert isinstance(model, TableModel)
    dropped = [layer.rate for layer in model.model.network.graph.layers if isinstance(layer, Dropout)]
    assert dropped == [float(candidates[0]["dropout"])] * len(candidates[0]["hidden"].split(","))
    saved = out / "model.safetensors"
    assert bpnet("evaluate", saved, data).exit_code == 0
    assert bpnet("predict", saved, data).exit_code == 0
    assert "search data.csv" in bpnet("show", saved).stdout or "command: " in bpnet("show", saved).stdout
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "neither training nor early stopping has seen" in page


def test_preprocessing_is_learned_from_the_rows_that_the_candidates_learn_from(data):
    bpnet("train", data, *TABLE[:6], "--no-plot", "--out", "one")
    bpnet("search", data, *TABLE, "--models", 2, "--no-plot", "--out", "many")
    one, many = (load_model(f"{out}/model.safetensors").preprocessing for out in ("one", "many"))
    assert one.columns == many.columns


def test_folds_of_a_table(data):
    result = bpnet("search", data, *TABLE, "--models", 2, "--folds", 3, "--class-weight", "balanced",
                   "--batch-norm", "--no-plot", "--out", "many")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "48 rows in 3 folds, 12 to test on" in result.stdout
    (first, _) = lines_of("many/search.csv")
    each = [float(first[f"accuracy of fold {fold}"]) for fold in (1, 2, 3)]
    assert float(first["val_accuracy"]) == pytest.approx(np.mean(each), abs=1e-12)


def test_what_a_choice_comes_to_is_noted(tmp_path):
    found = rows(60)
    for at, row in enumerate(found):
        row["kind"] = "rare" if at < 5 else row["kind"]
    path = write(tmp_path / "rare.csv", found)
    result = bpnet("search", path, *TABLE, "--models", 2, "--folds", 6, "--batch-size", "16,100", "--test", "0",
                   "--no-plot", "--out", tmp_path / "out")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "note: the smallest class has 5 rows, fewer than --folds 6: it is missing in some" in result.stderr
    assert "note: --batch-size 100: a step takes all 50 rows to learn from, which are fewer" in result.stderr


def test_no_hidden_layer_may_be_searched(data):
    result = bpnet("search", data, *TABLE[:2], "--hidden", "0", *TABLE[4:], "--models", 2, "--no-plot", "--out", "many")
    assert result.exit_code == 0, result.output
    assert {one["hidden"] for one in lines_of("many/search.csv")} == {"0"}


def test_choices_are_tried_once_each(data):
    result = bpnet("search", data, *TABLE[:6], "--lr", "0.1,0.01", "--seeds", "0,1", "--no-plot", "--rank-by", "loss")
    assert "there are only 4 different candidates; each is trained once" in result.stdout
    assert "the 4 best, by loss" in result.stdout


def test_ctrl_c_leaves_what_was_found(data, monkeypatch):
    fit = searching.Ensemble.fit

    def pressed(self, *arguments, **settings):
        if len(calls) == 1:
            calls.append(1)
            raise KeyboardInterrupt
        calls.append(1)
        return fit(self, *arguments, **settings)

    calls = []
    monkeypatch.setattr(searching.Ensemble, "fit", pressed)
    monkeypatch.setattr(searching, "TOGETHER", 2)
    result = bpnet("search", data, *TABLE, "--models", 8, "--no-plot", "--out", "some")
    assert result.exit_code == 1
    assert "2 of 8 candidates in" in result.stdout
    assert "interrupted: what follows is of the candidates that were trained until then" in result.stdout
    assert len(lines_of("some/search.csv")) == 2
    assert isinstance(load_model("some/model.safetensors"), TableModel)


def test_ctrl_c_before_anything_was_found(data, monkeypatch):
    def pressed(self, *arguments, **settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(searching.Ensemble, "fit", pressed)
    result = bpnet("search", data, *TABLE, "--no-plot", "--out", "none")
    assert result.exit_code == 1
    assert "interrupted before a candidate had ended an epoch: nothing was written" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits", "--lr", "1e-1:1e-4"], "--lr: '1e-1:1e-4' was given, expected LOW:HIGH with LOW below HIGH"),
        (["digits", "--lr", "0:1"], "--lr: '0' was given, expected a number above 0"),
        (["digits", "--alpha", "some"], "--alpha: 'some' was given"),
        (["digits", "--seeds", "0.5"], "--seeds: '0.5' was given"),
        (["digits", "--batch-size", "0,32"], "--batch-size: '0,32' was given"),
        (["digits", "--batch-size", "32,32"], "--batch-size: 32 stands there twice"),
        (["digits"], "nothing is searched"),
        (["digits", "--lr", "0.1:1", "--dropout", "0:0.5"], "--dropout: it was given, but the network has no Dropout"),
        (["digits", "--lr", "0.1:1", "--hidden", "8"], "--hidden: it is an option for a table"),
        (["digits", "--lr", "0.1:1", "--rank-by", "r2"], "--rank-by: 'r2' is unknown"),
        (["digits", "--lr", "0.1:1", "--data", "there"], "data: 'there' was given, but this recipe brings its own"),
        (["digits", "--lr", "0.1:1", "--backend", "nunpy"], "nunpy"),
        (["two-layer", "--lr", "0.1:1"], "two-layer: it has no rows that are held out"),
        (["gates", "--lr", "0.1:1"], "gates: it has no rows that are held out"),
        (["digts", "--lr", "0.1:1"], "Did you mean 'digits'?"),
        (["deta.csv", "--lr", "0.1:1"], "there is no such file. Did you mean 'data.csv'"),
        (["data.csv", "--lr", "0.1:1"], "--target: nothing was given"),
        (["data.csv", "--lr", "0.1:1", "--target", "kidn"], "Did you mean 'kind'?"),
        (["data.csv", "--target", "kind", "--data", "x"], "--data: it is an option for a recipe"),
        (["data.csv", "--target", "kind", "--hidden", "8,x"], "--hidden: '8,x' was given"),
        (["data.csv", "--target", "kind", "--hidden", "8", "--hidden", "8"], "--hidden: (8,) stands there twice"),
        (["data.csv", "--target", "kind", "--activation", "relu,thanh"], "Did you mean 'tanh'?"),
        (["data.csv", "--target", "kind", "--optimizer", "lbfgs"], "expected one that learns from batches"),
        (["data.csv", "--target", "kind", "--validation", "0.8"], "leave nothing to learn from"),
        (["data.csv", "--target", "price", "--class-weight", "balanced"], "is a number, which has no classes"),
        (["data.csv", "--target", "kind", "--folds", "90", "--lr", "0.1:1"], "folds: 90 was given for 48 rows"),
        (["data.csv", "--target", "kind", "--folds", "40", "--lr", "0.1:1"], "--folds: 40 was given, but no class has"),
        (
            ["data.csv", "--target", "kind", "--batch-size", "36,64", "--lr", "0.1:1"],
            "--batch-size: 36 and 64 were given",
        ),
        (
            ["data.csv", "--target", "kind", "--hidden", "0", "--dropout", "0:0.5"],
            "--hidden: 0 was given with --dropout",
        ),
        (
            ["data.csv", "--target", "kind", "--hidden", "0", "--activation", "relu,tanh"],
            "0 was given with --activation",
        ),
        (["empty.csv", "--target", "kind"], "the file is empty"),
        (["data.csv", "--target", "kind", "--lr", "0.1:1", "--out", "data.csv/out"], "--out: cannot write to"),
        (["digits", "--lr", "0.1:1", "--out", "earlier"], "has the search.csv of another run"),
    ],
)
def test_one_error_and_nothing_written(arguments, message, data, tmp_path):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "search.csv").touch()
    before = sorted(tmp_path.rglob("*"))
    result = bpnet("search", *arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_zero_models_are_refused(data, tmp_path):
    result = bpnet("search", "digits", "--lr", "0.1:1", "--models", 0)
    assert result.exit_code == 2
    assert "'--models'" in result.stderr
