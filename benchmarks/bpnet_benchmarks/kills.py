"""`python -m bpnet_benchmarks.kills --runs 100`: runs that are killed by SIGKILL and resumed come to the same bits.

Each run is `bpnet train` in a process of its own, killed up to three times. A seed decides when: two in five a while
after a certain epoch was written, two in five at the first sight of a temporary file after that, while the next one is
being written, and one in five anywhere between the start of the process and its usual end. What is left is resumed, in
the end without a kill, and its last checkpoint compared with that of a run that nobody disturbed: weights, moments,
running statistics, random streams and history.

The processes are forked from one that has imported all, but has no threads yet: else most of the time went to imports.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bpnet_benchmarks.machine import commit, machine, versions


@dataclass
class Kill:
    """One of them: what was aimed at, when it came, in seconds from the start, and what it left."""

    aim: str
    seconds: float
    epochs: int
    """The number of the newest checkpoint; 0 if there was none."""
    half_written: bool
    """Was a temporary file left, so that it came in the middle of writing?"""


@dataclass
class Trial:
    """A run with its kills; `difference` is empty where it came to the same."""

    recipe: str
    kills: list[Kill] = field(default_factory=list)
    difference: str = ""


@dataclass(frozen=True)
class Work:
    """A recipe with its arguments, and what an undisturbed run comes to."""

    recipe: str
    arguments: list[str]
    epochs: int
    seconds: float
    expected: Any


def main() -> None:
    """Kill, compare, print and record."""
    parser = argparse.ArgumentParser(prog="python -m bpnet_benchmarks.kills", description=str(__doc__).splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backend", default="numba")
    parser.add_argument("--out", type=Path, help="the record; default: benchmarks/results/DATE-kills.json")
    given = parser.parse_args()
    os.environ.setdefault("BPNET_THREADS", "1")
    begun = time.perf_counter()
    with TemporaryDirectory() as folder:
        works = _works(Path(folder), given.backend)
        trials = []
        for number in range(given.runs):
            draw = random.Random(f"{given.seed}/{number}")
            trials.append(_trial(works[number % len(works)], Path(folder) / "run", draw))
            _tell(number, trials[-1])
    same = sum(not trial.difference for trial in trials)
    kills = [kill for trial in trials for kill in trial.kills]
    summary = {
        "runs": len(trials),
        "same bits": same,
        "kills": len(kills),
        "kills while a checkpoint was written": sum(kill.half_written for kill in kills),
        "kills before the first checkpoint": sum(not kill.epochs for kill in kills),
        "seconds": round(time.perf_counter() - begun, 1),
    }
    print(f"{same} of {len(trials)} runs came to the same bits; " + ", ".join(f"{k}: {v}" for k, v in summary.items()))
    _save(given, summary, trials)
    sys.exit(same != len(trials))


def _works(folder: Path, backend: str) -> list[Work]:
    """Import what the runs need, and let each recipe come to its end twice: the first time kernels are compiled."""
    import bpnet.cli.train  # noqa: F401
    from bpnet.backend import load
    from bpnet.data.digits import digits

    digits(0)
    load(backend)
    arguments = {"digits": (20, []), "cnn": (8, ["--data", str(_images(folder / "mnist.npz"))])}
    works = []
    for recipe, (epochs, more) in arguments.items():
        more = [*more, "--epochs", str(epochs), "--backend", backend]
        for _ in range(2):
            out = folder / f"whole-{recipe}"
            begun = time.perf_counter()
            status = _wait(_start([recipe, *more], out))
            if status != 0:
                raise RuntimeError(f"kills: {recipe} ended with {status}: {out.with_suffix('.log').read_text()}")
        works.append(Work(recipe, more, epochs, time.perf_counter() - begun, _outcome(out)))
    return works


def _images(path: Path) -> Path:
    """Small digits made large, for a recipe that wants MNIST."""
    from bpnet.data.digits import digits

    small = digits(0)
    images = np.zeros((len(small.images_test), 28, 28), np.uint8)
    images[:, 2:26, 2:26] = np.kron(small.images_test.reshape(-1, 8, 8), np.full((3, 3), 15))
    np.savez(path, x_train=images, y_train=small.y_test, x_test=images[:10], y_test=small.y_test[:10])
    return path


def _trial(work: Work, out: Path, draw: random.Random) -> Trial:
    """One to three kills, and then to the end. A run that was quicker than its kill is not counted, and begun anew."""
    trial = Trial(work.recipe)
    rmtree(out, ignore_errors=True)
    wanted = draw.choice([1, 1, 2, 3])
    while len(trial.kills) < wanted:
        aim = draw.choice(["training", "training", "a file", "a file", "anywhere"])
        done = _newest(out)
        first = done + 1 if done else 0
        epoch = draw.randint(first, max(first, work.epochs - 2))
        share = draw.uniform(0.0, 1.0)
        after = share * work.seconds if aim == "anywhere" else share * work.seconds / work.epochs
        kill = _killed(_start([work.recipe, *work.arguments], out), out, aim, epoch, after)
        if kill is not None:
            trial.kills.append(kill)
        else:
            trial.kills.clear()
            rmtree(out, ignore_errors=True)
    status = _wait(_start([work.recipe, *work.arguments], out))
    trial.difference = f"the resumed run ended with {status}" if status else _difference(_outcome(out), work.expected)
    return trial


def _start(arguments: Sequence[str], out: Path) -> int:
    """`bpnet train` with checkpoints after every epoch, resumed where there are any; the number of its process."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        silent = os.open(os.devnull, os.O_RDWR)
        log = os.open(out.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(silent, 1)
        os.dup2(log, 2)
        from bpnet.cli import main as bpnet

        always = ["--quiet", "--no-plot", "--checkpoint-every", "1", "--resume", "--out", str(out)]
        bpnet(["train", *arguments, *always], standalone_mode=False)
        status = 0
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(status)


def _wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _killed(child: int, out: Path, aim: str, epoch: int, after: float) -> Kill | None:
    """Kill it as `aim` says: "anywhere" so many seconds after its start, "training" so many after the file of `epoch`
    is there, "a file" when the next temporary one is. None where it had ended by itself.
    """
    begun, left = time.perf_counter(), _temporary(out)
    since = begun if aim == "anywhere" else None
    while True:
        if os.waitpid(child, os.WNOHANG)[0]:
            return None
        if since is None and _newest(out) >= epoch:
            since = time.perf_counter()
        if since is not None and (time.perf_counter() - since >= after if aim != "a file" else _temporary(out) - left):
            break
        time.sleep(0.0002)
    os.kill(child, signal.SIGKILL)
    if _wait(child) != -signal.SIGKILL:
        return None
    return Kill(aim, round(time.perf_counter() - begun, 4), _newest(out), bool(_temporary(out) - left))


def _files(out: Path) -> list[Path]:
    folder = out / "checkpoints"
    return list(folder.iterdir()) if folder.is_dir() else []


def _newest(out: Path) -> int:
    """The number of the newest checkpoint; 0 if there is none."""
    return max((int(path.name[6:10]) for path in _files(out) if path.suffix == ".safetensors"), default=0)


def _temporary(out: Path) -> set[str]:
    return {path.name for path in _files(out) if path.suffix == ".part"}


def _outcome(out: Path) -> Any:
    """The arrays and the history of the last checkpoint."""
    from bpnet.formats.container import read

    content = read(max(path for path in _files(out) if path.suffix == ".safetensors"))
    return content.arrays, content.facts["history"], content.facts["epochs_seen"], content.facts["learning_rate"]


def _difference(found: Any, expected: Any) -> str:
    """The first thing that is not the same bit by bit."""
    (arrays, *facts), (others, *rest) = found, expected
    if facts != rest:
        return f"history: {facts}, expected {rest}"
    for name in {**arrays, **others}:
        a, b = arrays.get(name), others.get(name)
        if a is None or b is None or a.dtype != b.dtype or a.tobytes() != b.tobytes():
            return f"array {name}"
    return ""


def _tell(number: int, trial: Trial) -> None:
    kills = ", ".join(
        f"{kill.seconds:.2f} s after epoch {kill.epochs}{' while writing' if kill.half_written else ''}"
        for kill in trial.kills
    )
    print(f"{number + 1:>4} {trial.recipe:<7} {trial.difference or 'same'}; killed {kills}", flush=True)


def _save(given: argparse.Namespace, summary: dict[str, Any], trials: list[Trial]) -> None:
    now = datetime.now()
    path = given.out or Path(__file__).parents[1] / "results" / f"{now:%Y-%m-%dT%H%M%S}-kills.json"
    head = {"date": f"{now:%Y-%m-%dT%H:%M:%S}", "commit": commit(), "machine": machine(), "versions": versions()}
    head |= {"seed": given.seed, "backend": given.backend, "summary": summary}
    rows = ",\n".join(json.dumps(asdict(trial)) for trial in trials)
    path.write_text(f'{json.dumps(head, indent=1)[:-2]},\n "runs": [\n{rows}\n ]\n}}\n', encoding="utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
