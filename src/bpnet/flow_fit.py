"""`fit` on a flow: a background thread makes the batches, and each is copied into the buffers of the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from os import PathLike
from typing import TYPE_CHECKING, Any

from bpnet.callbacks.progress import progress
from bpnet.data import arrays, samples
from bpnet.data.flow import Flow
from bpnet.data.images.flow import ImageFlow
from bpnet.data.samples import Samples
from bpnet.nn.lbfgs import BoundLBFGS
from bpnet.predictor import MEASURED
from bpnet.run import Run
from bpnet.training.callbacks import checked
from bpnet.training.communicator import Communicator
from bpnet.training.history import History

if TYPE_CHECKING:
    from bpnet.models import Model

ITS_OWN = {
    "y": "the flow has the targets: generator.flow(x, y)",
    "batch_size": "the flow has its own: generator.flow(x, y, batch_size=…)",
    "shuffle": "the flow has its own: generator.flow(x, y, shuffle=…)",
    "sample_weight": "the flow has the weights: generator.flow(x, y, sample_weight=…)",
    "data_on": "its batches come from the host in any case",
    "validation_split": "a flow is not split. Mend: validation_data=(generator.standardize(x_test), y_test)",
}
"""Arguments of `fit` that a flow takes the place of."""


def fit_flow(
    model: Model,
    flow: ImageFlow | Flow,
    epochs: int,
    verbose: int | str,
    callbacks: Any,
    validation_data: tuple[Any, ...] | None,
    class_weight: Mapping[int, float] | None,
    steps_per_epoch: int | None,
    micro_batch: int | str | None,
    validation_batch_size: int | None,
    resume: str | PathLike[str] | None,
    others: Communicator | None,
    **instead: Any,
) -> History:
    """Train on the flow's batches. `instead` are the arguments of `fit` in ITS_OWN, None where they were not given."""
    kind = "a flow of images" if isinstance(flow, ImageFlow) else "a flow of rows"
    for name, value in instead.items():
        if value is not None:
            raise ValueError(f"{name}: a value was given with {kind}, but {ITS_OWN[name]}")
    if class_weight is not None and not isinstance(flow, ImageFlow):
        raise ValueError("class_weight: a value was given with a flow of rows, which has weights of its own")
    x, y, weight = _given(flow)
    epochs = arrays.whole_number("epochs", epochs)
    micro_batch = arrays.micro_batch(micro_batch)
    expected = model.expected(x)
    if isinstance(model.bind()[1], BoundLBFGS):
        raise ValueError(
            f"x: {kind} came, but LBFGS needs the same samples in every epoch. "
            "Mend: fit on arrays, or another optimizer"
        )
    data = samples.checked(expected, x, y, weight)
    held_out = None if validation_data is None else samples.validation(expected, validation_data)
    if isinstance(flow, ImageFlow):
        data, rows = samples.weighed(data, class_weight, expected), len(data)
    else:
        rows = flow.rows
    steps = None if steps_per_epoch is None else arrays.whole_number("steps_per_epoch", steps_per_epoch)
    length = rows if steps is None else flow.batch_size * steps
    listeners = [*checked(callbacks), *progress(verbose)]
    measured = arrays.whole_number("validation_batch_size", validation_batch_size, default=MEASURED)

    def batches(epoch: int) -> Iterator[Samples]:
        if isinstance(flow, ImageFlow):
            for images, numbers in flow.epoch(epoch, length, run.share):
                yield replace(data.part(numbers), x=(images,))
        else:
            for batch in flow.epoch(epoch, length):
                whole = samples.checked(expected, *batch)
                yield whole.part(run.share(len(whole)))

    run = Run(model, epochs, length, flow.batch_size, micro_batch, listeners, measured, resume, others)
    model.history = run.on_batches(data, held_out, batches, _same(flow), rows)
    return model.history


def _given(flow: ImageFlow | Flow) -> tuple[Any, Any, Any]:
    """x, y and the weights: of all images, or of some of the samples."""
    if not isinstance(flow, ImageFlow):
        return flow.head()
    if flow.y is None:
        raise ValueError("x: a flow without targets came, expected one with them. Mend: generator.flow(x, y)")
    return flow.x, flow.y, flow.sample_weight


def _same(flow: ImageFlow | Flow) -> Mapping[str, Any]:
    """What a run that is resumed must have in common with the one before, besides the samples."""
    if not isinstance(flow, ImageFlow):
        return {**flow.facts, "samples": flow.rows}
    # images are changed for it only where a checkpoint is written or read, and then once
    return {"flow seed": flow.seed, "flow shuffle": flow.shuffle, "checksum of changed images": cache(flow.sample)}
