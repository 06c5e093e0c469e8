"""`bpnet profile`: what it prints and writes, and what it refuses."""

import json
from importlib import import_module
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from bpnet.cli import main
from bpnet.peak import SIDES, Peak
from bpnet.recipes import RECIPES, recipe

STEPS = [name for name in RECIPES if hasattr(recipe(name), "problem")]


@pytest.fixture(autouse=True)
def known_peak(monkeypatch):
    """Measuring it takes seconds, and is tested elsewhere."""
    monkeypatch.setattr("bpnet.cli.profile._peak", lambda backend, dtype: Peak(1e11, [(2**20, 1e10)]))


def bpnet(*arguments, **environment):
    return CliRunner().invoke(main, arguments, env={"BPNET_BACKEND": "numpy", "BPNET_DTYPE": "", **environment})


@pytest.mark.parametrize("name", STEPS)
def test_every_recipe_that_trains_by_steps_is_profiled(name):
    result = bpnet("profile", name, "--batch-size", "4", "--repeats", "1")
    assert result.exit_code == 0, result.output
    assert f"{name}, one training step, batch 4: numpy, CPU, float32" in result.output
    assert all(text in result.output for text in ("of peak", "sum of the parts", "A whole step", "matmul K="))


def test_the_recipes_own_batch_size_is_the_default():
    for name, size in (("digits", 32), ("regression", 1), ("xor", 4)):
        assert f"{name}, one training step, batch {size}: " in bpnet("profile", name, "--repeats", "1").output


def test_the_trace_is_read_back_and_nothing_else_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = bpnet("profile", "xor", "--repeats", "1", "--trace", "step.json", "--dtype", "float64", "--seed", "3")
    assert result.exit_code == 0, result.output
    assert "float64" in result.output
    assert "wrote step.json" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["step.json"]
    events = json.loads((tmp_path / "step.json").read_text(encoding="utf-8"))["traceEvents"]
    parts = [event["name"] for event in events if event["ph"] == "X"]
    rows = result.output.split("---\n")[1].splitlines()
    assert [row.split("  ")[0] for row in rows[: len(parts)]] == parts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digts"], "Did you mean 'digits'?"),
        (["averages"], "recipe: 'averages' trains no network step by step. Mend: profile one of digits, residual, "),
        (["digits", "--backend", "nunpy"], "Did you mean 'numpy'?"),
        (["digits", "--dtype", "float16"], "dtype: 'float16' is unknown"),
        (["digits", "--sizes", "3,2"], "sizes: (3, 2) was given, but"),
        (["digits", "--trace", "no/such/folder/step.json"], "--trace: cannot write to 'no/such/folder/step.json'"),
        (["digits", "--trace", "."], "--trace: cannot write to '.' (it is a folder)"),
    ],
)
def test_what_a_user_can_mend_is_one_line(arguments, message):
    result = bpnet("profile", *arguments)
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert line.startswith("Error: ")
    assert message in line


@pytest.mark.parametrize("option", ["--repeats", "--batch-size"])
def test_numbers_begin_at_one(option):
    result = bpnet("profile", "digits", option, "0")
    assert result.exit_code == 2
    assert f"Invalid value for '{option}': 0 is not in the range x>=1" in result.output


def test_the_peak_is_that_of_the_gpu_or_what_numpy_makes_of_the_cpu(monkeypatch):
    monkeypatch.undo()
    asked = []
    monkeypatch.setattr("bpnet.cli.profile.measure", lambda backend, sides, *_, **__: asked.append((backend, sides)))
    module = import_module("bpnet.cli.profile")
    for device in ("NVIDIA H100 (CUDA 12.4)", "CPU"):
        module._peak(SimpleNamespace(name="own", device=device), "float32")
    assert [(backend.name, sides) for backend, sides in asked] == [("own", SIDES["gpu"]), ("numpy", SIDES["cpu"])]
