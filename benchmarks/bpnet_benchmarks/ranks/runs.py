"""`bpnet train` in several processes, seen from outside: which are its ranks, how it ends, what it leaves behind.

Under mpiexec each rank is a process that starts from nothing. torchrun's agent (`elastic_launch`) and its ranks are
forked from a process that has imported all, but has no threads yet: else most of the time went to imports.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree

from bpnet_benchmarks.processes import environment
from bpnet_benchmarks.ranks.launch import launcher

RANK_VARIABLES = ("RANK", "PMI_RANK")


@dataclass
class Run:
    """A launcher and its ranks."""

    launcher: int
    """The number of its process."""
    out: Path
    code: int | None = None
    """The exit code, once it has ended."""
    begun: float = field(default_factory=time.perf_counter)

    @classmethod
    def start(cls, engine: str, ranks: int, given: Sequence[str], out: Path, seconds: float, restarts: int = 0) -> Run:
        """`bpnet train GIVEN` with a BPNET_TIMEOUT of so many seconds; files of its own go beside `out`.

        `engine`: gloo, mpi, or "" for a process alone.
        """
        seen = out.with_suffix(".ranks")
        rmtree(seen, ignore_errors=True)
        seen.mkdir()
        variables = {"BPNET_TIMEOUT": f"{seconds:g}"}
        if engine == "mpi":
            with out.with_suffix(".log").open("wb") as log:
                process = subprocess.Popen(
                    [*launcher(engine, ranks), "bpnet_benchmarks.ranks.runs", str(seen), *given],
                    env={**environment(1), **variables},
                    stdin=subprocess.DEVNULL,
                    stdout=log,  # mpiexec says there why it ends
                    stderr=log,
                )
            process.returncode = 0  # it is ours to wait for
            return cls(process.pid, out)

        def agent() -> None:
            os.environ.update(variables)
            if engine == "":
                train(seen, given)
            else:
                _elastic(ranks, restarts, seen, given)

        return cls(_forked(agent, out.with_suffix(".log")), out)

    def seconds(self) -> float:
        """Since its start."""
        return time.perf_counter() - self.begun

    def is_over(self) -> bool:
        """Has the launcher ended?"""
        if self.code is None:
            number, status = os.waitpid(self.launcher, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if number else None
        return self.code is not None

    def rank(self, rank: int) -> int | None:
        """The number of the process that is this rank now, if it is alive."""
        file = self.out.with_suffix(".ranks") / str(rank)
        with suppress(OSError, ValueError):
            number = int(file.read_text())
            if is_alive(number):
                return number
        return None

    def wait(self, limit: float) -> int | None:
        """The launcher's exit code; None where it has not ended within so many seconds."""
        until = time.perf_counter() + limit
        while not self.is_over() and time.perf_counter() < until:
            time.sleep(0.01)
        return self.code

    def end(self) -> list[int]:
        """Kill what is left of it; the ranks that had been."""
        files = self.out.with_suffix(".ranks").iterdir()
        left = {int(file.name): number for file in files if (number := self.rank(int(file.name))) is not None}
        for number in left.values():
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        if not self.is_over():
            os.kill(self.launcher, signal.SIGKILL)
            self.wait(60)
        return sorted(left)


def is_alive(number: int) -> bool:
    """Is there a process of this number that has not ended?"""
    with suppress(OSError):
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def train(seen: Path, arguments: Sequence[str]) -> None:
    """`bpnet train`, after a note of which rank this process is. SystemExit with its exit code, unless it is 0."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a rank that is forked has its agent's handler
    rank = next((os.environ[name] for name in RANK_VARIABLES if name in os.environ), "0")
    note = seen / f"{rank}.new"
    note.write_text(str(os.getpid()))
    note.rename(seen / rank)
    from bpnet.cli import main as bpnet

    try:
        bpnet(["train", *arguments], prog_name="bpnet")
    except SystemExit as end:
        if end.code:
            raise


def _elastic(ranks: int, restarts: int, seen: Path, arguments: Sequence[str]) -> None:
    """What torchrun --standalone does, with ranks that are forked."""
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=ranks,
        run_id=str(os.getpid()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=restarts,
        start_method="fork",
    )
    elastic_launch(config, train)(seen, arguments)


def _forked(work: Callable[[], None], log: Path) -> int:
    """The number of the process that does it; what it writes to standard error is in `log`."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        silent, told = os.open(os.devnull, os.O_RDWR), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(silent, 0)
        os.dup2(silent, 1)
        os.dup2(told, 2)
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    finally:
        sys.stderr.flush()
        os._exit(status)


def files(out: Path) -> list[Path]:
    """The checkpoints, in order."""
    folder = out / "checkpoints"
    return sorted(path for path in folder.iterdir() if path.suffix == ".safetensors") if folder.is_dir() else []


def newest(out: Path) -> int:
    """The number of the last epoch that has a checkpoint; 0 if none has."""
    return max((int(path.name[6:10]) for path in files(out)), default=0)


if __name__ == "__main__":
    train(Path(sys.argv[1]), sys.argv[2:])
