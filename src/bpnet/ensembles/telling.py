"""What a search found, as text and as rows of a file."""

from __future__ import annotations

import csv
import io
from typing import Any

from bpnet.ensembles.ranking import Trial
from bpnet.ensembles.searching import Found

BEST = 10


def best_table(found: Found, most: int = BEST) -> str:
    """The best candidates: what was searched, the figures on held-out rows, and the epoch that was best."""
    figures = _figures(found)
    head = ["", *found.space.searched, *figures, *(["spread over folds"] if found.folds > 1 else []), "best epoch", ""]
    rows = [head]
    for place, trial in enumerate(found.trials[:most], 1):
        settings = [_short(trial.candidate.settings[name]) for name in found.space.searched]
        measured = [f"{trial.figures[name]:.4f}" if name in trial.figures else "" for name in figures]
        spread = [f"{max(trial.folds) - min(trial.folds):.4f}" if trial.folds else ""] if found.folds > 1 else []
        epochs = f"{trial.epoch} of {trial.epochs}"
        rows.append([f"{place}.", *settings, *measured, *spread, epochs, "diverged" if trial.diverged else ""])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines)


def summary(found: Found) -> str:
    """How many candidates were trained, how fast, and how many of them diverged."""
    count, asked = len(found.trials), found.asked
    trained = f"{count:,} of {asked:,} candidates" if count < asked else f"{count:,} candidates"
    folds = f", each on {found.folds} folds," if found.folds > 1 else ""
    return f"{trained}{folds} in {found.seconds:.1f} s, {found.per_minute:,.0f} a minute; {found.diverged:,} diverged"


def csv_text(found: Found) -> str:
    """A line a candidate, the best first: its settings, and its figures at its best epoch."""
    file = io.StringIO()
    settings = list(dict.fromkeys(name for trial in found.trials for name in trial.candidate.settings))
    figures = _figures(found)
    folds = [f"{found.by.figure} of fold {fold}" for fold in range(1, found.folds + 1)] if found.folds > 1 else []
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["rank", "candidate", *settings, *(f"val_{name}" for name in figures), *folds,
                     "best_epoch", "epochs", "diverged"])  # fmt: skip
    for rank, trial in enumerate(found.trials, 1):
        writer.writerow([
            rank, trial.candidate.number, *(trial.candidate.settings[name] for name in settings),
            *(_exact(trial, name) for name in figures), *((trial.folds or ("",) * len(folds)) if folds else ()),
            trial.epoch or "", trial.epochs, str(trial.diverged).lower(),
        ])  # fmt: skip
    return file.getvalue()


def settings_text(trial: Trial) -> str:
    """`learning_rate 0.01835, l2 1.81e-05`."""
    return ", ".join(f"{name} {_short(value)}" for name, value in trial.candidate.settings.items())


def _figures(found: Found) -> list[str]:
    """The one that ranks first."""
    names = dict.fromkeys(name for trial in found.trials for name in trial.figures)
    return [found.by.figure, *(name for name in names if name != found.by.figure)]


def _exact(trial: Trial, name: str) -> Any:
    return repr(trial.figures[name]) if name in trial.figures else ""


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
