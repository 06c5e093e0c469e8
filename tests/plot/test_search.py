"""`plot.search`: a panel for each searched setting, in which every candidate is to be found."""

from types import SimpleNamespace

import numpy as np
import pytest

from bpnet.ensembles.ranges import range_of
from bpnet.ensembles.ranking import Ranking, Trial
from bpnet.ensembles.space import Space
from bpnet.plot import search
from looks import assert_readable, texts


def found(count=60, larger=True, diverged=3, worst=0.0, groups=({"hidden": "8"}, {"hidden": "16,16"}), **ranges):
    space = Space(list(groups), {name: range_of(name, given) for name, given in ranges.items()})
    draw = np.random.default_rng(0)
    trials = []
    for place, candidate in enumerate(space.candidates(count, 0)):
        figure = 0.9 + 0.1 * draw.random() if larger else 0.1 + 0.1 * draw.random()
        figure = worst if worst and place == 5 else figure
        is_bad = place >= count - diverged
        trials.append(Trial(candidate, np.nan if is_bad else figure, {}, (), 1, 1, is_bad))
    trials.sort(key=lambda one: np.inf if one.diverged else -one.figure if larger else one.figure)
    return SimpleNamespace(space=space, trials=trials, by=Ranking("accuracy" if larger else "loss", larger))


def points(axis):
    """Of each label, how many points there are."""
    return {one.get_label(): len(one.get_offsets()) for one in axis.collections if hasattr(one, "get_offsets")}


def test_a_panel_for_each_setting_has_every_candidate():
    figure = search(found(learning_rate="1e-4:1e-1", dropout="0:0.5", l2="0,0.1"))
    panels = [axis for axis in figure.axes if axis.get_visible()]
    assert [axis.get_xlabel() for axis in panels] == ["hidden", "learning_rate", "dropout", "l2"]
    assert [axis.get_xscale() for axis in panels] == ["linear", "log", "linear", "linear"]
    for axis in panels:
        told = points(axis)
        assert (told["candidate"], told["the best"], told["diverged"]) == (56, 1, 3)
    assert_readable(figure)


@pytest.mark.parametrize(("larger", "worst"), [(True, -1e6), (False, 1e9)])
def test_one_that_is_far_away_is_at_the_rim(larger, worst):
    figure = search(found(larger=larger, worst=worst, learning_rate="1e-4:1e-1"))
    axis = next(axis for axis in figure.axes if axis.get_xlabel() == "learning_rate")
    assert points(axis)["further away"] == 1
    low, high = axis.get_ylim()
    assert high - low < 1, "the others are not pressed into a line"
    assert_readable(figure)


def test_the_marks_differ_without_colour():
    figure = search(found(worst=-9.0, learning_rate="1e-4:1e-1"))
    (legend,) = figure.legends
    assert {text.get_text() for text in legend.get_texts()} == {
        "candidate", "median", "the best", "diverged", "further away"
    }  # fmt: skip
    marks = [one for one in figure.axes[1].collections if hasattr(one, "get_offsets")]
    shapes = {one.get_label(): one.get_paths()[0].vertices.round(3).tobytes() for one in marks}
    assert len(set(shapes.values())) == len(shapes)


@pytest.mark.parametrize("count", [1, 2])
def test_few_candidates_and_one_setting(count):
    figure = search(found(count, diverged=0, groups=({"hidden": "8"},), learning_rate="1e-4:1e-1"))
    assert "learning_rate" in texts(figure)[0]
    assert_readable(figure)
