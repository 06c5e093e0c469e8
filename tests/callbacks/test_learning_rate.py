"""Learning rates between epochs: their sequence, and that training follows them."""

from math import nan

import numpy as np
import pytest
import torch

from bpnet import SGD, ExponentialDecay, LambdaCallback, LearningRateScheduler, ReduceLROnPlateau
from bpnet.training.callbacks import told
from callbacks.scenes import FIGURES, Rated, X, Y, model, through_a_file, told_values

SEQUENCES = {
    # settings, the figures, the rate after each epoch, from 1
    "patience": ({"patience": 2}, [3, 3, 3, 3, 3], [1, 1, 0.5, 0.5, 0.25]),
    "patience 0 is 1": ({"patience": 0}, [3, 3, 2, 2], [1, 0.5, 0.5, 0.25]),
    "the count begins anew": ({"patience": 2}, [3, 3, 2, 2, 2], [1, 1, 1, 1, 0.5]),
    "too small a gain": ({"patience": 1, "min_delta": 0.5}, [3, 2.5, 2.25], [1, 0.5, 0.5]),
    "larger is better": ({"patience": 1, "monitor": "accuracy"}, [0.5, 0.75, 0.5], [1, 1, 0.5]),
    "a cooldown of 1 is none": ({"patience": 1, "cooldown": 1}, [3, 3, 3, 3], [1, 0.5, 0.25, 0.125]),
    "a cooldown of 3": ({"patience": 1, "cooldown": 3}, [3] * 6, [1, 0.5, 0.5, 0.5, 0.25, 0.25]),
    "the least rate": ({"patience": 1, "min_lr": 0.3}, [3] * 5, [1, 0.5, 0.3, 0.3, 0.3]),
    "not a number": ({"patience": 2}, [nan, 3, nan, nan], [1, 1, 1, 0.5]),
}


def plateau(**settings):
    return ReduceLROnPlateau(**{"monitor": "loss", "factor": 0.5, "min_delta": 0.0} | settings)


@pytest.mark.parametrize("case", SEQUENCES)
def test_sequences(case):
    settings, values, rates = SEQUENCES[case]
    callback = plateau(**settings)
    for _ in range(2):  # a callback may be used again
        assert told_values(callback, callback.monitor, values) == rates


@pytest.mark.parametrize("seed", range(20))
def test_pytorchs_is_the_same_where_the_meanings_agree(seed):
    """PyTorch counts the epochs that are forgiven: patience - 1; and a cooldown whose last epoch does not count."""
    rng = np.random.default_rng(seed)
    patience, cooldown, mode = int(rng.integers(1, 4)), int(rng.integers(0, 5)), ("min", "max")[seed % 2]
    min_delta = 0.25 * int(rng.integers(0, 3))
    values = (rng.integers(0, 40, 60) / 8 * np.linspace(1, 0.25, 60).round(1)).tolist()
    settings = {"mode": mode, "factor": 0.5, "min_lr": 0.01}
    ours = plateau(patience=patience, cooldown=cooldown, min_delta=min_delta, **settings)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, patience=patience - 1, cooldown=max(cooldown - 1, 0), threshold=min_delta, threshold_mode="abs",
        eps=0.0, **settings,
    )  # fmt: skip
    expected = []
    for value in values:
        theirs.step(value)
        expected.append(optimizer.param_groups[0]["lr"])
    assert told_values(ours, "loss", values) == expected
    assert expected[-1] < 1.0, "nothing was compared"


@pytest.mark.parametrize("case", SEQUENCES)
def test_a_resumed_run_goes_on_with_the_same_rates(case):
    settings, values, rates = SEQUENCES[case]
    for cut in range(1, len(values)):
        first, second = plateau(**settings), plateau(**settings)
        before = told_values(first, first.monitor, values[:cut])
        resumed, state, after = Rated(before[-1]), through_a_file(first.state()), []
        with told([second], resumed, len(values), 1, FIGURES):
            second.restore(state)
            for epoch in range(cut, len(values)):
                second.on_epoch_end(epoch, {second.monitor: values[epoch]})
                after.append(resumed.learning_rate)
        assert before + after == rates


def test_training_follows_the_scheduler(on):
    """The same as fits of one epoch each with these rates, bit for bit: steps that are replayed see the new rate."""
    rates = [0.1, 0.3, 0.01, 0.2]
    seen, at_once, apart = [], model(on), model(on)

    def schedule(epoch, rate):
        seen.append(rate)
        return rates[epoch]

    at_once.fit(X, Y, 20, 4, 0, [LearningRateScheduler(schedule)])
    for rate in rates:
        apart.learning_rate = rate
        apart.fit(X, Y, 20, 1, 0)
    assert seen == [0.1, *rates[:3]]
    assert all(np.array_equal(a, b) for a, b in zip(at_once.get_weights(), apart.get_weights(), strict=True))


def test_of_an_optimizers_schedule_the_initial_rate_is_lowered(on):
    """η(t) = η₀ · 0.5^(t / 3), three updates an epoch: halved once an epoch by the schedule, and once by a plateau."""
    trained, seen = model(on, SGD(ExponentialDecay(0.08, 0.5, 3))), []
    watch = LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((trained.initial_learning_rate, trained.learning_rate))
    )
    trained.fit(X, Y, 20, 3, 0, [plateau(patience=1, mode="max"), watch])  # the loss falls: from epoch 1 on a plateau
    expected = [(0.08, 0.04), (0.04, 0.01), (0.02, 0.0025)]
    np.testing.assert_allclose(seen, expected, rtol=1e-15)


@pytest.mark.parametrize("callback", [LearningRateScheduler(lambda epoch, rate: rate), plateau()])
def test_lbfgs_has_no_rate(callback):
    with pytest.raises(ValueError, match=f"{type(callback).__name__}: learning_rate: LBFGS has none"):
        model(optimizer="lbfgs").fit(X, Y, verbose=0, callbacks=[callback])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factor": 1.0}, r"factor: 1\.0 was given, expected a finite number > 0 and < 1"),
        ({"factor": 0}, "factor: 0"),
        ({"patience": -1}, "patience: -1"),
        ({"cooldown": -1}, "cooldown: -1"),
        ({"min_lr": -1}, "min_lr: -1"),
        ({"monitor": "val_lss"}, "ReduceLROnPlateau: the monitor"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        told_values(plateau(**settings), "loss", [1.0])


def test_a_schedule_has_to_return_a_rate():
    for rate in (0.0, nan, None):
        with pytest.raises(ValueError, match=r"schedule\(0, …\): the learning rate: "):
            model().fit(X, Y, verbose=0, callbacks=[LearningRateScheduler(lambda epoch, before, rate=rate: rate)])
    with pytest.raises(ValueError, match=r"schedule: 0\.1 was given, expected a function"):
        LearningRateScheduler(0.1)
