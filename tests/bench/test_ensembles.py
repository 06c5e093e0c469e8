"""The benchmark of ensembles: what it makes of times, and that both ways train the same nets."""

from __future__ import annotations

import json
import sys

import pytest

from bpnet_benchmarks import ensembles
from bpnet_benchmarks.ensembles import Case, measured, rates, row, same_losses


def test_nets_one_by_one_are_scaled() -> None:
    rounds = [{"first": 1.0, "seconds": s, "cpu_seconds": 2.0, "steps": 57, "loss": 0.5} for s in (5.0, 6.0, 50.0)]
    found = row(Case("64-128-10", 32, 11, 100, "numba", 0), rounds)
    assert found["fitted"] == 50
    assert found["nets_a_minute"] == pytest.approx(100 * 60 / 12)
    assert found["us_a_net_step"] == pytest.approx(0.5e6 / 50 / 57)
    assert found["ms_a_net_before"] == pytest.approx(10.0)
    assert rates({"rows": [found]}) == {}


def test_losses_that_differ_are_told() -> None:
    alike = {"net": "a", "batch": 1, "epochs": 1, "models": 2, "case": "x"}
    assert same_losses([{**alike, "loss": 1.0}, {**alike, "loss": 1.0 + 1e-6}, {**alike, "models": 3, "loss": 2.0}])
    assert not same_losses([{**alike, "loss": 1.0}, {**alike, "loss": 1.01}])
    assert not same_losses([{**alike, "loss": 1.0}, {**alike, "loss": float("nan")}])


def test_both_ways_come_to_the_same_loss() -> None:
    losses = [measured(Case("2-4-1", 4, 3, 3, "numba", at_once))["loss"] for at_once in (0, None, 2)]
    assert losses[1] == losses[2] == pytest.approx(losses[0], rel=1e-6)


def test_the_command_writes_a_record(tmp_path, monkeypatch) -> None:
    def here(command: list[str], threads: int, limit: float) -> dict:
        case = Case(**json.loads(command[command.index("--child") + 1]))
        return measured(case, profile="--profile" in command)

    out = tmp_path / "record.json"
    arguments = ["--net", "2-4-1", "--batch", "4", "--epochs", "2", "--models", "3", "--rounds", "1", "--profile"]
    monkeypatch.setattr(ensembles, "run_json", here)
    monkeypatch.setattr(sys, "argv", ["ensembles", *arguments, "--out", str(out)])
    monkeypatch.setattr(ensembles, "_backends", {})  # whose steps are watched
    with pytest.raises(SystemExit) as ended:
        ensembles.main()
    assert not ended.value.code
    record = json.loads(out.read_text())
    assert [each["at_once"] for each in record["rows"]] == [0, None]
    assert all(each["parts"] and each["nets_a_minute"] > 0 for each in record["rows"])


@pytest.mark.parametrize("error", [ensembles.ChildFailedError("it ended with code 1"), KeyboardInterrupt()])
def test_what_was_measured_before_a_failure_is_recorded(tmp_path, monkeypatch, capsys, error) -> None:
    figures = [{"first": 1.0, "seconds": 2.0, "cpu_seconds": 1.0, "steps": 1, "loss": 0.5}]

    def once(*_: object) -> dict:
        if not figures:
            raise error
        return figures.pop()

    out = tmp_path / "record.json"
    arguments = ["--backend", "numpy", "--backend", "numba", "--models", "3", "--at-once", "3", "--rounds", "1"]
    monkeypatch.setattr(ensembles, "run_json", once)
    monkeypatch.setattr(sys, "argv", ["ensembles", *arguments, "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        ensembles.main()
    assert ended.value.code
    assert [each["backend"] for each in json.loads(out.read_text())["rows"]] == ["numpy"]
    assert "did not run" in capsys.readouterr().out
