"""A workload's net in PyTorch: images channels first, (N, C, H, W), filters (F, C, K, K), dense weights (O, I)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bpnet_benchmarks.layers import Conv, Dense, Flatten, Layer, Pool, Shape
from bpnet_benchmarks.workload import Workload


def network(torch: Any, workload: Workload, weights: Sequence[np.ndarray]) -> Any:
    """nn.Sequential with these weights, without the softmax."""
    nn = torch.nn
    activations = {"relu": nn.ReLU, "tanh": nn.Tanh}
    modules: list[Any] = []
    for layer, before, _ in workload.chain():
        modules.append(_module(nn, layer, before))
        if layer.activation in activations:
            modules.append(activations[layer.activation]())
    net = nn.Sequential(*modules)
    given = iter(weights)
    with torch.no_grad():
        for module, order in _weighted(net, workload):
            w, b = next(given), next(given)
            axes = (3, 2, 0, 1) if w.ndim == 4 else (1, 0)
            module.weight.copy_(torch.from_numpy((w if order is None else w[order]).transpose(axes).copy()))
            module.bias.copy_(torch.from_numpy(b))
    return net


def weights_of(net: Any, workload: Workload) -> list[np.ndarray]:
    """w, b, w, b, … as a problem has them; copies."""
    arrays = []
    for module, order in _weighted(net, workload):
        w = module.weight.detach().cpu().numpy()
        w = w.transpose((2, 3, 1, 0) if w.ndim == 4 else (1, 0)).copy()
        if order is not None:
            w[order] = w.copy()
        arrays += [w, module.bias.detach().cpu().numpy().copy()]
    return arrays


def channels_first(x: np.ndarray) -> np.ndarray:
    """Images (N, H, W, C) as (N, C, H, W), a view; vectors as they are."""
    return x.transpose(0, 3, 1, 2) if x.ndim == 4 else x


def _module(nn: Any, layer: Layer, before: Shape) -> Any:
    match layer:
        case Dense():
            return nn.Linear(before[0], layer.units)
        case Conv():
            return nn.Conv2d(before[-1], layer.filters, layer.size, padding="same" if layer.same else 0)
        case Pool():
            return nn.MaxPool2d(layer.size)
        case Flatten():
            return nn.Flatten()
    raise NotImplementedError(f"PyTorch: no module is known for {layer}")


def _weighted(net: Any, workload: Workload) -> Iterator[tuple[Any, np.ndarray | None]]:
    """Each module with weights; after Flatten also the order in which it takes the numbers of an (H, W, C) image."""
    modules = (module for module in net if hasattr(module, "weight"))
    order: np.ndarray | None = None
    for layer, before, _ in workload.chain():
        if isinstance(layer, Flatten):
            order = np.arange(np.prod(before)).reshape(before).transpose(2, 0, 1).ravel()
        elif layer.weights(before):
            yield next(modules), order
            order = None
