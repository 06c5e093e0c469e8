"""The candidates are a matter of the seed alone, and no machine's."""

import numpy as np
import pytest

from bpnet.ensembles.ranges import range_of
from bpnet.ensembles.space import Space

RATE, L2 = range_of("learning_rate", "1e-4:1e-1"), range_of("l2", "1e-6:1e-1")
GROUPS = [{"hidden": "8"}, {"hidden": "16"}, {"hidden": "8,8"}]


def settings(space, models, seed=0):
    return [candidate.settings for candidate in space.candidates(models, seed)]


def test_the_draw_is_known():
    found = settings(Space([{}], {"learning_rate": RATE, "l2": L2}), 3)
    assert found == [
        {"learning_rate": 0.0002281, "l2": 0.0006409},
        {"learning_rate": 0.0001307, "l2": 0.02359},
        {"learning_rate": 0.01182, "l2": 0.0009479},
    ], "written down once: another machine or version that draws otherwise is told"


def test_more_candidates_begin_with_the_same_ones():
    space = Space(GROUPS, {"learning_rate": RATE})
    assert settings(space, 40)[:7] == settings(space, 7)
    assert settings(space, 7) != settings(space, 7, seed=1)


def test_a_further_setting_changes_no_other():
    alone = settings(Space([{}], {"learning_rate": RATE}), 9)
    both = settings(Space([{}], {"learning_rate": RATE, "l2": L2}), 9)
    assert [one["learning_rate"] for one in both] == [one["learning_rate"] for one in alone]
    assert len({one["l2"] for one in both}) == 9


def test_the_groups_take_turns():
    found = Space(GROUPS, {"learning_rate": RATE}).candidates(7, 0)
    assert [one.group for one in found] == [0, 1, 2, 0, 1, 2, 0]
    assert [one.settings["hidden"] for one in found[:3]] == ["8", "16", "8,8"]


def test_ranges_are_filled_evenly():
    rates = np.log10([one["learning_rate"] for one in settings(Space([{}], {"learning_rate": RATE}), 3000)])
    counts = np.histogram(rates, bins=3, range=(-4, -1))[0]
    assert abs(counts - 1000).max() < 4 * np.sqrt(3000 * 2 / 9), "four deviations of a third of 3,000"


@pytest.mark.parametrize("models", [5, 11, 12, 500])
def test_of_choices_none_is_drawn_twice(models):
    space = Space(GROUPS, {"learning_rate": range_of("learning_rate", "0.1,0.01"), "seed": range_of("seed", "0,1")})
    found = space.candidates(models, 0)
    assert space.size == 12
    assert len(found) == min(models, 12)
    assert len({tuple(one.settings.items()) for one in found}) == len(found)
    assert [one.number for one in found] == list(range(len(found)))
    assert all(one.settings["hidden"] == GROUPS[one.group]["hidden"] for one in found)
    if models == 5:
        assert [one.settings for one in space.candidates(11, 0)][:5] == [one.settings for one in found]


def test_what_is_searched_is_what_differs():
    ranges = {"learning_rate": RATE, "dropout": range_of("dropout", 0.2), "seed": range_of("seed", 0)}
    assert Space([{"hidden": "8", "batch_size": 32}], ranges).searched == ["learning_rate"]
    assert Space([{"hidden": "8"}, {"hidden": "9"}], {"seed": range_of("seed", "0,1")}).searched == ["hidden", "seed"]
