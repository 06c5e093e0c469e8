"""`python -m bpnet_benchmarks.ensembles`: nets a minute of `bpnet.Ensemble`, and of the same nets fitted one by one.

Each contender is measured in a process of its own, in turn, on the same nets: seeds 0, 1, …, float32, Adam, accuracy,
no progress bar. A process imports, fits a little, so that all kernels are there, and then times two fits, of one epoch
and of all. Both include what each takes from the model's making to the last figure of its history. The time of a fit is
a + b·epochs, so the two tell what a net costs before it trains, and what an epoch costs. Where other programs take the
cores, the time of all cores (`cpu_ms_a_net`) tells more, best on one thread, which waits for none.

Of nets one by one at most `ONE_BY_ONE` are fitted, and the time is scaled. All must come to the same loss. Where a case
fails, the others are recorded. With `--profile` the parts of a captured step are timed too (backend numba).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bpnet_benchmarks.disturbance import Disturbance
from bpnet_benchmarks.machine import commit, machine, versions
from bpnet_benchmarks.processes import ChildFailedError, result_stream, run_json

KIND = "ensembles"
"""What the file says that it is."""

ONE_BY_ONE = 50
PATIENCE = 1800.0
"""Seconds for one process."""

SLACK = 1e-3
"""Relative, of the mean of the last losses: in float32 sums may be taken in another order."""

NETS = {
    "64-128-10": ("digits", (64, 128, 10)),
    "2-4-1": ("xor", (2, 4, 1)),
}


@dataclass(frozen=True)
class Case:
    """Nets to train: `at_once` in a stack, None for what `Ensemble` chooses; 0 for one by one."""

    net: str
    batch: int
    epochs: int
    models: int
    backend: str
    at_once: int | None = None

    @property
    def fitted(self) -> int:
        """How many are really trained."""
        return min(self.models, ONE_BY_ONE) if self.at_once == 0 else self.models

    @property
    def name(self) -> str:
        """For people."""
        how = {None: "ensemble", 0: "one by one"}.get(self.at_once, f"ensemble, {self.at_once} at once")
        return f"{self.net}, batch {self.batch}, {self.models} nets, {self.backend}, {how}"


def main() -> None:
    """Measure, print and record; with `--child CASE` measure that one. Exit status 1 where losses differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", default="64-128-10", choices=NETS)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--models", type=int, action="append", help="repeatable; default: 8, 64 and 1000")
    parser.add_argument(
        "--at-once", type=int, action="append", help="repeatable; 0 is one by one; default: 0, and auto"
    )
    parser.add_argument("--backend", action="append", help="repeatable; default: numba")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--out", type=Path, help="the record; default: benchmarks/results/DATE-ensembles.json")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        with result_stream() as out:
            out.write(json.dumps(measured(Case(**json.loads(given.child)), profile=given.profile)) + "\n")
        return
    cases = [
        Case(given.net, given.batch, given.epochs, models, backend, at_once)
        for backend in given.backend or ("numba",)
        for models in given.models or (8, 64, 1000)
        for at_once in given.at_once or (0, None)
    ]
    disturbance = Disturbance()
    found: dict[Case, list[Any]] = {case: [] for case in cases}
    done = _run(given, found)
    rows = [row(case, rounds) for case, rounds in found.items() if rounds]
    for each in rows:
        print(line(each), flush=True)
    _save(given, rows, disturbance.cores())
    sys.exit(not (same_losses(rows) and done))


def _run(given: argparse.Namespace, found: dict[Case, list[Any]]) -> bool:
    """Measure in rounds, until Ctrl-C; did all cases run?"""
    done = True
    for number, (case, rounds) in product(range(given.rounds), found.items()):
        more = ["--profile"] if given.profile and number == given.rounds - 1 else []
        command = [sys.executable, "-m", "bpnet_benchmarks.ensembles", "--child", json.dumps(asdict(case)), *more]
        try:
            rounds.append(run_json(command, given.threads, PATIENCE))
            print(f"{case.name}: {rounds[-1]['seconds']:.3f} s for {case.fitted}", file=sys.stderr, flush=True)
        except (ChildFailedError, KeyboardInterrupt) as error:
            done = False
            print(f"{case.name} did not run: {str(error) or 'interrupted'}", flush=True)
            if isinstance(error, KeyboardInterrupt):
                break
    return done


