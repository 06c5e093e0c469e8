"""Weights to and from the names, shapes and orders of PyTorch; arrays only, PyTorch is not imported.

| bpnet                           | PyTorch                  | of bpnet's array                                       |
|---------------------------------|--------------------------|--------------------------------------------------------|
| Dense                w (I, O)   | Linear           weight  | wᵀ (O, I); columns c, h, w after Flatten of (H, W, C)  |
| Conv2D    w (K, L, C/groups, F) | Conv2d           weight  | (F, C/groups, K, L)                                    |
| Conv1D    w (K, C/groups, F)    | Conv1d           weight  | (F, C/groups, K)                                       |
| DepthwiseConv2D  w (K, L, C, M) | Conv2d, groups C weight  | (C·M, 1, K, L)                                         |
| Embedding            w (V, D)   | Embedding        weight  | the same                                               |
| BatchNormalization   gamma, beta, mean, variance | BatchNorm weight, bias, running_mean, running_var | the same     |
| LayerNormalization   gamma, beta | LayerNorm       weight, bias | the same                                           |
| PReLU                alpha      | PReLU            weight  | flat; a slope for each channel, or one                 |
| b of any of these               | bias                     | the same                                               |

A normalization without scale or center has ones or zeros there. Numbers that are settings are not among the weights:
bpnet's `epsilon` is PyTorch's `eps`, `momentum` is 1 minus PyTorch's, and "same" padding with a stride may want an
explicit `ZeroPad2d`. What `Reshape` and `Embedding` return stands in PyTorch as it does in bpnet: `Unflatten` to
(H, W, C), and then `permute`, before a convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bpnet.formats.channel_order import feature_orders
from bpnet.nn import activation, convolution, dense, depthwise, embedding, normalization, pooling
from bpnet.nn.layer import Layer
from bpnet.nn.network import Network

COUNTER = "num_batches_tracked"
"""How many batches a BatchNorm has seen; nothing depends on it."""


class WithNetwork(Protocol):
    """A model."""

    @property
    def network(self) -> Network:
        """Its graph and its arrays."""


@dataclass(frozen=True)
class Rule:
    """What PyTorch calls an array, and how it lays it out; `reads_features`: along the axis of this number."""

    suffix: str
    laid_out: Callable[[np.ndarray], np.ndarray] = lambda array: array
    reads_features: int | None = None


BIAS = Rule("bias")
CONVOLUTION = {"w": Rule("weight", lambda w: np.moveaxis(w, (-1, -2), (0, 1))), "b": BIAS}
NORMALIZATION = {"gamma": Rule("weight", reads_features=0), "beta": Rule("bias", reads_features=0)}
STATISTICS = {"mean": Rule("running_mean", reads_features=0), "variance": Rule("running_var", reads_features=0)}
RULES: dict[type[Layer], dict[str, Rule]] = {
    dense.Dense: {"w": Rule("weight", np.transpose, reads_features=0), "b": BIAS},
    convolution.Conv2D: CONVOLUTION,
    convolution.Conv1D: CONVOLUTION,
    depthwise.DepthwiseConv2D: {
        "w": Rule("weight", lambda w: np.transpose(w, (2, 3, 0, 1)).reshape(-1, 1, *w.shape[:2])),
        "b": BIAS,
    },
    embedding.Embedding: {"w": Rule("weight")},
    normalization.BatchNormalization: NORMALIZATION | STATISTICS,
    normalization.LayerNormalization: NORMALIZATION,
    activation.PReLU: {"alpha": Rule("weight", np.ravel, reads_features=-1)},
}
ABSENT = {"weight": np.ones, "bias": np.zeros}
"""What a normalization without scale or center is in PyTorch, which has both or neither."""


@dataclass(frozen=True)
class Owner:
    """A layer with its arrays, and for each of them what number its elements have where PyTorch has them."""

    layer: Layer
    arrays: dict[str, np.ndarray]
    numbers: dict[str, np.ndarray]

    def in_torch(self) -> dict[str, np.ndarray]:
        """Its arrays as PyTorch names and orders them."""
        rules = RULES[type(self.layer)]
        found = {rules[name].suffix: array.reshape(-1)[self.numbers[name]] for name, array in self.arrays.items()}
        if isinstance(self.layer, normalization.BatchNormalization | normalization.LayerNormalization):
            affine = found.keys() & ABSENT.keys()
            like = next(iter(found.values()), np.zeros(0))
            found |= {
                name: make(like.shape, like.dtype) for name, make in ABSENT.items() if affine and name not in found
            }
        return {name: found[name] for name in ("weight", "bias", "running_mean", "running_var") if name in found}


def to_torch(model: WithNetwork, like: Mapping[str, Any] | None = None) -> dict[str, np.ndarray]:
    """The weights as a `state_dict` of arrays, for `module.load_state_dict({k: torch.from_numpy(v) …})`.

    By default the names are those of an `nn.Sequential` of the same layers in the same order, where an activation is a
    module of its own behind its layer, and global pooling two modules, AdaptivePool2d(1) and Flatten. `like` is the
    `state_dict` of your own module: its names are taken, in the order of its modules, which has to be that of the
    layers. ValueError, which names the layer and both shapes, where they do not fit.
    """
    owners = _owners(model.network)
    if like is None:
        numbers = _places(model.network)
        found = {}
        for owner in owners:
            place = numbers[id(owner.layer)]
            found.update({f"{place}.{suffix}": array for suffix, array in owner.in_torch().items()})
            if isinstance(owner.layer, normalization.BatchNormalization):
                found[f"{place}.{COUNTER}"] = np.zeros((), "int64")
        return found
    found = {name: np.asarray(value) for name, value in like.items() if name.endswith(COUNTER)}
    for owner, prefix, _ in _matched(owners, like):
        found.update({prefix + suffix: array for suffix, array in owner.in_torch().items()})
    return {name: found[name] for name in like}


def from_torch(model: WithNetwork, state_dict: Mapping[str, Any]) -> None:
    """Take the weights of a PyTorch module whose modules stand in the order of the model's layers.

    ValueError, which names the layer and both shapes, where kinds or shapes differ; the model is then as it was.
    """
    network = model.network
    new = [(owner, _taken(owner, group)) for owner, _, group in _matched(_owners(network), state_dict)]
    layers = {id(layer): p for layer, p in zip(network.graph.layers, network.p, strict=True)}
    for owner, arrays in new:
        for name, array in arrays.items():
            getattr(layers[id(owner.layer)], name)[...] = network.backend.asarray(array, network.dtype)


def _taken(owner: Owner, group: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The group's arrays in bpnet's order."""
    found = {}
    for name, array in owner.arrays.items():
        flat = np.empty(array.size, array.dtype)
        flat[owner.numbers[name]] = group[RULES[type(owner.layer)][name].suffix]
        found[name] = flat.reshape(array.shape)
    suffixes = {RULES[type(owner.layer)][name].suffix for name in owner.arrays}
    for suffix in group.keys() & ABSENT.keys() - suffixes:
        if not np.array_equal(group[suffix], ABSENT[suffix](group[suffix].shape)):
            setting = "scale" if suffix == "weight" else "center"
            raise ValueError(
                f"layer {owner.layer.name!r}: a {suffix} came that changes something, but the layer has "
                f"{setting}=False. Mend: make it with {setting}=True"
            )
    return found


