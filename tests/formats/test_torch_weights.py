"""Weights from and to PyTorch: both libraries compute the same with them."""

import numpy as np
import pytest
import torch
from torch import nn

from bpnet import (
    Activation,
    BatchNormalization,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    Layer,
    LayerNormalization,
    MaxPooling2D,
    Model,
    Permute,
    PReLU,
    Reshape,
    Sequential,
)
from bpnet.formats import from_torch, to_torch
from bpnet.formats.torch_weights import RULES
from formats.onnx_runs import draw, inputs_of, with_random_weights


class Turned(nn.Module):
    """(N, L, C) → (N, C, L)."""

    def forward(self, x):
        return x.transpose(1, 2)


IMAGE = Input((7, 6, 4))

PAIRS = {
    "dense": (
        [
            Input((5,)),
            Dense(8, "relu"),
            Dropout(0.5),
            Dense(6, use_bias=False),
            LayerNormalization(),
            PReLU(),
            Dense(3),
        ],
        lambda: [
            nn.Linear(5, 8),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(8, 6, bias=False),
            nn.LayerNorm(6, eps=1e-3),
            nn.PReLU(6),
            nn.Linear(6, 3),
        ],
    ),
    "images": (
        [
            IMAGE,
            Conv2D(6, (3, 2), (2, 1), groups=2, activation="tanh"),
            BatchNormalization(scale=False),
            DepthwiseConv2D(2, depth_multiplier=2, use_bias=False),
            PReLU(shared_axes=(1, 2)),
            BatchNormalization(center=False, scale=False),
            Flatten(),
            BatchNormalization(),
            PReLU(),
            Dense(5, "softmax"),
        ],
        lambda: [
            nn.Conv2d(4, 6, (3, 2), (2, 1), groups=2),
            nn.Tanh(),
            nn.BatchNorm2d(6, eps=1e-3),
            nn.Conv2d(6, 12, 2, groups=6, bias=False),
            nn.PReLU(12),
            nn.BatchNorm2d(12, eps=1e-3, affine=False),
            nn.Flatten(),
            nn.BatchNorm1d(96, eps=1e-3),
            nn.PReLU(96),
            nn.Linear(96, 5),
            nn.Softmax(-1),
        ],
    ),
    "pooled": (
        [IMAGE, MaxPooling2D(2), Conv2D(3, 2), GlobalAveragePooling2D(), Activation("gelu"), Dense(2)],
        lambda: [
            nn.MaxPool2d(2),
            nn.Conv2d(4, 3, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.GELU(approximate="tanh"),
            nn.Linear(3, 2),
        ],
    ),
    "flat images": ([IMAGE, Flatten(), Dense(3)], lambda: [nn.Flatten(), nn.Linear(168, 3)]),
    "channels first": (
        [Input((4, 7, 6)), Permute((2, 3, 1)), Conv2D(3, 2), Flatten(), Dense(2)],
        lambda: [nn.Identity(), nn.Conv2d(4, 3, 2), nn.Flatten(), nn.Linear(90, 2)],
    ),
    "words": (
        [Input((6,)), Embedding(9, 4), Flatten(), Dense(3)],
        lambda: [nn.Embedding(9, 4), nn.Flatten(), nn.Linear(24, 3)],
    ),
    "signals": (
        [Input((11, 4)), Activation("linear"), Conv1D(6, 3, 2, groups=2), Flatten(), Dense(3)],
        lambda: [Turned(), nn.Conv1d(4, 6, 3, 2, groups=2), nn.Flatten(), nn.Linear(30, 3)],
    ),
}


def pair(name):
    """The model, the module, and a batch as each of them takes it."""
    layers, modules = PAIRS[name]
    model = with_random_weights(Sequential(layers, backend="numpy", dtype="float64"), 0)
    (x,) = inputs_of(model, 5, 1).values()
    there = torch.from_numpy(np.moveaxis(x, -1, 1).copy() if x.ndim == 4 and name != "channels first" else x)
    return model, nn.Sequential(*modules()).double().eval(), x, there


def same(model, module, x, there):
    expected = module(there).detach().numpy()
    distance = np.linalg.norm(model.predict(x) - expected) / np.linalg.norm(expected)
    return distance <= 1e-12  # that of the backends among each other, in float64


@pytest.mark.parametrize("name", PAIRS)
def test_to_pytorch(name):
    """By the names of an nn.Sequential, and by those of the module itself."""
    model, module, x, there = pair(name)
    assert not same(model, module, x, there)
    module.load_state_dict({key: torch.from_numpy(array) for key, array in to_torch(model).items()})
    assert same(model, module, x, there)
    by_name = to_torch(model, like=module.state_dict())
    assert list(by_name) == list(module.state_dict())
    assert all(np.array_equal(by_name[key], value.numpy()) for key, value in module.state_dict().items())


@pytest.mark.parametrize("name", PAIRS)
def test_from_pytorch(name):
    model, module, x, there = pair(name)
    generator = draw(2)
    for key, value in module.state_dict().items():
        if value.dtype == torch.float64:  # ones and zeros stay where bpnet has no scale or no center
            has_none = name == "images" and key == "2.weight"
            value.copy_(torch.ones_like(value) if has_none else torch.from_numpy(0.2 + generator.random(value.shape)))
    from_torch(model, module.state_dict())
    assert same(model, module, x, there)


def test_every_layer_with_arrays_is_tried_here():
    """A new layer class needs a row in the table."""
    import bpnet

    public = {each for each in vars(bpnet).values() if isinstance(each, type) and issubclass(each, Layer)}
    with_arrays = {each for each in public if {each.parameters, each.state} != {Layer.parameters, Layer.state}}
    assert with_arrays == set(RULES)
    assert with_arrays <= {type(layer) for layers, _ in PAIRS.values() for layer in layers}


class Branches(nn.Module):
    """Two flattened images side by side."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(4, 2, 2), nn.Conv2d(4, 3, 3)
        self.head = nn.Linear(60 + 60, 2)

    def forward(self, x):
        return self.head(torch.cat([self.left(x).flatten(1), torch.tanh(self.right(x)).flatten(1)], 1))


def test_branches_whose_features_are_joined():
    parts = [Flatten()(Conv2D(2, 2)(IMAGE)), Flatten()(Conv2D(3, 3, activation="tanh")(IMAGE))]
    model = with_random_weights(Model(IMAGE, Dense(2)(Concatenate()(parts)), backend="numpy", dtype="float64"), 0)
    (x,) = inputs_of(model, 3, 0).values()
    module = Branches().double()
    from_torch(model, module.state_dict())
    assert same(model, module, x, torch.from_numpy(np.moveaxis(x, -1, 1).copy()))


def small():
    return Sequential([Input((3,)), Dense(4, "relu"), BatchNormalization(scale=False), Dense(2)], backend="numpy")


BAD = {
    r"layer 'dense', a Dense: '0.' came with \{'weight': \(4, 5\), 'bias': \(4,\)\}, expected \{'weight': \(4, 3\)": [
        nn.Linear(5, 4),
        nn.BatchNorm1d(4),
        nn.Linear(4, 2),
    ],
    r"layer 'batch_normalization', a BatchNormalization: '1.' came with \{'weight': \(2, 4\)": [
        nn.Linear(3, 4),
        nn.Linear(4, 2),
        nn.BatchNorm1d(4),
    ],
    r"it has 2 modules with weights \('0.', '1.'\), but the model has 3 layers": [nn.Linear(3, 4), nn.Linear(4, 2)],
}


@pytest.mark.parametrize("words", BAD)
def test_what_does_not_fit_is_told_and_changes_nothing(words):
    model, module = small(), nn.Sequential(*BAD[words])
    before = model.get_weights()
    with pytest.raises(ValueError, match=words):
        from_torch(model, module.state_dict())
    with pytest.raises(ValueError, match=words):
        to_torch(model, like=module.state_dict())
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_scale_that_the_layer_has_not():
    model = small()
    weights = to_torch(model)
    weights["2.weight"][1] = 2.0
    with pytest.raises(ValueError, match=r"layer 'batch_normalization': a weight came .* has scale=False"):
        from_torch(model, weights)


class Scale(Dense):
    """A layer of one's own, with arrays."""


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([Input((3,)), Scale(2)], "layer 'scale': nothing is known of a Scale in PyTorch"),
        ([IMAGE, PReLU()], r"layer 'pre_lu': it has slopes of shape \(7, 6, 4\).*shared_axes=\(1, 2\)"),
        ([IMAGE, Flatten(), Reshape((4, 42)), Flatten(), Dense(2)], "layer 'reshape': it reshapes the features"),
    ],
)
def test_what_pytorch_has_not(layers, words):
    with pytest.raises(ValueError, match=words):
        to_torch(Sequential(layers, backend="numpy"))