def measured(case: Case, *, profile: bool = False) -> dict[str, Any]:
    """The seconds of both fits, the steps of an epoch, the mean of the last losses, and the parts of a step."""
    train = _one_by_one if case.at_once == 0 else _together
    captured = _watched(case) if profile else []
    train(case, 2, 1)
    captured.clear()
    begun = time.perf_counter()
    train(case, case.fitted, 1)
    short = time.perf_counter() - begun
    begun, used = time.perf_counter(), time.process_time()
    losses = train(case, case.fitted, case.epochs)
    seconds, used = time.perf_counter() - begun, time.process_time() - used
    rows = len(data(case.net)[0])
    found: dict[str, Any] = {"first": short, "seconds": seconds, "cpu_seconds": used, "steps": -(-rows // case.batch)}
    found |= {"loss": float(np.mean(losses[:ONE_BY_ONE])), "nets": case.fitted}
    if profile:
        found["parts"] = parts(captured)
    return found


def data(net: str) -> tuple[np.ndarray, np.ndarray]:
    """x and y."""
    if NETS[net][0] == "xor":
        x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
        return x, np.array([[0], [1], [1], [0]], np.float32)
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), y


def model(case: Case, seed: int) -> Any:
    """A net, compiled."""
    from bpnet import Adam, Dense, Sequential

    inputs, hidden, outputs = NETS[case.net][1]
    last = Dense(outputs, "softmax" if outputs > 1 else "sigmoid")
    made = Sequential([Dense(hidden, "relu", input_dim=inputs), last], backend=_backend(case), seed=seed)
    loss = "sparse_categorical_crossentropy" if outputs > 1 else "binary_crossentropy"
    made.compile(Adam(), loss, metrics=["accuracy"])
    return made


def _backend(case: Case) -> Any:
    from bpnet import load

    if case.backend not in _backends:
        _backends[case.backend] = load(case.backend, strict=True)
    return _backends[case.backend]


_backends: dict[str, Any] = {}


def _one_by_one(case: Case, nets: int, epochs: int) -> list[float]:
    x, y = data(case.net)
    fitted = [model(case, k).fit(x, y, batch_size=case.batch, epochs=epochs, verbose=0) for k in range(nets)]
    return [history.history["loss"][-1] for history in fitted]


def _together(case: Case, nets: int, epochs: int) -> list[float]:
    from bpnet.ensembles.ensemble import Ensemble

    x, y = data(case.net)
    made = Ensemble(model(case, 0), nets, at_once=case.at_once)
    return [each.history["loss"][-1] for each in made.fit(x, y, batch_size=case.batch, epochs=epochs, verbose=0)]


# ---- where a step's time goes


def _watched(case: Case) -> list[Any]:
    """The list into which all steps go that the backend captures from now on."""
    backend, found = _backend(case), []
    capture: Callable[..., Any] = backend.capture

    def watched(step: Callable[[], None]) -> Any:
        found.append(capture(step))
        return found[-1]

    backend.capture = watched
    return found


def parts(captured: list[Any]) -> list[dict[str, Any]]:
    """Of the step with the most arithmetic each part: what it is, and its least time of 60, in microseconds a net."""
    steps = [step.parts() for step in captured if step is not None and _was_called(step)]
    most = max(steps, key=lambda found: sum(part.flop for part in found))
    nets = max((part.shape[0] for part in most if len(part.shape) == 3), default=1)
    return [
        {"op": part.op, "shape": part.shape, "us_a_net": round(_least(part.run) / nets * 1e6, 3), "flop": part.flop}
        for part in most
    ]


def _was_called(step: Any) -> bool:
    try:
        step.parts()
    except RuntimeError:
        return False
    return True


def _least(run: Callable[[], object]) -> float:
    times = []
    for _ in range(60):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return min(times)


# ---- what is told


def row(case: Case, rounds: list[Any]) -> dict[str, Any]:
    """The medians of the rounds; of nets one by one scaled to all of them."""
    scale = case.models / case.fitted
    seconds, short, used = (scale * median(each[key] for each in rounds) for key in ("seconds", "first", "cpu_seconds"))
    steps = rounds[0]["steps"]
    found = asdict(case) | {"case": case.name, "fitted": case.fitted, "steps_an_epoch": steps}
    epoch = max(seconds - short, 0.0) / max(case.epochs - 1, 1)
    found |= {
        "nets_a_minute": 60 * case.models / seconds,
        "net_steps_a_second": case.models * steps * case.epochs / seconds,
        "us_a_net_step": epoch / case.models / steps * 1e6,
        "ms_a_net_before": (short - epoch) / case.models * 1e3,
        "cpu_ms_a_net": used / case.models * 1e3,
        "loss": rounds[0]["loss"],
        "rounds": [[each["first"], each["seconds"], each["cpu_seconds"]] for each in rounds],
    }
    if "parts" in rounds[-1]:
        found["parts"] = rounds[-1]["parts"]
    return found


def line(found: dict[str, Any]) -> str:
    """For people."""
    return (
        f"{found['case']:<55} {found['nets_a_minute']:10,.0f} nets a minute, {found['net_steps_a_second']:10,.0f} "
        f"net-steps a second; {found['us_a_net_step']:.1f} µs a net-step in further epochs, "
        f"{found['ms_a_net_before']:.2f} ms a net besides; {found['cpu_ms_a_net']:.2f} ms of all cores a net"
    )


def rates(fields: dict[str, Any]) -> dict[tuple[str, str, int], float]:
    """Of a record, by backend, net and batch size: net-steps a second in further epochs, of the most nets at once."""
    together = [each for each in fields["rows"] if each["at_once"] != 0 and each["us_a_net_step"] > 0]
    together.sort(key=lambda each: each["models"])
    return {(each["backend"], each["net"], each["batch"]): 1e6 / each["us_a_net_step"] for each in together}


def same_losses(rows: list[dict[str, Any]]) -> bool:
    """Are the losses of as many nets, however trained, the same?"""
    for one in rows:
        for other in rows:
            alike = all(one[key] == other[key] for key in ("net", "batch", "epochs", "models"))
            if alike and not abs(one["loss"] - other["loss"]) <= SLACK * abs(other["loss"]):
                print(f"the losses differ: {one['case']} {one['loss']}, {other['case']} {other['loss']}")
                return False
    return True


def _save(given: argparse.Namespace, rows: list[dict[str, Any]], others: float | None) -> None:
    now = datetime.now()
    path = given.out or Path(__file__).parents[1] / "results" / f"{now:%Y-%m-%dT%H%M%S}-ensembles.json"
    head: dict[str, Any] = {"kind": KIND, "date": f"{now:%Y-%m-%dT%H:%M:%S}", "commit": commit(), "machine": machine()}
    head |= {"versions": versions(), "threads": given.threads, "cores_of_others": others}
    body = ",\n".join(json.dumps(each) for each in rows)
    path.write_text(f'{json.dumps(head, indent=1)[:-2]},\n "rows": [\n{body}\n ]\n}}\n', encoding="utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