def _owners(network: Network) -> list[Owner]:
    """The layers that have arrays, in order."""
    graph, orders = network.graph, feature_orders(network.graph)
    found = []
    for layer, p in zip(graph.layers, network.p, strict=True):
        arrays = {k: np.array(network.backend.to_numpy(v)) for k, v in vars(p).items() if k != "key"}
        if not arrays:
            continue
        if type(layer) not in RULES:
            raise ValueError(
                f"layer {layer.name!r}: nothing is known of a {type(layer).__name__} in PyTorch. Mend: carry its "
                "arrays yourself, with get_weights and set_weights"
            )
        uses = [orders.get(node.inputs[0]) for node in graph.uses(layer)]
        if any(not np.array_equal(uses[0], other) for other in uses[1:]):  # type: ignore[arg-type]
            raise ValueError(
                f"layer {layer.name!r}: it is used on features that PyTorch has in different orders. "
                "Mend: make a layer for each"
            )
        found.append(Owner(layer, arrays, {name: _numbers(layer, name, v, uses[0]) for name, v in arrays.items()}))
    return found


def _numbers(layer: Layer, name: str, array: np.ndarray, order: np.ndarray | None) -> np.ndarray:
    """The number of each element, laid out as PyTorch has it."""
    rule = RULES[type(layer)][name]
    numbers = np.arange(array.size).reshape(array.shape)
    if isinstance(layer, activation.PReLU) and array.size not in (1, array.shape[-1]):
        raise ValueError(
            f"layer {layer.name!r}: it has slopes of shape {array.shape}, but PyTorch's PReLU has one for each "
            "channel. Mend: shared_axes=(1, 2)"
        )
    if order is not None and rule.reads_features is not None and array.shape[rule.reads_features] == len(order):
        numbers = np.take(numbers, order, axis=rule.reads_features)
    return rule.laid_out(numbers)


def _matched(owners: list[Owner], state_dict: Mapping[str, Any]) -> Iterator[tuple[Owner, str, dict[str, np.ndarray]]]:
    """Each layer with the module in its place: the beginning of its names, and its arrays by the rest of them."""
    groups: dict[str, dict[str, np.ndarray]] = {}
    for key, value in state_dict.items():
        prefix, dot, suffix = key.rpartition(".")
        if suffix != COUNTER:
            groups.setdefault(prefix + dot, {})[suffix] = np.asarray(value)
    if len(groups) != len(owners):
        raise ValueError(
            f"state_dict: it has {len(groups)} modules with weights ({', '.join(map(repr, groups))}), but the model "
            f"has {len(owners)} layers with weights ({', '.join(owner.layer.name for owner in owners)})"
        )
    for owner, (prefix, group) in zip(owners, groups.items(), strict=True):
        expected = {suffix: array.shape for suffix, array in owner.in_torch().items()}
        came = {suffix: array.shape for suffix, array in group.items()}
        if came != expected:
            raise ValueError(
                f"layer {owner.layer.name!r}, a {type(owner.layer).__name__}: {prefix!r} came with {came}, expected "
                f"{expected}. Mend: modules in the order of the layers"
            )
        yield owner, prefix, group


def _places(network: Network) -> dict[int, int]:
    """The place of each layer's module in an `nn.Sequential`."""
    found, place = {}, 0
    for layer in network.graph.layers:
        found[id(layer)] = place
        has_two = isinstance(layer, pooling.GlobalAveragePooling2D | pooling.GlobalMaxPooling2D)
        if layer.activation is not None and not isinstance(layer, activation.Activation):
            has_two = layer.activation.name != "linear"
        place += 2 if has_two else 1
    return found
