"""What the page about resumed runs says of the file is so."""

import re
from pathlib import Path

import numpy as np

import bpnet
from bpnet import Dense, Input, ModelCheckpoint, Sequential, load_model
from bpnet.formats.container import read

PAGE = (Path(bpnet.__file__).parent / "docs" / "resume.md").read_text(encoding="utf-8")


def test_every_key_of_the_run_is_explained_and_the_model_is_loaded(tmp_path):
    model = Sequential([Input((2,)), Dense(1)], backend="numpy")
    model.compile("lbfgs", "mse")
    x = np.eye(2)
    model.fit(x, x[:, 0], epochs=2, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "run.safetensors")])
    content = read(tmp_path / "run.safetensors")
    run = content.facts["run"]
    assert content.kind == "checkpoint"
    for key in [*run, *run["callbacks"][0], *run["evaluations"], *(key for key in content.arrays if "lbfgs" in key)]:
        assert re.search(rf"`{key}`", PAGE), key
    loaded = load_model(tmp_path / "run.safetensors", backend="numpy")
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
