"""What cannot be used is one line on standard error, exit code 2, and nothing is written."""

import json
import struct

import pytest

import bpnet as package
from cli.own_tables import QUICK, bpnet, rows, write

GOOD = rows(40)


def _ragged(path):
    write(path, GOOD)
    path.write_text(path.read_text() + "1,p\n")


def _changed(**columns):
    return lambda path: write(path, [dict(row, **columns) for row in GOOD])


def _mixed(path):
    write(path, [dict(row, price="word") if at == 7 else row for at, row in enumerate(GOOD)])


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (_ragged, [], "line 42: 2 values came, expected 4"),
        (_changed(), ["--target", "prize"], "Did you mean 'price'?"),
        (_changed(a="", group="", kind=""), [], "no column is left to predict from"),
        (_changed(price="1"), [], "all 40 rows have the class 1"),
        (_changed(kind="one"), ["--target", "kind"], "have the class 'one', expected two classes"),
        (lambda path: path.write_bytes(b"a,price\nM\xfcller,1\n"), [], "line 2, byte 9"),
        (_mixed, ["--task", "regression"], "1 words ('word') came in row 8"),
        (lambda path: path.write_bytes(b""), [], "the file is empty"),
        (_changed(), ["--sizes", "3,2"], "--sizes: it is an option for a recipe"),
        (_changed(), ["--hidden", "8", "--activation", "rleu"], "Did you mean 'relu'?"),
        (_changed(), ["--validation", "0.5", "--test", "0.5"], "leave nothing to learn from"),
        (_changed(), ["--optimizer", "lbfgs"], "expected one that learns from batches"),
        (_changed(), ["--class-weight", "balanced"], "is a number, which has no classes"),
        (_changed(), ["--out", "data.csv/out"], "--out: cannot write to"),
    ],
)
def test_training_refuses(make, options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "data.csv")
    _refused(message, tmp_path, "train", "data.csv", "--target", "price", *QUICK, *options)


def _refused(message, folder, *arguments):
    before = sorted(folder.rglob("*"))
    result = bpnet(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("Error: ")
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["huoses.csv"], "Did you mean 'houses.csv'?"),
        (["houses"], "no such recipe, and no such file. Did you mean 'houses.csv'?"),
        (["nowhere/houses.csv"], "There is no folder 'nowhere'"),
        (["digts"], "Did you mean 'digits'?"),
        (["houses.csv"], "--target: nothing was given, expected the column to predict. Columns: a, group, price, kind"),
        (["digits", "--target", "price"], "--target: it is an option for a table"),
        (["."], "it is a folder"),
    ],
)
def test_what_to_train_on_is_named(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "houses.csv", GOOD)
    _refused(message, tmp_path, "train", *arguments)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    path = write(folder / "data.csv", GOOD)
    assert bpnet("train", path, "--target", "price", *QUICK, "--out", folder).exit_code == 0
    return folder / "model.safetensors"


def _newer(data):
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["version"] = "999"
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:1000], "is cut short"),
        (lambda data: data[:-1], "cut short"),
        (lambda data: b"hello", "no safetensors file"),
        (_newer, "has the format version 999"),
    ],
)
@pytest.mark.parametrize("command", ["predict", "evaluate", "show"])
def test_a_file_that_is_no_model(command, change, message, model, tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(change(model.read_bytes()))
    data = [] if command == "show" else [model.parent / "data.csv"]
    _refused(message, tmp_path, command, tmp_path / "bad.safetensors", *data)


def test_an_architecture_that_the_arrays_do_not_fit(model, tmp_path):
    from bpnet.formats import container

    other = package.Sequential([package.Input((2,)), package.Dense(3)], backend="numpy").content()
    content = container.read(model)
    container.write(tmp_path / "bad.safetensors", container.Content("table", other.arrays, content.facts))
    _refused("bad.safetensors", tmp_path, "show", tmp_path / "bad.safetensors")


def test_prediction_refuses(model, tmp_path):
    write(tmp_path / "lacks.csv", GOOD, ["group"])
    write(tmp_path / "data.csv", GOOD)
    _refused("the columns 'a', 'kind' are missing", tmp_path, "predict", model, tmp_path / "lacks.csv")
    _refused("there is no column 'price'", tmp_path, "evaluate", model, tmp_path / "lacks.csv")
    given = "predict", model, tmp_path / "data.csv"
    _refused("is a number, which has no classes", tmp_path, *given, "--proba")
    _refused("could not be written", tmp_path, *given, "-o", tmp_path / "no" / "out.csv")
    _refused("expected a name that ends in", tmp_path, *given, "-o", tmp_path / "out.xlsx")
