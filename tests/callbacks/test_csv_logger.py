"""The table of a run: read back, it is the history."""

import csv

import numpy as np
import pytest

from bpnet import CSVLogger
from bpnet.training.callbacks import told
from callbacks.scenes import X, Y, model, through_a_file


def rows(path, separator=","):
    with path.open(newline="") as file:
        return list(csv.reader(file, delimiter=separator))


def numbers(path, separator=","):
    """The columns by name, as numbers."""
    names, *values = rows(path, separator)
    return {name: [float(row[i]) for row in values] for i, name in enumerate(names)}


@pytest.mark.parametrize("separator", [",", "\t"])
def test_what_is_read_back_is_the_history(on, tmp_path, separator):
    path = tmp_path / "log.csv"
    history = model(on).fit(X, Y, 20, 3, 0, [CSVLogger(path, separator)], validation_split=0.25)
    assert numbers(path, separator) == {"epoch": [0, 1, 2], **history.history}, "bit for bit"
    assert rows(path, separator)[0] == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]


def test_a_second_run_begins_the_file_anew_or_appends_to_it(tmp_path):
    path, trained = tmp_path / "log.csv", model()
    for _ in range(2):
        first = trained.fit(X, Y, 20, 2, 0, [CSVLogger(path)]).history
    assert numbers(path) == {"epoch": [0, 1], **first}
    second = trained.fit(X, Y, 20, 2, 0, [CSVLogger(path, append=True)]).history
    assert numbers(path) == {"epoch": [0, 1, 0, 1], **{name: first[name] + second[name] for name in first}}


def test_each_row_is_there_when_its_epoch_ends(tmp_path):
    path = tmp_path / "log.csv"
    logger = CSVLogger(path)
    with told([logger], None, 2, 1, {"loss": False}):
        assert not path.exists(), "a run that has not begun leaves nothing"
        logger.on_epoch_begin(0)
        logger.on_epoch_end(0, {"loss": 0.1})
        assert rows(path) == [["epoch", "loss"], ["0", "0.1"]]


@pytest.mark.parametrize("append", [False, True])
def test_a_resumed_run_drops_the_rows_of_epochs_that_are_trained_again(tmp_path, append):
    """Checkpoint after epoch 1, killed in the midst of the row of epoch 3; the file may have had another run before."""
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss\n0,9.5\n" if append else "something else, longer than what comes\n" * 9)
    earlier = [["0", "9.5"]] if append else []
    first = CSVLogger(path, append=append)
    first.model, first.figures = None, {"loss": False}
    first.on_train_begin(5, 1)
    for epoch in range(3):
        first.on_epoch_begin(epoch)
        first.on_epoch_end(epoch, {"loss": 1.0})
        if epoch == 1:
            state = through_a_file(first.state())
    first.on_train_end()
    with path.open("a") as file:
        file.write("3,0.")
    second = CSVLogger(path, append=append)
    with told([second], None, 5, 1, {"loss": False}):
        second.restore(state)
        for epoch in range(2, 5):
            second.on_epoch_begin(epoch)
            second.on_epoch_end(epoch, {"loss": 2.0})
    after = [[str(epoch), "1.0" if epoch < 2 else "2.0"] for epoch in range(5)]
    assert rows(path) == [["epoch", "loss"], *earlier, *after]


def test_a_resumed_run_without_its_file_begins_one(tmp_path):
    path = tmp_path / "log.csv"
    logger = CSVLogger(path)
    with told([logger], None, 5, 1, {"loss": False}):
        logger.restore({"rows": 4})
        logger.on_epoch_begin(3)
        logger.on_epoch_end(3, {"loss": 1.0})
        assert logger.state() == {"rows": 2}
    assert rows(path) == [["epoch", "loss"], ["3", "1.0"]]


def test_bad_input(tmp_path):
    trained = model()
    before = trained.get_weights()
    (tmp_path / "file").write_text("epoch,val_loss\n0,1.0\n")
    bad = {
        r"path: .*expected a file, but it is a folder": CSVLogger(tmp_path),
        r"path: there is no folder .*/new/folder'. Mend: make the folder first": CSVLogger(
            tmp_path / "new/folder/log.csv"
        ),
        r"path: .*expected a folder, but '.*/file' is a file": CSVLogger(tmp_path / "file" / "log.csv"),
        r"path: .* has the columns epoch, val_loss, expected epoch, loss, accuracy": CSVLogger(
            tmp_path / "file", append=True
        ),
    }
    for message, logger in bad.items():
        with pytest.raises(ValueError, match=message):
            trained.fit(X, Y, verbose=0, callbacks=[logger])
    assert (tmp_path / "file").read_text() == "epoch,val_loss\n0,1.0\n"
    assert all(np.array_equal(a, b) for a, b in zip(trained.get_weights(), before, strict=True))
    for separator in ("", ", ", None):
        with pytest.raises(ValueError, match=r"separator: .*expected one character"):
            CSVLogger(tmp_path / "log.csv", separator)
