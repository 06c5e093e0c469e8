"""`python -m bpnet_benchmarks.ranks.kills --runs 20`: runs of several ranks of which one is killed, and resumed.

Each run is `bpnet train` under torchrun or mpiexec with 2 or 4 ranks, with a checkpoint after every epoch. A seed
decides which rank is killed and when: one in five anywhere between the start and the usual end, the others a while
after a certain epoch was written. One in five is stopped (SIGSTOP), so that it hangs, the others are killed (SIGKILL).
The run has to end by itself in time and say why, to leave checkpoints that can be read, and to come to the result of a
run that nobody disturbed: resumed with as many ranks to the same bits, with fewer to 1e-10. `--restarts` runs more are
under torchrun with --max-restarts, and have to get there by themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bpnet_benchmarks.kills import _difference as other_bits
from bpnet_benchmarks.kills import _images as images
from bpnet_benchmarks.kills import _outcome as outcome
from bpnet_benchmarks.machine import commit, machine, versions
from bpnet_benchmarks.ranks.runs import Run, files, newest

TOLERANCE = 1e-10
"""Of runs with other numbers of ranks, in float64: the norm of the difference over the norm."""

LAUNCHES = (("gloo", 2), ("mpi", 2), ("gloo", 4), ("mpi", 4))
EPOCHS = {"digits": 30, "cnn": 12}
SLACK = 45.0
"""Seconds on top of BPNET_TIMEOUT until all is over: torchrun leaves 30 to a process that it asks to end."""

RESTARTS = 2

LIMIT = 300.0
"""Seconds for a run that nobody disturbs."""

REASONS = (
    r"(?m)^Error: (.*)",
    r"(Signal \d+ \(SIG\w+\) received by PID \d+)",
    r"(KILLED BY SIGNAL: .*|BAD TERMINATION.*|EXIT CODE: \d+)",
)
"""bpnet's own, torchrun's, mpiexec's."""


@dataclass
class Trial:
    """A run of which a rank was killed; `faults` is empty where all was as it should be."""

    recipe: str
    engine: str
    ranks: int
    signal: str
    rank: int = -1
    after: float = 0.0
    """Seconds from the start to the kill."""
    epochs: int = 0
    """The last checkpoint at the end; 0 if there was none."""
    ended_in: float | None = None
    """Seconds from the kill to the end of the launcher."""
    reason: str = ""
    fewer: int = 0
    """The other number of ranks that it was resumed with."""
    difference: float | None = None
    """To the undisturbed run, of the one resumed with fewer ranks."""
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Whole:
    """What an undisturbed run takes and comes to."""

    seconds: float
    outcome: Any


