"""What ends or changes a run is the same on all ranks: callbacks, Ctrl-C, divergence, a run that is resumed."""

import threading

import numpy as np
import pytest

from bpnet import (
    LBFGS,
    SGD,
    Callback,
    CSVLogger,
    Dense,
    EarlyStopping,
    Layer,
    ModelCheckpoint,
    ReduceLROnPlateau,
    Sequential,
)
from bpnet.distributed import agreement
from bpnet.distributed.agreement import DisagreementError
from bpnet.training import fit, parallel
from bpnet.training.communicator import ToldElsewhere
from bpnet.training.history import TrainingDivergedError
from nets import IMAGES, ROWS, cnn, net, of
from runs import alone, on, require_same
from threads import on_ranks

HELD_OUT = {"validation_split": 0.2, "batch_size": 10}


def test_early_stopping_and_the_learning_rate_follow_figures_of_all():
    def callbacks():
        return [EarlyStopping(patience=2, restore_best_weights=True), ReduceLROnPlateau(patience=1)]

    make = of(net, "numpy", SGD(1.0))
    options = {"epochs": 30, "callbacks": callbacks, **HELD_OUT}
    one = alone(make, *ROWS, **options)
    assert len(one.history["loss"]) < 30
    require_same(one, on(3, make, *ROWS, **options))


class Stop(Callback):
    """Ends the run, where the rank is 1, after the second epoch."""

    def __init__(self, rank):
        self.rank = rank

    def on_epoch_end(self, epoch, logs):
        if epoch == 1 and self.rank == 1:
            self.model.stop_training = True


def test_a_callback_of_one_rank_stops_all():
    def work(communicator):
        stop = Stop(communicator.rank)
        return len(net().fit(*ROWS, epochs=5, callbacks=[stop], verbose=0, distributed=communicator).epoch)

    assert on_ranks(3, work) == [2, 2, 2]


class Quiet(Callback):
    steers = False

    def __init__(self, seen, rank):
        self.seen, self.rank = seen, rank

    def on_epoch_end(self, epoch, logs):
        self.seen.append(self.rank)


def test_what_only_writes_is_on_rank_0(tmp_path, capsys):
    seen = []

    def work(communicator):
        callbacks = [Quiet(seen, communicator.rank), CSVLogger(tmp_path / f"{communicator.rank}.csv")]
        net().fit(*ROWS, epochs=2, callbacks=callbacks, verbose=2, distributed=communicator)

    on_ranks(3, work)
    assert seen == [0, 0]
    assert [each.name for each in tmp_path.iterdir()] == ["0.csv"]
    assert capsys.readouterr().out.count("epoch 2/2") == 1


def diverged(communicator=None):
    model = net("torch:cpu", SGD(1e200), "mse")  # NumPy would warn of the overflow
    with pytest.raises(TrainingDivergedError) as found:
        model.fit(ROWS[0], np.eye(4)[ROWS[1]], batch_size=10, epochs=3, verbose=0, distributed=communicator)
    return str(found.value), model.backend.to_numpy(model.network.theta)


def test_all_ranks_tell_the_same_of_a_divergence():
    message, theta = diverged()
    for told, kept in on_ranks(3, diverged):
        assert told == message
        assert np.abs(kept - theta).max() <= 1e-10


def test_the_batch_that_was_not_finite_is_found_on_whatever_rank_it_was():
    """The first bad sample is the last rank's, so that only its own loss tells the batch."""
    x, y = ROWS[0].copy(), ROWS[1]
    x[19] = 1e308
    x[19, 0] = -1e308

    def work(communicator):
        with pytest.raises(TrainingDivergedError) as found:
            net("torch:cpu").fit(x, y, batch_size=10, shuffle=False, verbose=0, distributed=communicator)
        return found.value.batch, str(found.value)

    one = work(None)
    assert on_ranks(4, work) == [one] * 4


class Interrupt(Callback):
    """Ctrl-C within an epoch, on one rank: of threads none but the main one gets the signal."""

    here = threading.local()

    def __init__(self, rank, batch):
        self.rank, self.batch = rank, batch

    def on_batch_end(self, batch, samples):
        if batch == self.batch and self.rank == 1:
            self.here.interrupt.requested = True


@pytest.fixture
def _interruptible(monkeypatch):
    class Known(fit.InterruptAfterStep):
        def __enter__(self):
            Interrupt.here.interrupt = self
            return super().__enter__()

    monkeypatch.setattr(fit, "InterruptAfterStep", Known)


@pytest.mark.parametrize("sizes", [(None, 3), (3, 2), (3, None)], ids=["1 to 3", "3 to 2", "3 to 1"])
def test_a_run_is_resumed_with_another_number_of_ranks(tmp_path, sizes):
    def trained(size, epochs, resume=None):
        def callbacks():
            return [ModelCheckpoint(tmp_path), EarlyStopping(patience=9)]

        options = {"epochs": epochs, "callbacks": callbacks, "resume": resume, **HELD_OUT}
        return on(size, cnn, *IMAGES, **options) if size else [alone(cnn, *IMAGES, **options)]

    first, second = sizes
    trained(first, 2)
    require_same(alone(cnn, *IMAGES, epochs=4, **HELD_OUT), trained(second, 4, tmp_path))


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupted_epoch_is_finished_by_ranks(tmp_path):
    """What the epoch added up to before counts once, not once for each rank."""
    options = {"epochs": 2, **HELD_OUT}
    model = net()
    model.fit(*ROWS, verbose=0, callbacks=[Interrupt(1, 3), ModelCheckpoint(tmp_path)], **options)
    assert model.history.epoch == []
    assert model.history.interrupted
    require_same(alone(net, *ROWS, **options), on(3, net, *ROWS, resume=tmp_path, **options))


