"""A checkpoint whose checksum is right may still say anything of its run: that is an error, and no other weights."""

import copy

import numpy as np
import pytest

from bpnet import Dense, EarlyStopping, Input, ModelCheckpoint, Sequential
from bpnet.formats.container import Content, read, write

RNG = np.random.default_rng(13)
X, Y = RNG.normal(size=(40, 5)), RNG.normal(size=40)


def run(optimizer, epochs, *callbacks, **settings):
    made = Sequential([Input((5,)), Dense(4, "tanh"), Dense(1)], backend="numpy")
    made.compile(optimizer, "mse")
    stopping = EarlyStopping("loss", patience=9, restore_best_weights=True)
    batch = None if optimizer == "lbfgs" else 8
    made.fit(X, Y, batch, epochs, verbose=0, callbacks=[stopping, *callbacks], **settings)


@pytest.fixture(scope="module")
def genuine(tmp_path_factory):
    found = {}
    for optimizer in ("adam", "lbfgs"):
        folder = tmp_path_factory.mktemp(optimizer)
        run(optimizer, 3, ModelCheckpoint(folder))
        found[optimizer] = read(folder / "epoch-0003.safetensors")
    return found


CHANGES = [
    ("run/first_epoch", "x"),
    ("run/first_epoch", -5),
    ("run/micro_batch", -1),
    ("run/batches", -1),
    ("run/batches", 10**9),
    ("run/batches", 2),
    ("run/batches", "2"),
    ("run/totals", [1.0]),
    ("run/totals", "12"),
    ("run/ended", "no"),
    ("run/callbacks/0/state", [1]),
    ("run/callbacks/0/state", {"best": "1.0"}),
    ("history/epoch", [0] * 7),
    ("history/epoch", []),
    ("history/epoch", [5, 6, 7]),
    ("history/history", {"loss": [1.0]}),
]
ARRAYS = [
    ("callbacks/0/last/0", np.zeros(1)),
    ("callbacks/0/last/0", np.zeros((1, 29))),
    ("callbacks/0/kept/0", np.zeros(1)),
]
LBFGS = [
    ("lbfgs/start", np.zeros(3)),
    ("lbfgs/losses", np.zeros(0)),
    ("lbfgs/gradients", np.zeros((0, 29))),
    ("lbfgs/gradients", np.zeros((2, 2))),
]


def refused(optimizer, content, path):
    write(path, content)
    with pytest.raises(ValueError, match="Mend: "):
        run(optimizer, 5, resume=path)


@pytest.mark.parametrize(("where", "value"), CHANGES)
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_facts(optimizer, where, value, genuine, tmp_path):
    content = genuine[optimizer]
    facts = part = copy.deepcopy(content.facts)
    *way, last = [int(name) if name.isdecimal() else name for name in where.split("/")]
    for name in way:
        part = part[name]
    part[last] = value
    refused(optimizer, Content("checkpoint", content.arrays, facts), tmp_path / "forged.safetensors")


@pytest.mark.parametrize(
    ("optimizer", "name", "array"), [("adam", *each) for each in ARRAYS] + [("lbfgs", *each) for each in ARRAYS + LBFGS]
)
def test_arrays(optimizer, name, array, genuine, tmp_path):
    content = genuine[optimizer]
    refused(optimizer, Content("checkpoint", content.arrays | {name: array}, content.facts), tmp_path / "f.safetensors")


def test_sums_of_another_model(genuine, tmp_path):
    facts = copy.deepcopy(genuine["adam"].facts)
    facts["run"] |= {"batches": 2, "totals": [1.0]}
    refused("adam", Content("checkpoint", genuine["adam"].arrays, facts), tmp_path / "forged.safetensors")


def test_lbfgs_without_what_it_was_told(genuine, tmp_path):
    facts = copy.deepcopy(genuine["lbfgs"].facts)
    del facts["run"]["evaluations"]
    refused("lbfgs", Content("checkpoint", genuine["lbfgs"].arrays, facts), tmp_path / "forged.safetensors")
