"""A command in many processes: rank 0 alone prints, writes and draws, and an error is told once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import click

from bpnet.cli.options import FAILED, REFUSED
from bpnet.distributed import agreement
from bpnet.distributed.agreement import DisagreementError, RankError
from bpnet.distributed.choosing import communicator, joined, leave
from bpnet.distributed.launch import LaunchError, launched, turn
from bpnet.training.communicator import Communicator, LostPeerError, ToldElsewhere

TURN = 0.3
"""Seconds from one rank's turn to tell an error to the next one's."""


def as_a_rank(command: Callable[[], Any]) -> int:
    """The exit code of `command`, which raises click's exceptions, as that of one rank of several.

    An error that comes before the ranks have agreed is told by rank 0 for all. Later every rank would tell its own, but
    takes its turn: the launcher ends all ranks as soon as one has ended, so that one alone is heard.
    """
    rank = 0
    try:
        launch = launched()
        rank = 0 if launch is None else launch.rank
        with _silent() if rank else ExitStack():
            code = command()
        leave()
        return int(code or 0)
    except ToldElsewhere as error:
        return int(error.code or FAILED)
    except LaunchError as error:
        return _each_machine(error)
    except click.Abort:
        if rank == 0:
            click.echo("Aborted!", err=True)
        return _ended(FAILED)
    except click.ClickException as error:
        return _told(error, rank)


def own_rank() -> int:
    """The number of this process, which joins the others where there are some; 0 where it is alone."""
    others = communicator()
    return 0 if others is None else others.rank


def together() -> str:
    """What a run says of the processes that share it; nothing where it has one."""
    others = communicator()
    return "" if others is None else f", shared by {others.size} processes over {others.name}"


def require_one_process(command: str, instead: str) -> None:
    """LaunchError, on rank 0 alone, where the command was launched in several processes and each would do all of it."""
    launch = launched()
    if launch is None or (launch.size is None and communicator() is None):
        return
    if launch.rank:
        time.sleep(agreement.GRACE)
        raise ToldElsewhere(REFUSED)
    raise LaunchError(f"{command} is not shared by processes. Mend: run it without torchrun or mpiexec; {instead}")


def _told(error: click.ClickException, rank: int) -> int:
    try:
        others = joined() if isinstance(error.__cause__, ImportError | LaunchError | LostPeerError) else communicator()
        message, code = _of_all(error, others)
    except ToldElsewhere as silent:
        return int(silent.code or FAILED)
    except (ValueError, ImportError, LostPeerError):
        message, code = None, error.exit_code
    if message is not None:
        click.echo(f"Error: {message}", err=True)
        return code
    if rank:
        time.sleep(agreement.GRACE + TURN * min(rank, 20))
    own = "" if rank == 0 or isinstance(error.__cause__, LostPeerError) else f"rank {rank}: "
    click.echo(f"Error: {own}{error.format_message()}", err=True)
    return _ended(error.exit_code)


def _of_all(error: click.ClickException, others: Communicator | None) -> tuple[str | None, int]:
    """What rank 0 tells for all, with the exit code; None where this rank tells its own."""
    known = error.__cause__
    if isinstance(known, DisagreementError | RankError):
        return error.format_message(), getattr(known, "code", error.exit_code)
    if others is not None and not agreement.has_agreed(others):
        try:
            agreement.fail_together(others, error.format_message(), error.exit_code)
        except RankError as gathered:
            return str(gathered), gathered.code
    return None, error.exit_code


def _each_machine(error: LaunchError) -> int:
    if (when := turn()) is not None:
        time.sleep(when * agreement.GRACE)
        click.echo(f"Error: {error}", err=True)
    return REFUSED


def _ended(code: int) -> int:
    """End the other ranks too, where nobody else does."""
    others: Any = joined()
    if others is not None:
        others.abandon(code)
    return code


@contextmanager
def _silent() -> Iterator[None]:
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield
