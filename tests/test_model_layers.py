"""What a model says of its layers and of its size, and what it is made of."""

import subprocess
import sys

import numpy as np
import pytest

import bpnet
from bpnet import Add, BatchNormalization, Dense, Ensemble, Input, Model, Sequential


def test_a_chain_has_its_layers_before_it_is_built():
    first, second = Dense(3), Dense(2)
    model = Sequential([first, second], backend="numpy")
    assert model.layers == [first, second]
    model.layers.append(Dense(1))  # a copy: `add` is what appends
    assert model.layers == [first, second]
    model.predict(np.ones((1, 4)))
    assert model.layers == [first, second]
    assert model.count_params() == 4 * 3 + 3 + 3 * 2 + 2


def test_a_graph_has_each_layer_once():
    x, shared, normal, add = Input((4,)), Dense(4), BatchNormalization(), Add()
    model = Model(x, add([normal(shared(shared(x))), x]), backend="numpy")
    assert model.layers == [shared, normal, add]
    assert model.count_params() == 4 * 4 + 4 + 4 + 4  # the running statistics are no parameters


def test_a_layer_alone_is_no_list_of_layers():
    with pytest.raises(TypeError, match=r"^layers: Dense\(3\) was given, expected a list of layers: \[Dense\(3\)\]"):
        Sequential(Dense(3), backend="numpy")


@pytest.mark.parametrize("dtype", [np.float64, np.dtype("float64"), "float64"])
def test_the_float_type_may_be_numpys(dtype):
    assert Sequential([Dense(3)], backend="numpy", dtype=dtype).dtype == "float64"


def test_a_single_sample_is_told_how_to_be_one():
    model = Sequential([Dense(3, input_dim=4)], backend="numpy")
    with pytest.raises(ValueError, match=r"^x: an array of shape \(4,\) came, .* Mend: x\[None\] for one sample"):
        model.predict(np.ones(4))


def test_a_shuffle_that_is_no_flag_is_an_error():
    model = Sequential([Dense(1, input_dim=4)], backend="numpy")
    model.compile("sgd", "mse")
    for one in (model, Ensemble(model, 2)):
        with pytest.raises(ValueError, match=r"^shuffle: 'batch' was given, expected True or False"):
            one.fit(np.ones((4, 4)), np.ones(4), shuffle="batch", verbose=0)


def test_packages_that_need_an_extra_come_when_they_are_asked_for():
    program = "import sys, bpnet; before = 'bpnet.plot' in sys.modules; print(before, bpnet.plot.loss_curves.__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "loss_curves"]
    with pytest.raises(AttributeError, match=r"^module 'bpnet' has no attribute 'plots'"):
        bpnet.plots  # noqa: B018
