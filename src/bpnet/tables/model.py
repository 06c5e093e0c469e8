"""A network that takes in rows of a table and says values or classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from bpnet.backend import Backend
from bpnet.formats.container import Content, write
from bpnet.formats.model import readable
from bpnet.models import Model
from bpnet.nn.optimizers import Optimizer
from bpnet.tables.earlier import Earlier, InCheckpoints
from bpnet.tables.frames import as_frame, column_of, named
from bpnet.tables.measures import of_classes, of_numbers
from bpnet.tables.preprocessing import Preprocessing
from bpnet.tables.settings import Settings
from bpnet.tables.split import split_rows
from bpnet.tables.stream_training import Looked, is_too_large, look, parts, trained
from bpnet.tables.training import fitted, part_of, with_better_target
from bpnet.training.callbacks import Callback
from bpnet.training.communicator import Communicator
from bpnet.training.history import History

RUN = "table run"
"""The name of the arguments among the facts of a checkpoint."""


class TableModel:
    """`model` is the network, `preprocessing` what rows become before it; made by `train` or by loading a file."""

    def __init__(self, model: Model, preprocessing: Preprocessing) -> None:
        self.model = model
        self.preprocessing = preprocessing

    def __repr__(self) -> str:
        target, columns = self.preprocessing.target, len(self.preprocessing.columns)
        given = f"{columns} column{'s' * (columns != 1)} → {target.name!r}"
        return f"TableModel({given}, {target.task}; {self.model!r})"

    @classmethod
    def train(
        cls,
        data: Any,
        target: str | int,
        *,
        task: str | None = None,
        hidden: int | Sequence[int] = (128, 64),
        activation: str | None = None,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = None,
        dropout: float = 0.0,
        batch_norm: bool = False,
        epochs: int | None = None,
        batch_size: int | None = None,
        validation: Any = 0.2,
        early_stopping: bool | int = True,
        class_weight: str | Mapping[Any, float] | None = None,
        seed: int = 0,
        backend: str | Backend | None = None,
        dtype: str | None = None,
        callbacks: Sequence[Callback] = (),
        verbose: int | str = "auto",
        stream: bool | None = None,
        resume: str | PathLike[str] | None = None,
        distributed: str | Communicator | None = None,
    ) -> TableModel:
        """Learn to predict the column `target` from the others.

        data            a frame (pandas, polars, pyarrow, …), a dictionary of columns, or the path of a file
        target          the name of a column, or its number from the end: -1 is the last
        task            regression, binary, multi-class or classification; by default what the target looks like
        hidden          units of the hidden layers
        activation      of them; by default tanh for a table of fewer than 5,000 rows, relu for others
        learning_rate   by default the optimizer's own
        epochs          at most; by default 100, or more where an epoch has few batches
        batch_size      by default 16 to 1024, about a 200th of the rows
        validation      the share of the rows that is held out, of each class; or another frame; 0 for none
        early_stopping  ends after so many epochs without a lower validation loss, if True 10 or a tenth of all; the
                        weights of the epoch where it was lowest are kept. False: all epochs, and the last weights
        class_weight    "balanced": all classes weigh the same; or a weight by class
        stream          read a .parquet or .npy file in parts, again in each epoch; by default if it is too large
                        for the memory. At most some 100,000 rows are then held out, of all classes together
        resume          the checkpoint, or folder of `ModelCheckpoint`, of the same training, which then goes on
        distributed     "auto": together with the other processes that torchrun or mpiexec has launched, as `Model.fit`
        verbose         0 prints nothing; else notes on the data, and 1 or "auto" a bar, 2 a line an epoch
        """
        layers = hidden, activation, optimizer, learning_rate, dropout, batch_norm
        settings = Settings.checked(*layers, epochs, batch_size, early_stopping, class_weight)
        where = {"backend": backend, "dtype": dtype, "seed": seed}
        earlier = Earlier.of(resume)
        share = float(validation) if isinstance(validation, int | float) else 0.0
        if stream is None:
            stream = bool(earlier.facts.get(RUN, {}).get("stream", is_too_large(data)))
        run = {"seed": seed, "stream": stream, "validation": share, **settings.facts()}
        earlier.require(RUN, run)
        callbacks = [*callbacks, InCheckpoints({RUN: run})]
        if stream:
            looked = data if isinstance(data, Looked) else look(data, target, task, share, seed, bool(verbose))
            other = None if isinstance(validation, int | float) else validation
            return cls(*trained(looked, other, settings, where, callbacks, verbose, earlier, distributed))
        frame = as_frame(data)
        name = named(frame, target)
        column = column_of(frame, name)
        rows, out = np.arange(len(frame)), None
        if share:
            rows, out = split_rows(len(frame), share, seed, labels_to_split_by(column, name, task))
        preprocessing = Preprocessing.fit(frame, name, task=task, rows=rows)
        every = part_of(preprocessing, frame, column)
        held_out = None if out is None else every.take(out)
        if not isinstance(validation, int | float) and validation is not None:
            other = as_frame(validation, preprocessing.texts)
            held_out = part_of(preprocessing, other, column_of(other, named(other, name)))
        train = every.take(rows)
        preprocessing = with_better_target(preprocessing, train, held_out, settings, where, earlier.preprocessing)
        earlier.require_preprocessing(preprocessing)
        if verbose:
            for note in preprocessing.notes:
                print(f"note: {note}", flush=True)
        model = fitted(preprocessing, train, held_out, settings, where, callbacks, verbose, earlier.path, distributed)
        return cls(model, preprocessing)

    @classmethod
    def of(cls, model: Model, facts: Mapping[str, Any]) -> TableModel:
        """The trained network and the facts of `Preprocessing` that belong to it; CheckpointError if they are none."""
        with readable("table"):
            preprocessing = Preprocessing.of(facts)
            shapes = [node.shape for node in model.network.graph.inputs]
            if shapes != preprocessing.input_shapes or model.output_shape != preprocessing.target.outputs:
                raise ValueError("the columns and the target do not fit the network")
        return cls(model, preprocessing)

    @property
    def task(self) -> str:
        """regression, binary or multi-class."""
        return self.preprocessing.target.task

    @property
    def history(self) -> History | None:
        """Of the training."""
        return self.model.history

    def predict(self, data: Any) -> np.ndarray:
        """For each row the class, or the value in the target's own unit, (N,)."""
        target, frames = self.preprocessing.target, parts(data, self.preprocessing.texts)
        return np.concatenate([target.decode(self._outputs(part)) for part in frames])

    def predict_proba(self, data: Any) -> np.ndarray:
        """(N, classes), in the order of `preprocessing.target.classes`."""
        target, frames = self.preprocessing.target, parts(data, self.preprocessing.texts)
        return np.concatenate([target.probabilities(self._outputs(part)) for part in frames])

    def evaluate(self, data: Any) -> dict[str, Any]:
        """How good the predictions are for rows whose target is known.

        Regression: r2, rmse, mae. Classes: accuracy, balanced_accuracy, log_loss, f1_macro, of two roc_auc, and the
        confusion_matrix, a list with a row for each class.
        """
        target = self.preprocessing.target
        truth, said = [], []
        for part in parts(data, self.preprocessing.texts):
            column = column_of(part, named(part, target.name))
            truth.append(target.numbers(column) if self.task == "regression" else target.labels(column))
            said.append(self.predict(part) if self.task == "regression" else self.predict_proba(part))
        measure = of_numbers if self.task == "regression" else of_classes
        return measure(np.concatenate(truth), np.concatenate(said))

    def save(self, path: str | Path) -> None:
        """Write network and preprocessing to one file, for `bpnet.load_model`."""
        content = self.model.content()
        write(path, Content("table", content.arrays, content.facts | {"table": self.preprocessing.facts()}))

    def export(self, path: str | Path, *, dtype: str | None = None) -> None:
        """Write preprocessing and network as one ONNX file; see `bpnet.tables.exporting`. Needs the extra `onnx`."""
        from bpnet.tables.exporting import export_table

        export_table(self.model.network, self.preprocessing, path, dtype=dtype)

    def _outputs(self, frame: Any) -> np.ndarray:
        outputs: np.ndarray = self.model.predict(self.preprocessing.transform(frame))
        return outputs


def labels_to_split_by(column: Any, name: str, task: str | None) -> np.ndarray | None:
    """The classes' numbers of a target's column, or None for a regression."""
    from bpnet.tables.target import infer

    target = infer(name, column, task)
    return None if target.task == "regression" else target.labels(column)