@pytest.mark.usefixtures("_interruptible")
def test_ctrl_c_on_one_rank_ends_all_after_the_same_step(monkeypatch, tmp_path):
    monkeypatch.setattr(parallel, "TOGETHER", 2)
    options = {"epochs": 2, **HELD_OUT}

    def work(communicator):
        callbacks = [Interrupt(communicator.rank, 2), ModelCheckpoint(tmp_path)]
        model = net()
        model.fit(*ROWS, verbose=0, callbacks=callbacks, distributed=communicator, **options)
        assert model.history.interrupted
        return int(model.backend.to_numpy(model.bind()[1].t))

    assert on_ranks(3, work) == [4, 4, 4]
    require_same(alone(net, *ROWS, **options), [alone(net, *ROWS, resume=tmp_path, **options)])


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize(("together", "asked"), [(2, 1), (64, 2)], ids=["within an epoch", "at its end"])
def test_ctrl_c_while_the_ranks_agree_ends_all_the_next_time(monkeypatch, together, asked):
    """It comes on rank 1 after that has said that it wants none, as most will where a rank waits for a slow one."""
    monkeypatch.setattr(parallel, "TOGETHER", together)
    agree = parallel.any_of

    def late(communicator, backend, flags):
        found = agree(communicator, backend, flags)
        if communicator.rank == 1 and len(flags) == asked:
            Interrupt.here.interrupt.requested = True
        return found

    monkeypatch.setattr(parallel, "any_of", late)

    def work(communicator):
        model = net()
        model.fit(*ROWS, verbose=0, distributed=communicator, epochs=3, batch_size=10)
        return len(model.history.epoch), model.history.interrupted, int(model.backend.to_numpy(model.bind()[1].t))

    assert on_ranks(3, work) == [(0, True, 4) if together == 2 else (2, True, 16)] * 3


@pytest.fixture
def _at_once(monkeypatch):
    """The silent ranks leave the telling one no time."""
    monkeypatch.setattr(agreement, "GRACE", 0.0)


@pytest.mark.usefixtures("_at_once")
def test_other_data_on_one_rank_is_told_before_the_first_step():
    def work(communicator):
        x = ROWS[0] + (communicator.rank == 2)
        with pytest.raises((DisagreementError, ToldElsewhere)) as found:
            net().fit(x, ROWS[1], verbose=0, distributed=communicator)
        return str(found.value)

    told = on_ranks(3, work)[0]
    assert "data" in told
    assert "rank 2" in told


@pytest.mark.usefixtures("_at_once")
def test_other_weights_on_one_rank_are_told():
    def work(communicator):
        model = net()
        model.network.theta[3] = model.network.theta[3] + (communicator.rank == 1)
        with pytest.raises((DisagreementError, ToldElsewhere)) as found:
            model.fit(*ROWS, verbose=0, distributed=communicator)
        return str(found.value)

    assert "weights" in on_ranks(2, work)[0]


@pytest.mark.parametrize(
    ("make", "data", "options"),
    [(net, ROWS, {"micro_batch": "auto"}), (of(cnn, "numba"), IMAGES, {})],
    ids=["parts", "numba"],
)
def test_ranks_that_have_not_the_same_runs_waiting_begin_alike(make, data, options):
    """What rank 0 measures alone between two fits takes the place of its step, which it then has to capture anew."""

    def work(communicator):
        model = make()
        for _ in range(2):
            model.fit(*data, verbose=0, distributed=communicator, batch_size=10, **options)
            for rows in range(3, 8) if communicator.rank == 0 else ():
                model.evaluate(data[0][:rows], data[1][:rows], verbose=0)
        return model.backend.to_numpy(model.network.theta)

    first, second = on_ranks(2, work)
    assert (first == second).all()


def test_lbfgs_is_refused():
    def work(communicator):
        model = Sequential([Dense(4, "softmax", input_dim=12)], backend="numpy")
        model.compile(LBFGS(), "sparse_categorical_crossentropy")
        with pytest.raises(ValueError, match=r"distributed: LBFGS .* Mend: another optimizer"):
            model.fit(*ROWS, verbose=0, distributed=communicator)

    on_ranks(2, work)


def doubled(made):
    """A layer with a function without a name, which no file can have."""

    class Doubled(Layer):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def output_shape(self, *inputs):
            return inputs[0]

        def forward(self, p, *x, train):
            return self.function(x[0]), None

        def backward(self, p, saved, dy, g, *, need_dx):
            return (dy * 2.0,)

    return Doubled(made)


def test_ranks_train_what_cannot_be_saved():
    def make():
        model = Sequential([Dense(4, input_dim=12), doubled(lambda x: x * 2.0)], backend="numpy", dtype="float64")
        model.compile("sgd", "mse")
        return model

    data = ROWS[0], np.eye(4)[ROWS[1]]
    require_same(alone(make, *data, epochs=1), on(2, make, *data, epochs=1))
