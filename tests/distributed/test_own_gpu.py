"""Processes that were launched together take a GPU each."""

import pytest

from bpnet_backends.nvidia import own_gpu

NAMES = ("WORLD_SIZE", "LOCAL_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "OMPI_COMM_WORLD_SIZE", "SLURM_NTASKS",
         "SLURM_LOCALID", "CUDA_VISIBLE_DEVICES")  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, 0),
        ({"LOCAL_RANK": "3"}, 0),
        ({"WORLD_SIZE": "1", "LOCAL_RANK": "3"}, 0),
        ({"WORLD_SIZE": "4", "LOCAL_RANK": "3"}, 3),
        ({"WORLD_SIZE": "4", "LOCAL_RANK": "x"}, 0),
        ({"PMI_SIZE": "2", "MPI_LOCALRANKID": "1"}, 1),
        ({"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "1"}, 1),
        ({"SLURM_NTASKS": "8", "SLURM_LOCALID": "3"}, 3),
        ({"WORLD_SIZE": "4", "LOCAL_RANK": "3", "CUDA_VISIBLE_DEVICES": "0,1,2,3"}, 3),
        ({"WORLD_SIZE": "4", "LOCAL_RANK": "3", "CUDA_VISIBLE_DEVICES": "3"}, 0),
    ],
)
def test_the_number_on_the_machine_is_the_gpus(monkeypatch, environment, expected):
    for name in (*NAMES, "OMPI_COMM_WORLD_LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert own_gpu() == expected
