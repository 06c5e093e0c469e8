"""benchmarks/gpu.sh where there is no GPU, and with a Python that fails or says what pytest says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.sh"
TEXT = SCRIPT.read_text(encoding="utf-8")
PARTS = {name: int(limit) for name, limit in re.findall(r"^run (\S+) (\d+) ", TEXT, re.MULTILINE)}


@pytest.fixture
def run(tmp_path):
    """Run the script into a folder, with such a GPU and such a Python."""

    def run(nvidia_smi, python):
        for name, body in (("nvidia-smi", nvidia_smi), ("python", python)):
            (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
            (tmp_path / name).chmod(0o755)
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHON": str(tmp_path / "python")}
        out = tmp_path / "out"
        done = subprocess.run(
            ["bash", str(SCRIPT), str(out)], env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done, out

    return run


def test_it_is_bash():
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)


def test_its_limits_leave_half_a_minute_of_ten():
    (after,) = map(int, re.findall(r"--kill-after=(\d+)", TEXT))
    (first,) = map(int, re.findall(r"timeout (\d+) nvidia-smi", TEXT))
    assert len(PARTS) == 8
    assert first + sum(limit + after for limit in PARTS.values()) <= 570
    (inner,) = map(int, re.findall(r"--limit (\d+)", TEXT))
    assert inner + 20 <= PARTS["side-by-side"]


def test_without_a_gpu_nothing_is_run(run):
    done, out = run("exit 9", "echo ran; exit 0")
    assert done.returncode == 1
    assert done.stdout == "no NVIDIA GPU is here (nvidia-smi -L fails): nothing was run\n"
    assert not out.exists()


def test_a_part_that_fails_does_not_stop_the_next(run):
    done, out = run("echo a GPU", "exit 3")
    assert done.returncode == 1
    assert done.stdout.count("FAILED: exit status 3") == len(PARTS)
    assert [line.partition(":")[0] for line in (out / "summary.txt").read_text().splitlines()] == list(PARTS)
    assert "a GPU" in (out / "log.txt").read_text()


def test_the_summary_has_what_counts(run):
    lines = ["noise", "worst of float32: 3.0e-07, limit 1e-05 (layer)", "== 2 failed, 9 passed in 3.4s =="]
    table = ["### targets on a GPU", "| case | outcome |", "- 1 passed"]
    done, out = run("echo a GPU", "\n".join(f"echo '{line}'" for line in [*lines, *table]))
    assert done.returncode == 0
    summary = done.stdout.partition("== summary\n")[2]
    assert summary.count("parity: ok") == 1
    for line in lines[1:]:
        assert f"    {line}" in summary
    assert "noise" not in summary
    assert summary.splitlines()[-3:] == table
    files = [path for path in out.rglob("*") if path.is_file()]
    written = len(files) + TEXT.count('--out "$out/')  # the parts were not really run
    assert written <= 9
    assert all(path.parent == out for path in files)
