"""The command `bpnet`: what it prints, writes and returns."""

import sys

import pytest
from click.testing import CliRunner

from bpnet.cli import SUBCOMMANDS, main
from bpnet.recipes import RECIPES, Outcome, recipe


def bpnet(*arguments, **environment):
    return CliRunner().invoke(main, arguments, env={"BPNET_BACKEND": "numpy", "BPNET_DTYPE": "", **environment})


def test_help_lists_every_command_and_imports_none():
    result = bpnet("--help")
    assert result.exit_code == 0
    assert all(name in result.output for name in SUBCOMMANDS)


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_every_command_has_help(command):
    assert bpnet(command, "--help").exit_code == 0


def test_recipes_lists_them_all():
    lines = bpnet("recipes").output.splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES)
    assert all(len(line.split()) > 5 for line in lines)


def test_train_names_where_it_ran_shows_progress_and_writes_pictures(tmp_path):
    result = bpnet("train", "digits", "--epochs", "3", "--out", str(tmp_path / "new" / "folder"))
    assert result.exit_code == 1, result.output  # three epochs do not reach the reference
    assert "backend numpy, device CPU, float32" in result.output
    assert all(word in result.output for word in ("epoch 3/3  loss 0.", "held-out accuracy 0.", " samples/s"))
    for name in ("loss-and-accuracy.png", "confusion-matrix.png", "misread-digits.png"):
        assert (tmp_path / "new" / "folder" / name).read_bytes().startswith(b"\x89PNG")
        assert name in result.output


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_from_the_command_line(name, tmp_path):
    short = [] if name in ("gates", "averages") else ["--epochs", "2"]
    result = bpnet("train", name, *short, "--out", str(tmp_path), "--quiet")
    assert result.exit_code == int("NOT held" in result.output), result.output
    assert "samples/s" not in result.output
    if name != "gates":
        assert list(tmp_path.glob("*.png"))


def test_no_plot_writes_nothing(tmp_path):
    assert bpnet("train", "gates", "--no-plot", "--out", str(tmp_path / "none")).exit_code == 0
    assert not (tmp_path / "none").exists()


def test_without_matplotlib_it_trains_and_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("bpnet.cli.folders.find_spec", lambda name: None)
    result = bpnet("train", "xor", "--epochs", "2", "--quiet", "--out", str(tmp_path))
    assert result.exit_code == 1  # as two epochs do not reach the reference
    assert "Mend: pip install matplotlib" in result.output
    asked = bpnet("train", "xor", "--epochs", "2", "--plot", "--out", str(tmp_path))
    assert asked.exit_code == 2
    assert "matplotlib is not installed" in asked.output


def test_a_folder_that_cannot_be_written_is_found_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = bpnet("train", "xor", "--out", str(tmp_path / "file" / "folder"))
    assert result.exit_code == 2
    assert "Error: --out: cannot write to" in result.output
    assert "backend" not in result.output


def test_the_float_type_and_the_seed_are_taken():
    result = bpnet("train", "xor-softmax", "--epochs", "5", "--quiet", "--no-plot", "--dtype", "float64", "--seed", "7")
    assert "float64, seed 7" in result.output
    again = bpnet("train", "xor-softmax", "--epochs", "5", "--quiet", "--no-plot", "--seed", "7", BPNET_DTYPE="float64")
    other = bpnet("train", "xor-softmax", "--epochs", "5", "--quiet", "--no-plot", "--seed", "8", BPNET_DTYPE="float64")
    assert result.output == again.output
    assert result.output.splitlines()[2:] != other.output.splitlines()[2:]


def test_a_fallback_is_told_once_and_the_run_goes_on(monkeypatch):
    monkeypatch.setattr("bpnet_backends.on_cupy.require_driver", _no_driver)
    result = bpnet("train", "gates", BPNET_BACKEND="cupy")
    assert result.exit_code == 0
    assert result.output.count("WARNING: the backend 'cupy' cannot run here: no driver. Mend: none") == 1
    assert "backend numba" in result.output
    strict = bpnet("train", "gates", BPNET_BACKEND="cupy", BPNET_STRICT="1")
    assert strict.exit_code == 1
    assert "Error: the backend 'cupy' cannot run here" in strict.output


def _no_driver():
    raise RuntimeError("no driver. Mend: none")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "digts"], "Did you mean 'digits'?"),
        (["train", "digits", "--backend", "nunpy"], "Did you mean 'numpy'?"),
        (["train", "digits", "--dtype", "float16"], "dtype: 'float16' is unknown"),
        (["train", "digits", "--sizes", "3,2"], "sizes: (3, 2) was given, but"),
        (["gradcheck", "averages"], "trains no network"),
        (["gradcheck", "nothing"], "recipe: 'nothing' is unknown"),
    ],
)
def test_what_a_user_can_mend_is_one_line(arguments, message):
    result = bpnet(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.startswith("Error: ") or "\nError: " in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "digits", "--epochs", "0"], "--epochs"),
        (["train", "digits", "--batch-size", "0"], "--batch-size"),
        (["train", "digits", "--seed", "-1"], "--seed"),
        (["train", "xor-any-depth", "--sizes", "3,x"], "whole numbers with commas"),
        (["train", "xor-any-depth", "--sizes", "3,0,2"], "at least 1"),
        (["trian", "digits"], "No such command"),
    ],
)
def test_a_wrong_option_is_a_usage_error(arguments, message):
    result = bpnet(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_a_diverging_run_ends_with_the_cause(monkeypatch):
    from bpnet.recipes import regression

    monkeypatch.setattr(regression, "SGD", lambda rate: _sgd(1e30))
    with pytest.warns(RuntimeWarning):  # NumPy tells of the overflow too
        result = bpnet("train", "regression", "--quiet", "--no-plot")
    assert result.exit_code == 1
    assert "the loss became NaN or infinite in epoch 1" in result.output


def _sgd(rate):
    from bpnet import SGD

    return SGD(rate)


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "averages"])
def test_gradcheck_of_every_recipe(name):
    result = bpnet("gradcheck", name, "--elements", "20", BPNET_BACKEND="numpy")
    assert result.exit_code == 0, result.output
    if name != "gates":
        assert "relative distance" in result.output
        assert "all within 1e-07" in result.output


def test_gradcheck_fails_on_a_wrong_derivative(monkeypatch):
    from bpnet.nn import activations

    right = activations.tanh

    def wrong(xp):
        f, df = right(xp)
        return f, lambda y: 1.001 * df(y)

    broken = activations.ElementwiseActivation("tanh", wrong)
    monkeypatch.setitem(activations.ACTIVATIONS, "tanh", broken)
    result = bpnet("gradcheck", "xor-softmax")
    assert result.exit_code == 1
    assert "NOT within 1e-07" in result.output


def test_interrupted_runs_say_so(monkeypatch):
    module = recipe("xor")
    real = module.run

    def interrupted(options):
        outcome: Outcome = real(options)
        outcome.model.history.interrupted = True
        return outcome

    monkeypatch.setattr(module, "run", interrupted)
    assert "interrupted: what follows" in bpnet("train", "xor", "--epochs", "2", "--quiet", "--no-plot").output


def test_python_dash_m_bpnet_is_the_command():
    import subprocess

    done = subprocess.run([sys.executable, "-m", "bpnet", "recipes"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "digits-by-hand" in done.stdout
