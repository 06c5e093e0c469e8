"""`loss_curves`: what it draws of a history, and that it can be read."""

import numpy as np
import pytest

from bpnet import History
from bpnet.plot import loss_curves
from looks import assert_readable, texts


def history(epochs, *names, first=0):
    drawn = np.random.default_rng(0).uniform(0.1, 1, (len(names), epochs))
    return History(list(range(first, first + epochs)), {n: v.tolist() for n, v in zip(names, drawn, strict=True)})


@pytest.mark.parametrize("epochs", [1, 2, 40, 500])
def test_the_lines_have_the_values_of_the_history(epochs):
    given = history(epochs, "loss", "accuracy", "val_loss", "val_accuracy")
    figure = loss_curves(given)
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel(), accuracy.get_xlabel()) == ("loss", "accuracy", "epoch")
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        training, held_out = axes.get_lines()[:2]
        np.testing.assert_array_equal(training.get_ydata(), given.history[name])
        np.testing.assert_array_equal(held_out.get_ydata(), given.history[f"val_{name}"])
        np.testing.assert_array_equal(training.get_xdata(), np.arange(1, epochs + 1))
        assert (training.get_linestyle(), held_out.get_linestyle()) == ("-", "--")
    assert_readable(figure)


def test_the_least_held_out_loss_is_ringed():
    given = history(9, "loss", "val_loss", first=3)
    given.history["val_loss"][4] = 0.01
    ring = loss_curves(given).axes[0].get_lines()[2]
    assert (ring.get_xdata(), ring.get_ydata()) == ([8], [0.01])
    assert ring.get_label() == "least: 0.01, epoch 8"


def test_many_figures_with_long_names():
    names = ["loss", *(f"an_output_with_a_rather_long_name_{i}_accuracy" for i in range(4)), "val_loss"]
    figure = loss_curves(history(12, *names))
    assert len([axes for axes in figure.axes if axes.get_visible()]) == 5
    assert_readable(figure)


def test_a_chosen_figure_on_a_logarithmic_axis_against_steps():
    figure = loss_curves(history(5, "accuracy", "loss"), names=["loss"], log=True, steps_each=100)
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_yscale()) == ("step", "log")
    assert axes.get_lines()[0].get_xdata().tolist() == [100, 200, 300, 400, 500]


def test_gaps_are_told():
    figure = loss_curves({"loss": [1.0, float("nan"), 0.5]})
    assert "gaps: NaN or infinite" in figure.axes[0].get_title(loc="right")


def test_a_name_with_dollars_is_no_formula():
    figure = loss_curves({"loss": [1.0], "$price$_loss": [2.0]})
    assert "$price$_loss" in texts(figure)[0]


@pytest.mark.parametrize(
    ("given", "settings", "error", "match"),
    [
        (History(), {}, ValueError, "history: it has no epochs.*Mend: train first"),
        ([1.0, 2.0], {}, TypeError, "history: .* expected what model.fit returns"),
        ({"loss": [1.0, 2.0], "val_loss": [1.0]}, {}, ValueError, "history: lists of different lengths.*val_loss 1"),
        ({"loss": [1.0]}, {"names": ["los"]}, ValueError, "names: 'los' was given, expected some of"),
        ({"loss": [1.0]}, {"steps_each": 0}, ValueError, "steps_each: 0 was given"),
        ({"loss": [1.0]}, {"figure": 3}, TypeError, "figure: 3 was given"),
    ],
)
def test_what_cannot_be_drawn(given, settings, error, match):
    with pytest.raises(error, match=match):
        loss_curves(given, **settings)


def test_a_figure_with_axes_is_refused():
    figure = loss_curves({"loss": [1.0]})
    with pytest.raises(ValueError, match=r"figure: it has axes already.*Mend: figure.clear"):
        loss_curves({"loss": [1.0]}, figure=figure)
