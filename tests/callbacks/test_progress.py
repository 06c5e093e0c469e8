"""What `verbose` shows, on a terminal and in a file."""

import io
import re

import numpy as np
import pytest

from bpnet import EarlyStopping
from bpnet.callbacks.progress import can_be_drawn_on, progress
from callbacks.scenes import X, Y, model
from terminal import terminal


def shown(capsys, verbose, epochs=3, **settings):
    history = model().fit(X, Y, 20, epochs, verbose, **settings)
    return history, *capsys.readouterr()


def test_the_bar_says_of_which_epoch_its_figures_are(monkeypatch):
    screen = terminal(monkeypatch)
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)
    history = model().fit(X, Y, 20, 3, "auto")
    states = [state for state in screen.getvalue().replace("\n", "\r").split("\r") if state]
    losses = [f"loss {loss:.4g}" for loss in history.history["loss"]]
    for state in states:
        epoch = int(re.match(r"epoch (\d)/3 |^", state).group(1) or 1)
        for number, loss in enumerate(losses, start=1):
            if loss in state:
                assert number == epoch or f", epoch {number}: {loss}" in state
    assert re.fullmatch(rf"epoch 3/3 \|.*\| .* samples/s, {losses[2]}  accuracy .*", states[-1])


@pytest.mark.parametrize("verbose", [1, "auto"])
def test_on_a_terminal_there_is_a_bar(monkeypatch, capsys, verbose):
    screen = terminal(monkeypatch)
    assert shown(capsys, verbose)[1] == ""
    assert "epoch 2/3 |" in screen.getvalue() or "epoch 3/3 |" in screen.getvalue()


def test_without_a_terminal_auto_is_silent(capsys):
    assert shown(capsys, "auto")[1:] == ("", "")
    assert shown(capsys, 0)[1:] == ("", "")


def test_without_a_terminal_1_is_a_few_lines(capsys):
    _, out, err = shown(capsys, 1)
    assert out == ""
    assert [line.split("  ")[0] for line in err.splitlines()] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    history, _, err = shown(capsys, 1, epochs=101)
    assert "\r" not in err
    lines = err.splitlines()
    assert len(lines) == 20
    assert lines[-1].startswith(f"epoch 101/101  loss {history.history['loss'][-1]:.4g}  accuracy ")


def test_the_last_line_of_a_run_that_was_stopped_is_there(capsys):
    never = EarlyStopping("loss", patience=1, mode="max")  # the loss falls: ends after the second epoch
    _, _, err = shown(capsys, 1, epochs=100, callbacks=[never])
    assert [line.split("  ")[0] for line in err.splitlines()] == ["epoch 2/100"]


def test_2_is_a_line_an_epoch_everywhere(monkeypatch, capsys):
    screen = terminal(monkeypatch)
    assert len(shown(capsys, 2, epochs=30)[1].splitlines()) == 30
    assert screen.getvalue() == ""


def test_where_a_line_can_be_drawn_over():
    notebook = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    assert can_be_drawn_on(notebook)
    assert not can_be_drawn_on(io.StringIO())
    assert not can_be_drawn_on(None)
    closed = io.StringIO()
    closed.close()
    assert not can_be_drawn_on(closed)


def test_bad_input():
    for verbose in (3, "1", None, np.nan):
        with pytest.raises(ValueError, match=r"verbose: .* was given, expected 0"):
            progress(verbose)
