"""Every class of bpnet's own becomes JSON and comes back with the same settings; what cannot is an error at once."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

from bpnet import Adam, Dense, DepthwiseConv2D, Dropout, ElementwiseActivation, Layer
from bpnet.constructor import constructor_parameters
from bpnet.formats.description import built, described
from bpnet.formats.registry import FORMULAS, own_classes
from bpnet.nn import activations
from bpnet.nn.activations import ACTIVATIONS
from bpnet.nn.initializers import INITIALIZERS
from bpnet.nn.losses import LOSSES
from bpnet.nn.metrics import METRICS
from bpnet.nn.optimizers import OPTIMIZERS
from formats.examples import EXAMPLES, LAYERS

ALL = [pytest.param(thing, id=f"{kind}-{type(thing).__name__}") for kind in EXAMPLES for thing in EXAMPLES[kind]]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_class_has_an_example(kind: str) -> None:
    """A class that is added to bpnet is added to `examples`."""
    assert {type(thing) for thing in EXAMPLES[kind]} == set(own_classes()[kind].values())


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_parameter_has_an_example_that_is_not_its_default(kind: str) -> None:
    """Else a setting that is lost on the way would not be seen."""
    for cls in own_classes()[kind].values():
        given = [thing for thing in EXAMPLES[kind] if type(thing) is cls]
        names = [name for name in constructor_parameters(cls) if name != "name" or kind != "layer"]
        names = [name for name in names if (cls, name) != (DepthwiseConv2D, "groups")]  # 1 is all that it can be
        if not names:
            continue
        plain = _with_defaults(cls, given[0])
        for name in names:
            assert any(described(getattr(thing, name), "") != plain[name] for thing in given), (cls, name)


def _with_defaults(cls: type, example: Any) -> dict[str, Any]:
    """The settings of an object made with what the constructor cannot do without."""
    import inspect

    required = {
        name: getattr(example, name)
        for name, parameter in list(inspect.signature(cls).parameters.items())
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    plain = cls(**required)
    none = object()
    return {
        name: none if name in required else described(getattr(plain, name), "") for name in constructor_parameters(cls)
    }


def test_the_tables_of_names_hold_own_classes_only() -> None:
    """What a model is compiled with by name can be saved."""
    for thing in [*ACTIVATIONS.values(), *INITIALIZERS.values()]:
        described(thing, "", {})
    for make in [*LOSSES.values(), *METRICS.values(), *OPTIMIZERS.values()]:
        described(make(), "", {})


@pytest.mark.parametrize("thing", ALL)
def test_there_and_back(thing: Any) -> None:
    description = described(thing, "thing", {})
    again = built(json.loads(json.dumps(description, allow_nan=False)))
    assert type(again) is type(thing)
    assert described(again, "thing", {}) == description
    theirs, ours = ({k: v for k, v in vars(x).items() if k not in ("name", "is_named")} for x in (again, thing))
    if isinstance(thing, Layer):
        assert described(list(theirs.values()), "") == described(list(ours.values()), "")


@pytest.mark.parametrize(("layer", "shapes"), [pytest.param(*case, id=type(case[0]).__name__) for case in LAYERS])
def test_a_layer_that_comes_back_has_the_same_shapes(layer: Layer, shapes: Any) -> None:
    again = built(described(layer, "layer", {}))
    assert again.output_shape(*shapes) == layer.output_shape(*shapes)
    assert again.parameters(*shapes) == layer.parameters(*shapes)
    assert again.state(*shapes) == layer.state(*shapes)
    assert again.penalty() == layer.penalty()


def test_formulas_are_all_of_them() -> None:
    assert {
        f for a in ACTIVATIONS.values() if (f := getattr(a, "formula", None)) and not isinstance(f, partial)
    } <= set(FORMULAS.values())
    assert {activations.leaky_relu, activations.elu} <= set(FORMULAS.values())


def squareplus(xp: Any) -> Any:
    return lambda z: (z + xp.sqrt(z * z + 4)) / 2, lambda y: y * y / (y * y + 1)


class Scaled(Dense):
    def __init__(self, units: int, by: float = 2.0, **settings: Any) -> None:
        super().__init__(units, **settings)
        self.by = by


class HandsOn(Dense):
    """All its settings are those of Dense."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)