class Bench:
    """The runs, in one folder."""

    def __init__(self, folder: Path, backend: str, timeout: float) -> None:
        self.folder, self.timeout = folder, timeout
        data = str(images(folder / "mnist.npz"))
        always = ["--backend", backend, "--dtype", "float64", "--quiet", "--no-plot", "--checkpoint-every", "1"]
        more: dict[str, list[str]] = {"digits": [], "cnn": ["--data", data]}
        self._arguments = {name: [name, *more[name], "--epochs", str(EPOCHS[name]), *always] for name in EPOCHS}
        self._wholes: dict[tuple[str, str, int], Whole] = {}

    def start(self, recipe: str, engine: str, ranks: int, out: Path, restarts: int = 0) -> Run:
        """`bpnet train`, resumed where there is something."""
        arguments = [*self._arguments[recipe], "--out", str(out)]
        if not restarts:  # torchrun's restart has to find by itself that there is something
            arguments.append("--resume")
        return Run.start(engine, ranks, arguments, out, self.timeout, restarts)

    def finished(self, recipe: str, engine: str, ranks: int, out: Path) -> str:
        """Let it come to its end; what went wrong. (Exit code 1 may mean that the short run learned too little.)"""
        run = self.start(recipe, engine, ranks, out)
        code = run.wait(LIMIT)
        left = run.end()
        if code is None:
            return f"it did not end within {LIMIT:g} s; alive were ranks {left}"
        return "" if newest(out) == EPOCHS[recipe] else f"it ended with {code}: {reason(run)}"

    def whole(self, recipe: str, engine: str, ranks: int) -> Whole:
        """The run that nobody disturbs; made once. RuntimeError: it failed."""
        key = recipe, engine, ranks
        if key not in self._wholes:
            out = self.folder / "-".join(map(str, key))
            begun = time.perf_counter()
            if fault := self.finished(*key, out):
                raise RuntimeError(f"kills: {key}: {fault}")
            self._wholes[key] = Whole(time.perf_counter() - begun, outcome(out))
        return self._wholes[key]

    def trial(self, number: int, draw: random.Random, *, restarts: bool) -> Trial:
        """One kill, and what follows."""
        recipe = list(EPOCHS)[number // len(LAUNCHES) % len(EPOCHS)]
        engine, ranks = ("gloo", (2, 4)[number % 2]) if restarts else LAUNCHES[number % len(LAUNCHES)]
        whole = self.whole(recipe, engine, ranks)
        trial = Trial(recipe, engine, ranks, "SIGSTOP" if number % 5 == 4 and not restarts else "SIGKILL")
        out = self.folder / "run"
        while trial.ended_in is None:  # where it was quicker than its kill, it is begun anew
            rmtree(out, ignore_errors=True)
            run = self.start(recipe, engine, ranks, out, RESTARTS if restarts else 0)
            if self._killed(run, trial, out, draw, 0.0 if restarts else whole.seconds):
                self._ends(run, trial, out, LIMIT if restarts else self.timeout + SLACK)
            run.end()
        trial.epochs = newest(out)
        for path in files(out):
            try:
                outcome(out) if path == files(out)[-1] else path.read_bytes()
            except Exception as error:
                trial.faults.append(f"{path.name} cannot be read: {error}")
        if not restarts:
            copy = self.folder / "fewer"
            rmtree(copy, ignore_errors=True)
            if out.is_dir():
                copytree(out, copy)
            trial.fewer = 1 if ranks == 2 else draw.choice([1, 2])
            if fault := self.finished(recipe, engine if trial.fewer > 1 else "", trial.fewer, copy):
                trial.faults.append(f"resumed with {trial.fewer}: {fault}")
            else:
                trial.difference = distance(outcome(copy), whole.outcome)
                if not trial.difference <= TOLERANCE:
                    trial.faults.append(f"resumed with {trial.fewer}: off by {trial.difference:.2g}")
            if fault := self.finished(recipe, engine, ranks, out):
                trial.faults.append(f"resumed: {fault}")
        if newest(out) != EPOCHS[recipe]:
            trial.faults.append(f"it came to epoch {newest(out)} of {EPOCHS[recipe]}")
        elif other := other_bits(outcome(out), whole.outcome):
            trial.faults.append(f"resumed: other bits, {other[:80]}")
        return trial

    def _killed(self, run: Run, trial: Trial, out: Path, draw: random.Random, usual: float) -> bool:
        """Kill a rank; was there still one?"""
        anywhere = draw.random() < 0.2 and usual > 0
        epoch = 0 if anywhere else draw.randint(1, EPOCHS[trial.recipe] * 2 // 3)
        wait = draw.uniform(0.0, usual) if anywhere else draw.uniform(0.0, 0.1)
        since = run.begun if anywhere else None
        trial.rank, found = draw.randrange(trial.ranks), None
        while found is None or since is None or time.perf_counter() - since < wait:
            if run.is_over():
                return False
            found = run.rank(trial.rank)
            if since is None and newest(out) >= epoch:
                since = time.perf_counter()
            time.sleep(0.001)
        with suppress(ProcessLookupError):
            os.kill(found, getattr(signal, trial.signal))
            trial.after = round(run.seconds(), 2)
            return newest(out) < EPOCHS[trial.recipe]
        return False

    def _ends(self, run: Run, trial: Trial, out: Path, limit: float) -> None:
        begun = time.perf_counter()
        code = run.wait(limit)
        trial.ended_in = round(time.perf_counter() - begun, 2)
        trial.reason = reason(run)
        if code is None:
            trial.faults.append(f"it did not end within {limit:g} s")
        elif code == 0 and newest(out) < EPOCHS[trial.recipe]:
            trial.faults.append("it ended with code 0")
        if not trial.reason and newest(out) < EPOCHS[trial.recipe]:
            trial.faults.append("no reason was printed")
        time.sleep(1.0)  # what the launcher has asked to end may take a moment
        if code is not None and (left := run.end()):
            trial.faults.append(f"ranks {left} were left running")


def reason(run: Run) -> str:
    """Why it ended, as bpnet says it, or else the launcher."""
    text = run.out.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
    for pattern in REASONS:
        if found := re.findall(pattern, text):
            return " | ".join(dict.fromkeys(found))[:600]
    return ""


def distance(found: Any, expected: Any) -> float:
    """The largest relative distance of an array of the checkpoint to the expected one, in norms."""
    worst = 0.0
    for name, array in expected[0].items():
        other = found[0][name]
        if array.dtype.kind == "f":
            worst = max(worst, float(np.linalg.norm(other - array) / (np.linalg.norm(array) or 1.0)))
        elif not np.array_equal(array, other):
            return float("inf")
    return worst


def main() -> None:
    """Kill, compare, print and record."""
    parser = argparse.ArgumentParser(prog="python -m bpnet_benchmarks.ranks.kills")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=4, help="runs under torchrun --max-restarts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backend", default="numba")
    parser.add_argument("--timeout", type=float, default=20.0, help="BPNET_TIMEOUT")
    parser.add_argument("--out", type=Path, help="the record; default: benchmarks/results/DATE-rank-kills.json")
    given = parser.parse_args()
    begun = time.perf_counter()
    trials: list[Trial] = []
    restarted: list[Trial] = []
    with TemporaryDirectory() as folder:
        _import_all(given.backend)
        bench = Bench(Path(folder), given.backend, given.timeout)
        for number in range(given.runs + given.restarts):
            restarts = number >= given.runs
            found, place = (restarted, number - given.runs) if restarts else (trials, number)
            found.append(bench.trial(place, random.Random(f"{given.seed}/{number}"), restarts=restarts))
            _tell(number, found[-1], restarts=restarts)
        alone = _against_one_process(bench)
    summary = {
        "runs": len(trials),
        "clean": sum(not trial.faults for trial in trials),
        "ended in time": sum(trial.ended_in is not None and trial.ended_in < given.timeout + SLACK for trial in trials),
        "longest to end, SIGKILL": max((t.ended_in or 0 for t in trials if t.signal == "SIGKILL"), default=None),
        "longest to end, SIGSTOP": max((t.ended_in or 0 for t in trials if t.signal == "SIGSTOP"), default=None),
        "largest difference with fewer ranks": max((t.difference or 0 for t in trials), default=None),
        "restarted by torchrun": len(restarted),
        "of them clean": sum(not trial.faults for trial in restarted),
        "distance to one process": alone,
        "seconds": round(time.perf_counter() - begun, 1),
    }
    print("; ".join(f"{name}: {value}" for name, value in summary.items()))
    _save(given, summary, [*trials, *restarted])
    sys.exit(any(trial.faults for trial in [*trials, *restarted]))


def _import_all(backend: str) -> None:
    """What forked runs need. No thread may be started by it, and nothing computed."""
    import torch.distributed.launcher.api

    import bpnet.cli.train  # noqa: F401
    from bpnet.backend import load
    from bpnet.data.digits import digits

    torch.set_num_threads(1)
    digits(0)
    load(backend)


def _against_one_process(bench: Bench) -> dict[str, float]:
    """How far each undisturbed run of several ranks is from that of one process."""
    done = [key for key in bench._wholes if key[1]]
    return {
        "-".join(map(str, key)): distance(bench.whole(*key).outcome, bench.whole(key[0], "", 1).outcome) for key in done
    }


def _tell(number: int, trial: Trial, *, restarts: bool) -> None:
    what = f"{trial.engine} x {trial.ranks}{' restarts' if restarts else ''}"
    killed = f"{trial.signal} to rank {trial.rank} after {trial.after:.1f} s, epoch {trial.epochs}"
    end = f"ended in {trial.ended_in:.1f} s: {trial.reason[:150]}"
    judged = "; ".join(trial.faults) or f"good; with {trial.fewer} ranks off by {trial.difference or 0:.1g}"
    print(f"{number + 1:>3} {trial.recipe:<6} {what}; {killed}; {end}; {judged}", flush=True)


def _save(given: argparse.Namespace, summary: dict[str, Any], trials: list[Trial]) -> None:
    now = datetime.now()
    path = given.out or Path(__file__).parents[2] / "results" / f"{now:%Y-%m-%dT%H%M%S}-rank-kills.json"
    head = {"date": f"{now:%Y-%m-%dT%H:%M:%S}", "commit": commit(), "machine": machine(), "versions": versions()}
    head |= {"seed": given.seed, "backend": given.backend, "timeout": given.timeout, "summary": summary}
    rows = ",\n".join(json.dumps(asdict(trial)) for trial in trials)
    path.write_text(f'{json.dumps(head, indent=1)[:-2]},\n "runs": [\n{rows}\n ]\n}}\n', encoding="utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
