"""What `compile` chose, as JSON and back.

{"optimizer": {…}, "terms": [{"output": "dense", "loss": {…}, "weight": 1.0, "metrics": [{…}]}, …]}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpnet.formats.architecture import settings_difference
from bpnet.formats.description import Custom, built, described
from bpnet.nn.optimizers import Optimizer
from bpnet.training.terms import Term


def described_compile(optimizer: Optimizer, terms: Sequence[Term], custom: Custom | None = None) -> dict[str, Any]:
    """The optimizer, and of each output the loss, its weight and the metrics."""
    found = []
    for term in terms:
        loss = described(term.loss, f"loss of {term.output!r}", custom)
        metrics = [described(metric, f"metric {metric.name!r}", custom) for metric in term.metrics]
        found.append({"output": term.output, "loss": loss, "weight": term.weight, "metrics": metrics})
    return {"optimizer": described(optimizer, "optimizer", custom), "terms": found}


def built_compile(description: Any, custom: Custom | None = None) -> dict[str, Any]:
    """The arguments of `compile`."""
    terms = description["terms"]
    return {
        "optimizer": built(description["optimizer"], custom),
        "loss": [built(term["loss"], custom) for term in terms],
        "loss_weights": [term["weight"] for term in terms],
        "metrics": [[built(metric, custom) for metric in term["metrics"]] for term in terms],
    }


def compile_difference(saved: Any, own: Any) -> str | None:
    """Where the file was trained in another way than the model is to be, in words."""
    a, b = saved["optimizer"], own["optimizer"]
    if a["class"] != b["class"]:
        return f"the optimizer is {a['class']} in the file and {b['class']} in the model"
    told = settings_difference("the optimizer", a["settings"], b["settings"])
    if told or len(saved["terms"]) != len(own["terms"]):
        return told or "the numbers of outputs differ"
    for theirs, ours in zip(saved["terms"], own["terms"], strict=True):
        told = settings_difference(f"the output {ours['output']!r}", theirs, ours | {"output": theirs["output"]})
        if told:
            return told
    return None
