"""A run as TensorBoard shows it: curves, histograms and the graph, in files of events."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bpnet.callbacks.learning_rate import has_rate
from bpnet.callbacks.paths import require_folder
from bpnet.data.arrays import flag, whole_number
from bpnet.nn.graph import Graph
from bpnet.nn.network import Network
from bpnet.training.callbacks import Callback

BINS = 30
"""Of a histogram, as many as in Keras."""


class TensorBoard(Callback):
    """Writes to `log_dir`: `tensorboard --logdir log_dir` shows it. The extra `tensorboard` is needed.

    Each epoch, as Keras names them: `epoch_loss`, `epoch_accuracy` and the other figures in the run `train`, those of
    held-out data by the same names in the run `validation`, `epoch_learning_rate`, that of the next update, in `train`.
    Every `histogram_freq` epochs, 0 for never: of each parameter `LAYER/PARAMETER/histogram` after the epoch, and
    `LAYER/PARAMETER/gradient`, that of the epoch's last batch before clipping. They are then read from the device.
    `write_graph`: layers, their kinds and shapes. A resumed run hides the steps that it does again.
    ValueError, before training: a folder that cannot be written. ImportError: no tensorboardX.
    """

    steers = False

    def __init__(self, log_dir: str | os.PathLike[str], histogram_freq: int = 0, write_graph: bool = True) -> None:
        self.log_dir = Path(log_dir)
        self.histogram_freq = whole_number("histogram_freq", histogram_freq, least=0)
        self.write_graph = flag("write_graph", write_graph)
        _tensorboardx()
        self._runs: dict[str, _Run] = {}

    def on_train_begin(self, epochs: int, samples: int) -> None:
        """See whether the folders can be written; the files are begun by the first epoch."""
        for run in self._names():
            require_folder("log_dir", self.log_dir / run)
        self._has_rate = has_rate(self.model)

    def on_epoch_begin(self, epoch: int) -> None:
        """Begin the files, in the first epoch."""
        if self._runs:
            return
        self._runs = {run: _Run(self.log_dir / run, epoch) for run in self._names()}
        if self.write_graph:
            self._runs["train"].graph(self.model.network.graph)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Write the figures, and the histograms where it is their turn; they are in the files when this returns."""
        for name, value in logs.items():
            run = "validation" if name.startswith("val_") else "train"
            self._runs[run].scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)
        if self._has_rate:
            self._runs["train"].scalar("epoch_learning_rate", self.model.learning_rate, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for name, values in _parameters(self.model.network):
                self._runs["train"].histogram(name, values, epoch)
        for file in self._runs.values():
            file.flush()

    def on_train_end(self) -> None:
        """Close the files."""
        for run in self._runs.values():
            run.close()
        self._runs = {}

    def _names(self) -> list[str]:
        return ["train", *(["validation"] if any(name.startswith("val_") for name in self.figures) else [])]


def _parameters(network: Network) -> Iterator[tuple[str, np.ndarray]]:
    """Each parameter and its gradient, on the host, with the name of its histogram."""
    theta, grad = (np.asarray(network.backend.to_numpy(vector)) for vector in (network.theta, network.grad))
    for place in network.layout.places:
        name = f"{network.graph.layers[place.layer].name}/{place.parameter.name}"
        yield f"{name}/histogram", theta[place.start : place.stop]
        yield f"{name}/gradient", grad[place.start : place.stop]


class _Run:
    """A file of events. Written at once, in the same thread, so that what was flushed is there after a power cut."""

    def __init__(self, folder: Path, first_epoch: int) -> None:
        library = _tensorboardx()
        self._event, self._summary = library["proto.event_pb2"], library["proto.summary_pb2"].Summary
        self._counted = library["summary"].make_histogram
        # Two files that were begun in one second would have one name without the suffix.
        suffix = f".{time.time_ns()}"
        self._writer = library["event_file_writer"].EventsWriter(str(folder / "events"), suffix)
        if first_epoch:
            start = self._event.SessionLog(status=self._event.SessionLog.START)
            self._write(session_log=start, step=first_epoch)  # hides what was written of this step and later ones

    def scalar(self, name: str, value: float, step: int) -> None:
        """A point of a curve."""
        self._write_summary(step, tag=name, simple_value=value)

    def histogram(self, name: str, values: np.ndarray, step: int) -> None:
        """Of the values that are finite; of none nothing."""
        finite = values[np.isfinite(values)]
        if finite.size:
            self._write_summary(step, tag=name, histo=self._counted(finite.astype(np.float64), BINS))

    def graph(self, graph: Graph) -> None:
        """A node for each input and each place of a layer."""
        self._write(graph_def=_graph_def(graph).SerializeToString())

    def flush(self) -> None:
        """Let the events be in the file."""
        self._writer.flush()

    def close(self) -> None:
        """End the file."""
        self._writer.close()

    def _write_summary(self, step: int, **value: Any) -> None:
        self._write(summary=self._summary(value=[self._summary.Value(**value)]), step=step)

    def _write(self, **what: Any) -> None:
        self._writer.write_event(self._event.Event(wall_time=time.time(), **what))


def _graph_def(graph: Graph) -> Any:
    """The graph in TensorFlow's words: names, kinds, what each takes in, and the shape that it gives."""
    library = _tensorboardx()
    names: dict[int, str] = {}
    found = library["proto.graph_pb2"].GraphDef()
    for node in graph.nodes:
        name, uses = graph.name_of(node), graph.uses(node.layer) if node.layer else [node]
        names[id(node)] = name if node is uses[0] else f"{name}_{uses.index(node)}"
        entry = found.node.add(name=names[id(node)], op=type(node.layer).__name__ if node.layer else "Input")
        entry.input.extend(names[id(source)] for source in node.inputs)
        shape = entry.attr["_output_shapes"].list.shape.add()
        for size in (-1, *node.shape):
            shape.dim.add(size=size)
    return found


def _tensorboardx() -> dict[str, Any]:
    """The parts of tensorboardX that are used; ImportError says how to get it."""
    names = ("proto.event_pb2", "proto.graph_pb2", "proto.summary_pb2", "summary", "event_file_writer")
    try:
        import_module("tensorboardX")
        return {name: import_module(f"tensorboardX.{name}") for name in names}
    except ModuleNotFoundError as error:
        raise ImportError('TensorBoard: tensorboardX is not installed. Mend: pip install ".[tensorboard]"') from error
