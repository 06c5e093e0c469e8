"""The command in two processes: one of them speaks."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
SETTINGS = ["--backend", "numpy", "--no-plot", "--quiet"]


def run(command, cwd, **variables):
    environment = os.environ | {"BPNET_TIMEOUT": "60", "OMP_NUM_THREADS": "1", "BPNET_THREADS": "1"} | variables
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


def under_mpi(*ranks):
    """Each of `ranks` is what one rank is told, after `bpnet`."""
    assert MPIEXEC is not None, "mpi4py is installed, but there is no mpiexec. Mend: pip install mpich"
    command = [MPIEXEC]
    for number, arguments in enumerate(ranks):
        command += [*([":"] if number else []), "-n", "1", sys.executable, "-m", "bpnet", *arguments]
    return command


needs_mpi = pytest.mark.skipif(find_spec("mpi4py") is None, reason="mpi4py is not installed")


@needs_mpi
def test_rank_0_alone_prints_and_writes(tmp_path):
    told = ["train", "digits", "--epochs", "2", "--checkpoint-every", "2", *SETTINGS]
    done = run(under_mpi(told, told), tmp_path)
    assert done.stdout.count("digits: The main job") == 1, done.stderr
    assert done.stdout.count("held-out accuracy: ") == 1
    assert "seed 0, shared by 2 processes over mpi" in done.stdout
    assert [path.name for path in (tmp_path / "runs" / "digits").rglob("*.safetensors")] == ["epoch-0002.safetensors"]


@needs_mpi
def test_an_error_of_one_rank_is_told_once_by_rank_0(tmp_path):
    told = ["train", "digits", *SETTINGS]
    done = run(under_mpi(told, [*told[:1], "none.csv", "--target", "y", *SETTINGS]), tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("Error: ") == 1, done.stderr
    assert "Error: rank 1: none.csv: there is no such file" in done.stderr


@needs_mpi
def test_a_run_that_was_not_finished_is_kept_by_all_ranks_and_told_once(tmp_path):
    told = ["train", "digits", "--epochs", "2", "--checkpoint-every", "1", *SETTINGS]
    run([sys.executable, "-m", "bpnet", *told], tmp_path)
    folder = tmp_path / "runs" / "digits" / "checkpoints"
    (folder / "epoch-0002.safetensors").unlink()
    done = run(under_mpi(told, told), tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("Error: ") == 1, done.stderr
    assert "holds a run that was not finished (epoch 1 of 2). Mend: --resume" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["epoch-0001.safetensors"]
    done = run(under_mpi([*told, "--overwrite"], [*told, "--overwrite"]), tmp_path)
    assert (folder / "epoch-0002.safetensors").is_file(), done.stderr


@needs_mpi
def test_what_differs_is_told_once(tmp_path):
    told = ["train", "digits", *SETTINGS]
    done = run(under_mpi([*told, "--seed", "1"], told), tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("the ranks do not agree: ") == 1, done.stderr
    assert "seed: 1 on rank 0, 0 on rank 1" in done.stderr


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"RANK": "0"}, "Error: WORLD_SIZE: not set, but RANK is. "),
        ({"RANK": "0", "WORLD_SIZE": "0"}, "Error: WORLD_SIZE: '0' was given, "),
        ({"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "0"}, ""),
    ],
)
def test_a_launchers_mistake_is_told_by_one_process_of_a_machine(tmp_path, variables, said):
    done = run([sys.executable, "-m", "bpnet", "train", "digits"], tmp_path, **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert bool(done.stderr) == bool(said)


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_an_unreachable_peer_is_told_with_its_address(tmp_path):
    there = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1", "BPNET_TIMEOUT": "0.5"}
    done = run([sys.executable, "-m", "bpnet", "train", "digits"], tmp_path, **there)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "rank 1 of 2 did not meet the others at MASTER_ADDR:MASTER_PORT 127.0.0.1:1 within 0.5 s" in line


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("names", [("PMI_RANK", "PMI_SIZE"), ("RANK", "WORLD_SIZE")])
def test_a_search_is_refused_before_anything_is_done_and_told_by_rank_0(tmp_path, names, rank):
    there = dict(zip(names, (str(rank), "2"), strict=True)) | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    done = run([sys.executable, "-m", "bpnet", "search", "digits", "--lr", "1e-3:1e-1"], tmp_path, **there)
    assert (done.returncode, done.stdout) == (2, "")
    told = (
        "Error: bpnet search is not shared by processes. Mend: run it without torchrun or mpiexec; it uses all cores "
        "itself\n"
    )
    assert done.stderr == ("" if rank else told)
    assert not list(tmp_path.iterdir())
