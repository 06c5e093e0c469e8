"""`bpnet train RECIPE --resume` and `--checkpoint-every`."""

import numpy as np
import pytest
from click.testing import CliRunner

from bpnet.cli import main
from bpnet.cli.unfinished import unfinished
from bpnet.formats.container import read
from bpnet.recipes import RECIPES, recipe
from bpnet.training.course import Course


def bpnet(*arguments):
    return CliRunner().invoke(main, arguments, env={"BPNET_BACKEND": "numpy", "BPNET_DTYPE": ""})


def train(name, folder, epochs, *more):
    result = bpnet("train", name, "--epochs", str(epochs), "--quiet", "--no-plot", "--out", str(folder), *more)
    short = "NOT held" in result.output or "interrupted" in result.output
    assert result.exit_code == int(short), result.output
    return result.output


def newest(folder):
    return read(max((folder / "checkpoints").glob("epoch-*")))


NAMES = [name for name in RECIPES if hasattr(recipe(name), "problem") and name != "residual"]
"""Those that train a network; `residual` has nothing else to be resumed, and takes half a minute on NumPy."""


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_that_trains_goes_on_bit_by_bit(name, tmp_path):
    """Its last checkpoint is lost. Recipes that count steps go by blocks of 100."""
    more = ["--checkpoint-every", "1"]
    if name.startswith("cnn"):
        more += ["--data", str(few_images(tmp_path / "mnist.npz"))]
    epochs = 200 if name.startswith("xor") or name == "perceptron" else 2
    train(name, tmp_path, epochs, *more)
    whole, last = newest(tmp_path), tmp_path / "checkpoints" / "epoch-0002.safetensors"
    assert unfinished(tmp_path / "checkpoints") == ""
    last.unlink()
    assert unfinished(tmp_path / "checkpoints").startswith("a run that was not finished (epoch 1 of ")
    assert "epoch-0001.safetensors" in train(name, tmp_path, epochs, "--resume", *more)
    pieces = read(last)
    assert pieces.facts["history"] == whole.facts["history"]
    assert len(whole.facts["history"]["epoch"]) == 2
    for key, array in whole.arrays.items():
        np.testing.assert_array_equal(pieces.arrays[key], array, err_msg=key)


def few_images(path):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (40, 28, 28), dtype=np.uint8), np.arange(40) % 10
    np.savez(path, x_train=images[:30], y_train=labels[:30], x_test=images[30:], y_test=labels[30:])
    return path


def test_without_resume_it_begins_anew_and_the_old_checkpoints_go(tmp_path):
    train("logistic", tmp_path, 6, "--checkpoint-every", "2")
    (tmp_path / "checkpoints" / "mine").write_text("")
    names = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert names == {"mine", *(f"epoch-000{i}.safetensors" for i in (2, 4, 6))}
    train("logistic", tmp_path, 2, "--seed", "1")
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} >= {"mine", "epoch-0002.safetensors"}
    assert not (tmp_path / "checkpoints" / "epoch-0006.safetensors").exists()


def test_nothing_to_resume_is_said(tmp_path):
    assert "begins anew: no checkpoint in" in train("logistic", tmp_path, 1, "--resume")


def test_after_ctrl_c_it_says_how_to_go_on(tmp_path, monkeypatch):
    def interrupted(course):
        course.history.interrupted = True

    monkeypatch.setattr(Course, "has_ended", property(lambda course: len(course.history.epoch) >= course.epochs))
    real = recipe("logistic").run

    def run(options):
        outcome = real(options)
        interrupted(outcome.model)
        return outcome

    monkeypatch.setattr(recipe("logistic"), "run", run)
    assert "--resume goes on from here" in train("logistic", tmp_path, 1)


@pytest.mark.parametrize("option", [["--resume"], ["--checkpoint-every", "2"]])
@pytest.mark.parametrize("name", ["gates", "averages"])
def test_recipes_without_a_network_refuse(name, option):
    result = bpnet("train", name, "--no-plot", *option)
    assert result.exit_code == 2
    assert "nothing is trained here" in result.output


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--seed", "3"], "--seed was 0, and 3 was given"),
        (["--dtype", "float64"], "--dtype was 'float32', and 'float64' was given"),
    ],
)
def test_another_run_is_an_error_in_the_words_of_the_command(tmp_path, more, told):
    train("logistic", tmp_path, 1)
    result = bpnet("train", "logistic", "--resume", "--quiet", "--no-plot", "--out", str(tmp_path), *more)
    assert result.exit_code == 2
    newest = tmp_path / "checkpoints" / "epoch-0001.safetensors"
    assert f"--resume: the checkpoint {newest} is of another run: {told}. Mend: " in result.output
    assert "leave --resume out to begin anew" in result.output


def test_a_folder_that_cannot_be_written_is_no_hindrance_unless_it_is_asked_for(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "no checkpoints: --out:" in train("logistic", tmp_path / "file", 1)
    arguments = ["train", "logistic", "--no-plot", "--checkpoint-every", "1", "--out", str(tmp_path / "file")]
    result = bpnet(*arguments)
    assert result.exit_code == 2
    assert "--out: " in result.output