@dataclass(frozen=True)
class Ramp:
    """An initializer of a user's own."""

    top: float

    def __call__(self, generator: Any, shape: tuple[int, ...], fan_in: int, fan_out: int) -> Any:
        return np.linspace(0, self.top, int(np.prod(shape))).reshape(shape)


OWN = [
    (ElementwiseActivation("squareplus", squareplus), {"squareplus": squareplus}),
    (Scaled(3, by=1.5, activation="tanh", kernel_initializer="zeros"), {"Scaled": Scaled}),
    (Dense(3, kernel_initializer=Ramp(2.0)), {"Ramp": Ramp}),
    (HandsOn(units=3, activation="relu"), {"HandsOn": HandsOn}),
]


@pytest.mark.parametrize(("thing", "custom"), OWN)
def test_classes_of_ones_own(thing: Any, custom: dict[str, Any]) -> None:
    description = described(thing, "thing", custom)
    assert described(thing, "thing") == description
    again = built(json.loads(json.dumps(description)), custom)
    assert type(again) is type(thing)
    assert described(again, "thing", custom) == description
    (name,) = custom
    with pytest.raises(TypeError, match=rf"{name} is not bpnet's own.*Mend: .*custom_objects=.*{name}"):
        described(thing, "thing", {})
    for custom_objects in (None, {}):
        with pytest.raises(ValueError, match=rf"'{name}' is not bpnet's own.*Mend: custom_objects"):
            built(description, custom_objects)


class Dense2(Dense):
    pass


Dense2.__name__ = "Dense"


def test_a_class_with_the_name_of_ours_is_still_not_ours() -> None:
    with pytest.raises(TypeError, match="Dense is not bpnet's own"):
        described(Dense2(3), "layer", {})
    assert type(built(described(Dense2(3), "layer"), {"Dense": Dense2})) is Dense2
    with pytest.raises(ValueError, match="Dense"):
        built(described(Dense2(3), "layer"))


class Forgets(Dropout):
    def __init__(self, share: float) -> None:
        super().__init__(share)


class Changes(Dropout):
    def __init__(self, rate: float) -> None:
        super().__init__(rate / 2)


class TakesMany(Dropout):
    def __init__(self, *rates: float) -> None:
        super().__init__(rates[0])


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (ElementwiseActivation("mine", lambda xp: squareplus(xp)), "<lambda> cannot be saved.*no name.*def"),
        (Forgets(0.5), "Forgets is made with 'share' but does not keep it.*self.share = share"),
        (Changes(0.5), "Changes, made again with its own settings, has others.*Mend"),
        (TakesMany(0.5), r"TakesMany takes \*rates"),
        (Dense(3, kernel_initializer=partial(squareplus, 3)), "settings by name"),
        (Dense(3, kernel_initializer=np.random.default_rng), "default_rng"),
    ],
)
def test_what_cannot_be_described(thing: Any, said: str) -> None:
    names = {cls.__name__: cls for cls in (Forgets, Changes, TakesMany)}
    for custom in (None, names):
        if "default_rng" in said and custom is None:
            continue
        with pytest.raises(TypeError, match=said):
            described(thing, "thing", custom)


@pytest.mark.parametrize(
    "description",
    [
        {"kind": "layer", "class": "system", "settings": {}},
        {"kind": "os", "class": "system", "settings": {}},
        {"kind": "layer", "class": "_Random", "settings": {}},
        {"kind": "layer", "class": "Layer", "settings": {}},
        {"kind": "function", "function": "eval", "settings": {}},
        {"kind": "optimizer", "class": "Dense", "settings": {"units": 3}},
    ],
)
def test_only_own_names_are_looked_up(description: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError)):
        built(description)


def test_a_schedule_and_the_learning_rate_given_are_told_apart() -> None:
    """`decay` makes a schedule of its own; what was given is what comes back."""
    from bpnet import SGD, CosineDecay

    assert SGD(0.1, decay=0.5).learning_rate == 0.1
    assert Adam(CosineDecay(0.1, 5)).learning_rate == CosineDecay(0.1, 5)
