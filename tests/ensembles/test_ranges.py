"""What LOW:HIGH, choices and fixed values stand for, and what is refused."""

from math import log10

import numpy as np
import pytest

from bpnet.ensembles.ranges import Choice, LogUniform, Uniform, range_of


def test_rates_and_penalties_are_drawn_by_their_logarithms():
    for setting in ("learning_rate", "l2", "weight_decay"):
        one = range_of(setting, "1e-4:1e-1")
        assert one == LogUniform(1e-4, 1e-1)
        assert log10(one.at(0.5)) == pytest.approx(-2.5, abs=1e-3), "halfway between the exponents, to four digits"


def test_dropout_is_drawn_evenly():
    one = range_of("dropout", "0.1:0.5")
    assert one == Uniform(0.1, 0.5)
    assert one.at(0.5) == pytest.approx(0.3, abs=1e-12)


def test_both_ends_are_kept_and_values_have_four_digits():
    one = range_of("learning_rate", "0.00123456:0.00123457")
    assert all(0.00123456 <= one.at(u) <= 0.00123457 for u in (0.0, 0.5, 1 - 2**-53)), "rounding leaves no range"
    assert range_of("learning_rate", "1e-4:1e-1").at(0.123456) == 0.0002346


@pytest.mark.parametrize("given", ["0, 1e-4,0.1", [0, 1e-4, 0.1], np.array([0, 1e-4, 0.1])])
def test_choices(given):
    one = range_of("l2", given)
    assert one == Choice((0.0, 1e-4, 0.1))
    assert [one.at(u) for u in (0.0, 0.34, 0.99)] == [0.0, 1e-4, 0.1]


def test_a_fixed_value_and_seeds():
    assert range_of("learning_rate", "0.01") == range_of("learning_rate", 0.01) == Choice((0.01,))
    assert range_of("seed", "3:5") == Choice((3, 4, 5))
    assert range_of("seed", 7) == Choice((7,))


@pytest.mark.parametrize(
    ("setting", "given", "message"),
    [
        ("learning_rate", "1e-1:1e-4", "LOW below HIGH. Mend: 1e-4:1e-1"),
        ("learning_rate", "0.1:0.1", "LOW below HIGH. Mend: 0.1 for a fixed value"),
        ("learning_rate", "-1e-4:1e-1", "'-1e-4' was given, expected a number above 0"),
        ("learning_rate", "0:1e-1", "'0' was given, expected a number above 0"),
        ("l2", "0:0.1", "LOW above 0, because its logarithm is drawn. Mend: 0.0001:0.1, or choices: 0,0.01,0.1"),
        ("l2", "-1", "expected a number from 0"),
        ("learning_rate", "small", "'small' was given"),
        ("learning_rate", "", "'' was given"),
        ("learning_rate", "1e-4:1e-2:1e-1", "expected LOW:HIGH"),
        ("learning_rate", "1e-4:1e-2,1e-1", "expected LOW:HIGH"),
        ("learning_rate", "1e-4:", "'' was given"),
        ("learning_rate", "nan", "'nan' was given"),
        ("learning_rate", "1e-4:inf", "'inf' was given"),
        ("learning_rate", "0.1,0.2,0.1", "0.1 stands there twice"),
        ("learning_rate", [], "nothing was given"),
        ("learning_rate", True, "True was given"),
        ("dropout", "0:1", "'1' was given, expected a number from 0 and below 1"),
        ("seed", "0.5", "expected a whole number from 0"),
        ("seed", "0:1000000000", "at most 1,000,000 numbers"),
    ],
)
def test_what_is_refused_names_the_option(setting, given, message):
    with pytest.raises(ValueError, match=r"^--it: ") as raised:
        range_of(setting, given, "--it")
    assert message in str(raised.value)
