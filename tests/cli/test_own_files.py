"""What `bpnet` must not do to the files that a user has."""

import os

import matplotlib
import matplotlib.figure
import numpy as np
import pytest

from bpnet.report import charts
from bpnet.report.drawing import STYLE
from cli.own_tables import QUICK, bpnet, rows, write


def _trained(path, out, *more):
    result = bpnet("train", path, "--target", "price", *QUICK, "--out", out, *more)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("which", ["DATA", "MODEL"])
def test_predict_does_not_write_over_what_it_reads(tmp_path, which):
    data = write(tmp_path / "a.csv", rows())
    _trained(data, tmp_path)
    read = {"DATA": data, "MODEL": tmp_path / "model.safetensors"}[which]
    before = read.read_bytes()
    (tmp_path / "link.csv").symlink_to(read)
    result = bpnet("predict", tmp_path / "model.safetensors", data, "-o", tmp_path / "link.csv")
    assert (result.exit_code, read.read_bytes()) == (2, before)
    assert f"is {which}, and would be overwritten. Mend: another name" in result.stderr


@pytest.mark.parametrize("nth", [1, 2])
def test_model_and_report_are_replaced_together_or_not_at_all(tmp_path, monkeypatch, nth):
    """Ctrl-C while the first, or the second, of them goes to the disk."""
    data = write(tmp_path / "a.csv", rows())
    _trained(data, tmp_path)
    names = "model.safetensors", "report.html"
    before = [(tmp_path / name).read_bytes() for name in names]
    flush, calls = os.fsync, []

    def interrupted(descriptor):
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(".part"):
            calls.append(descriptor)
            if len(calls) == nth:
                raise KeyboardInterrupt
        flush(descriptor)

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc here, which says what file is being written")
    monkeypatch.setattr("bpnet.cli.table_training.checkpointing", lambda *given: _nothing())
    monkeypatch.setattr("os.fsync", interrupted)
    result = bpnet("train", data, "--target", "price", *QUICK, "--out", tmp_path, "--seed", "1")
    assert result.exit_code == 1
    assert "interrupted before the model and its report were written; what " in result.stderr
    assert "wrote" not in result.output
    assert [(tmp_path / name).read_bytes() for name in names] == before
    assert not list(tmp_path.glob("*.part"))


def _nothing():
    from bpnet import Callback

    return Callback()


def test_a_model_of_other_data_is_not_replaced_without_a_word(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("d.csv", "d.b.csv"):
        write(tmp_path / name, rows())
    assert "will be replaced" not in bpnet("train", "d.csv", "--target", "price", *QUICK).output
    assert "will be replaced" not in bpnet("train", "d.csv", "--target", "price", *QUICK).output
    told = bpnet("train", "d.b.csv", "--target", "price", *QUICK).output
    note = "note: runs/d/model.safetensors is a model of d.csv, and will be replaced by one of d.b.csv. --out DIR"
    assert note in told
    assert told.index(note) < told.index("epochs in")


def test_no_empty_folder_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("BPNET_DATA", str(tmp_path / "none"))
    assert bpnet("train", "cnn", "--out", tmp_path / "rec" / "cnn", "--data", tmp_path / "none").exit_code == 2
    assert bpnet("train", "gates", "--out", tmp_path / "gates").exit_code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("far", [False, True])
def test_the_histogram_has_all_errors_or_says_where_the_others_are(far):
    errors = np.random.default_rng(0).uniform(-1, 1, 1000)
    if far:
        errors[:2] = -50, 70
    with matplotlib.rc_context(STYLE):
        figure = matplotlib.figure.Figure()
        charts.residual_histogram(np.zeros(1000), errors, "price")(figure)
    axis = figure.axes[0]
    assert sum(bar.get_height() for bar in axis.patches) == 1000
    ends = min(bar.get_x() for bar in axis.patches), max(bar.get_x() + bar.get_width() for bar in axis.patches)
    if far:
        assert -1 < ends[0] < ends[1] < 1
        assert "outer bars: with 10 beyond, to -50 and 70" in axis.get_xlabel()
    else:
        assert ends == pytest.approx((errors.min(), errors.max()))
    assert axis.get_axisbelow() is True, "grid lines behind the bars"


def test_a_training_that_went_wrong_is_said_to_be(tmp_path):
    data = write(tmp_path / "a.csv", rows())
    wild = _trained(data, tmp_path, "--lr", "1e6")
    assert "note: training went wrong: its root mean squared error is " in wild
    assert "training went wrong" not in _trained(data, tmp_path, "--lr", "0.1")
    few = _trained(write(tmp_path / "b.csv", rows(6)), tmp_path)
    assert "note: 1 test row cannot say how good the model is" in few


def test_blanks_around_the_names_of_columns_are_left_out(tmp_path):
    data = write(tmp_path / "a.csv", rows())
    data.write_text(data.read_text().replace("a,group,price,kind", ' a, group ,price , "kind"', 1))
    assert "target price: regression" in _trained(data, tmp_path)


def test_rows_that_are_meant_are_named_and_a_command_is_suggested(tmp_path):
    told = _trained(write(tmp_path / "a.csv", rows()), tmp_path)
    assert "(means, deviations and categories are of the training part, all else of all rows)" in told
    result = bpnet("trian", "digits")
    assert result.exit_code == 2
    assert result.output.count("Did you mean 'train'?") == 1
