"""What a user holds: a network with an optimizer and a loss, with the names and meanings of Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from os import PathLike
from typing import Any, TypeAlias, TypeVar

from bpnet.backend import Backend
from bpnet.callbacks.progress import describe, progress
from bpnet.data import arrays, lbfgs, samples
from bpnet.data.flow import Flow
from bpnet.data.images.flow import ImageFlow
from bpnet.data.samples import Expected, Samples
from bpnet.expected import expected_targets
from bpnet.flow_fit import fit_flow
from bpnet.formats.savable import Savable
from bpnet.measured import Measured
from bpnet.nn.lbfgs import LBFGS, BoundLBFGS
from bpnet.nn.losses import Loss
from bpnet.nn.metrics import Metric
from bpnet.nn.model_graph import Nodes, model_graph
from bpnet.nn.optimizers import BoundOptimizer, Optimizer
from bpnet.nn.optimizers import optimizer as optimizer_named
from bpnet.predictor import MEASURED, Predictor
from bpnet.run import Run, together
from bpnet.steered import Steered
from bpnet.training.batch import BatchTraining
from bpnet.training.callbacks import Callback, checked
from bpnet.training.communicator import Communicator
from bpnet.training.evaluate import as_keras_has_it
from bpnet.training.fit import Training
from bpnet.training.history import History
from bpnet.training.kept import KeptRuns
from bpnet.training.lbfgs import Minimization
from bpnet.training.micro_batch import fitting
from bpnet.training.objective import Objective, check_head
from bpnet.training.out_of_memory import explained
from bpnet.training.parallel import ParallelTraining
from bpnet.training.ranks import any_of, fewest
from bpnet.training.step import Batch, DeviceData
from bpnet.training.terms import Term, terms

T = TypeVar("T")
ForEach: TypeAlias = T | Sequence[T] | Mapping[str, T]
"""One for all outputs, a list in their order, or a dictionary by name."""


class Model(Steered, Measured, Savable, Predictor):
    """A network from inputs to outputs, nodes made by `Input(shape)` and by calling layers on nodes, or lists of them.

    It takes its backend and `precision` (see `bpnet.backend.load`), float type and seed when it is made. The seed
    decides the first weights and every order of the samples; the same seed gives the same run on every backend. A layer
    that stands in two models has weights of its own in each.

    >>> from bpnet import Add, Dense, Input
    >>> x = Input((8,))
    >>> h = Dense(8, "relu")(x)
    >>> Model(x, Dense(1)(Add()([x, h]))).network.layout.size  # 8·8 + 8 + 8 + 1
    81
    """

    def __init__(
        self,
        inputs: Nodes | None = None,
        outputs: Nodes | None = None,
        *,
        backend: str | Backend | None = None,
        dtype: str | None = None,
        seed: int = 0,
        precision: str | None = None,
    ) -> None:
        super().__init__(backend=backend, dtype=dtype, seed=seed, precision=precision)
        self.stop_training = False
        self.history: History | None = None
        self._compiled: tuple[Optimizer, tuple[Term, ...]] | None = None
        self._bound: tuple[Objective, BoundOptimizer] | None = None
        self._batch_training: BatchTraining | None = None
        self._kept = KeptRuns()
        self.epochs_seen = 0
        if inputs is not None or outputs is not None:
            self.build(model_graph(inputs, outputs))

    def compile(
        self,
        optimizer: str | Optimizer = "sgd",
        loss: ForEach[str | Loss] | None = None,
        metrics: ForEach[str | Metric | Sequence[str | Metric]] | None = None,
        loss_weights: ForEach[float] | None = None,
    ) -> None:
        """Choose how to learn; names are those of OPTIMIZERS, LOSSES and METRICS. Moments and step count begin anew.

        Of several outputs the weighted sum of their losses is minimized. `loss`, `loss_weights` (1 by default) and
        `metrics` (a list) then count for all outputs, or are lists with a place for each, or dictionaries by the
        outputs' names. The history has `loss`, and the unweighted NAME_loss and the NAME_accuracy of each output.
        What is changed on an optimizer, loss or metric object afterwards does not count; `learning_rate` may be set.
        """
        how = optimizer_named(optimizer)
        if isinstance(how, LBFGS):
            lbfgs.require_scipy()
        self._compiled = how, terms(self.output_names, loss, loss_weights, metrics)
        self._bound = self._batch_training = None
        self._kept = KeptRuns()
        if self.can_build:
            self.bind()

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[Any, ...] | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        steps_per_epoch: int | None = None,
        micro_batch: int | str | None = None,
        validation_batch_size: int | None = None,
        data_on: str | None = None,
        resume: str | PathLike[str] | None = None,
        distributed: str | Communicator | None = None,
    ) -> History:
        """Train on x and y, by default in batches of 32; return the history, which is also `self.history`.

        An epoch is one pass over the samples, in a new random order if `shuffle`, in batches of which the last may be
        smaller; or `steps_per_epoch` batches, the data starting over as often as needed. `validation_split` takes the
        last share of x and y, before shuffling, to measure on; `validation_data` is (x, y) or (x, y, sample_weight);
        `validation_batch_size` samples, 1024 by default, are measured at once.
        For several inputs x is a list of arrays or a dictionary by the inputs' names, for several outputs so is y.
        A sample's weight is its `sample_weight` times its class's `class_weight`, which is for training only; the loss
        stays a mean over samples. A "sum" loss is reported for one pass over the data, as `evaluate` sums it.
        Ctrl-C ends training after the step at hand. A loss that is no longer finite raises TrainingDivergedError.
        `micro_batch` learns from each batch in parts of at most so many samples, which need less memory: the same
        gradient but for rounding. "auto" halves the parts until the memory is enough.
        `data_on` says where x and y lie: on the "device" as a whole, or on the "host", memory-mapped for instance, from
        where each batch is brought while the step before it runs; the run is the same. By default they are on the
        device unless they do not fit. OutOfMemoryError says which batch size would fit.
        With `LBFGS` the batch is the whole data set, and an epoch one iteration.
        `resume`: the checkpoint, or folder of `ModelCheckpoint`, of the same run, whose missing epochs are trained.
        `distributed="auto"`: together with the other processes that torchrun or mpiexec has launched. Each is given all
        data, and learns from its share of every batch; the run is that of one process. A Communicator does as well.
        x may be what `ImageDataGenerator.flow` returns, or a `bpnet.data.flow.Flow`, with targets, batch size, order
        and weights of its own.

        >>> import numpy as np
        >>> from bpnet import SGD, Dense, Sequential
        >>> x = np.linspace(-1, 1, 64)[:, np.newaxis]
        >>> model = Sequential([Dense(1, input_dim=1)])
        >>> model.compile(SGD(0.1), "mse")
        >>> model.fit(x, 3 * x + 1, epochs=200, verbose=0).history["loss"][-1] < 1e-6
        True
        """
        shuffle = arrays.flag("shuffle", shuffle)
        if isinstance(x, ImageFlow | Flow):
            own = {"y": y, "batch_size": batch_size, "sample_weight": sample_weight, "shuffle": None if shuffle else 0}
            own |= {"validation_split": validation_split or None, "data_on": data_on}
            given = epochs, verbose, callbacks, validation_data, class_weight, steps_per_epoch, micro_batch
            return fit_flow(self, x, *given, validation_batch_size, resume, together(distributed), **own)
        size = arrays.whole_number("batch_size", batch_size, default=32)
        epochs = arrays.whole_number("epochs", epochs)
        micro_batch = arrays.micro_batch(micro_batch)
        like = self.expected(x)
        data = samples.checked(like, x, y, sample_weight)
        held_out = None if validation_data is None else samples.validation(like, validation_data)
        if validation_split and held_out is None:
            data, held_out = samples.held_out(data, validation_split)
        data = samples.weighed(data, class_weight, like)
        steps = None if steps_per_epoch is None else arrays.whole_number("steps_per_epoch", steps_per_epoch)
        measured = arrays.whole_number("validation_batch_size", validation_batch_size, default=MEASURED)
        arrays.one_of("data_on", data_on, ("device", "host", None))
        if isinstance(how := self._settings[0], LBFGS):
            size = how.full_batch(batch_size, steps_per_epoch, len(data))
        length = len(data) if steps is None else size * steps
        listeners, others = [*checked(callbacks), *progress(verbose)], together(distributed)
        run = Run(self, epochs, length, size, micro_batch, listeners, measured, resume, others)
        self.history = run.on_arrays(data, held_out, shuffle, data_on)
        return self.history

    def train_on_batch(self, x: Any, y: Any, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """One update from one batch; return its loss and metrics before the update, in the form of `evaluate`."""
        data = samples.checked(self.expected(x), x, y, sample_weight)
        with explained("train_on_batch", self.backend):
            batch, bound = self.put(data), self.bind()
            if self._batch_training is None:
                self._batch_training = BatchTraining(*bound)
            return as_keras_has_it(self._batch_training(batch), return_dict)

    def evaluate(
        self,
        x: Any,
        y: Any,
        batch_size: int | None = None,
        verbose: int | str = 0,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss, penalty included, and the metrics on x and y. A "sum" loss is summed over all samples.

        A dictionary if `return_dict`; else the loss alone or, where there is more, its values as a list.
        `verbose` other than 0 prints them too.
        """
        size = arrays.whole_number("batch_size", batch_size, default=MEASURED)
        data = samples.checked(self.expected(x), x, y, sample_weight)
        with explained("evaluate", self.backend), self.measurement(data, size) as measure:
            logs = measure()
        if verbose:
            print(describe(logs))
        return as_keras_has_it(logs, return_dict)

    # ---- within

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer that `compile` chose."""
        return self._settings[0]

    @property
    def terms(self) -> tuple[Term, ...]:
        """The loss, its weight and the metrics of each output, as `compile` chose them."""
        return self._settings[1]

    @property
    def _settings(self) -> tuple[Optimizer, tuple[Term, ...]]:
        if self._compiled is None:
            raise RuntimeError("the model is not compiled. Mend: call model.compile(optimizer='adam', loss=…) first")
        return self._compiled

    def bind(self) -> tuple[Objective, BoundOptimizer]:
        """The objective and the optimizer at work on this network; made once a compile."""
        if self._bound is None:
            (optimizer, terms), network = self._settings, self.network
            for term, layer in zip(terms, network.graph.heads, strict=True):
                check_head(term.loss, layer.activation, "loss" if len(terms) == 1 else f"loss of {term.output!r}")
            self._expected = Expected(self._expected_inputs, expected_targets(network.graph, terms), self.dtype)
            self._bound = Objective(network, terms), optimizer.bind(network)
        return self._bound

    def training(
        self,
        put: Batch,
        length: int,
        batch_size: int,
        micro_batch: int | str | None,
        rows: int | None = None,
        others: Communicator | None = None,
    ) -> AbstractContextManager[Training | Minimization]:
        """A run that learns from data on the device, `length` samples an epoch; with `rows`, `DeviceData.brought`.

        `others` are the processes that it is shared with.
        """
        objective, optimizer = self.bind()

        def make() -> Training | Minimization:
            given = self.backend, put, length
            on_device = DeviceData.put(*given) if rows is None else DeviceData.brought(*given, rows)
            parts = fitting(objective, on_device, batch_size) if isinstance(micro_batch, str) else micro_batch
            parts = fewest(others, parts)
            if isinstance(optimizer, BoundLBFGS):
                return Minimization(self, objective, optimizer, on_device, lbfgs.minimize, parts)
            if others is not None:
                return ParallelTraining(self, objective, optimizer, on_device, batch_size, parts, others)
            return Training(self, objective, optimizer, on_device, batch_size, parts)

        kind = "training", length, batch_size, micro_batch, rows, id(others)
        if others is None:
            return self._kept.run(kind, put, make)
        return self._kept.run(kind, put, make, lambda flag: any_of(others, self.backend, [flag])[0])

    def forget_runs(self) -> None:
        """Let go of the device's memory that earlier calls left for later ones."""
        self._kept = KeptRuns()

    def expected(self, x: Any) -> Expected:
        """What the data must look like, for this network and loss."""
        if self._bound is None:
            self._settings  # noqa: B018 - not compiled is the first thing to say
            self._network_for(x)
            self.bind()
        return self._expected

    def put(self, data: Samples, dtype: str | None = None) -> Batch:
        """Host to device: inputs, targets and weights in this model's float type or `dtype`, labels as int64."""
        asarray, dtype = self.backend.asarray, dtype or self.dtype
        x = [asarray(array, dtype) for array in data.x]
        y = [asarray(array, term.target_type(dtype)) for array, term in zip(data.y, self.terms, strict=True)]
        return tuple(x), tuple(y), None if data.weight is None else asarray(data.weight, dtype)
