"""A training run on a table as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from bpnet.report.charts import Draw, curve
from bpnet.report.drawing import each
from bpnet.report.html import element, facts, page, section, short, table
from bpnet.report.outcome import Outcome, in_words
from bpnet.report.results import cards, charts, figures, tables

HEADLINES = ("R²", "root mean squared error", "mean absolute error", "accuracy", "balanced accuracy", "log loss",
             "area under the ROC curve")  # fmt: skip

NAMES = {"r2": "R²", "mse": "mean squared error", "mae": "mean absolute error"}

NO_NETWORK = (
    "No network: what the mean of the target would do, or always the most frequent class of the rows it learned from."
)


@dataclass(frozen=True)
class Column:
    """A column of the data, in words."""

    name: str
    use: str
    kind: str
    missing: int
    values: str


@dataclass(frozen=True)
class Report:
    """What a report says. Of `parts` the first is the one that the pictures and the headlines are of."""

    title: str
    lead: str
    parts: Mapping[str, Outcome]
    without: Outcome | None = None
    """What one gets on the first part without a network."""
    notes: Sequence[str] = ()
    made: Mapping[str, str] = field(default_factory=dict)
    """How the model came about: file, seed, versions."""
    columns: Sequence[Column] = ()
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    epochs: Sequence[int] = ()
    kept: int | None = None
    """The epoch, counted from 0, whose weights were kept; None: the last."""
    loss: str = "loss"
    network: str = ""
    commands: Mapping[str, str] = field(default_factory=dict)
    """What to do next, and the command that does it."""


def html(report: Report, *, pictures: bool = True) -> str:
    """The whole file. Without `pictures`, or without matplotlib, it has its figures and tables."""
    drawn = pictures and find_spec("matplotlib") is not None
    name, outcome = next(iter(report.parts.items()))
    said = in_words(outcome.figures)
    without = in_words(report.without.figures) if report.without else {}
    notes = [*report.notes, *([] if drawn or not pictures else ["No pictures: matplotlib is not installed."])]
    without_network = {"no network": report.without} if report.without else {}
    return page(
        report.title,
        element("header", element("h1", report.title), element("p", report.lead)),
        *(element("p", note, class_="note") for note in notes),
        cards({key: said[key] for key in HEADLINES if key in said}, without),
        section("Results", figures({**report.parts, **without_network}), element("p", NO_NETWORK, class_="quiet")),
        section(f"On the {name} rows", *_pictures(charts(outcome), drawn, 0), *tables(outcome)),
        section("Training", *_pictures(_curves(report), drawn, 10), _last(report)),
        section("Data", table(["column", "use", "kind", "missing", "values"],
                              map(_cells, report.columns), numbers=(3,))),
        section("Network", element("pre", report.network)),
        section("How it was made", facts((key, value) for key, value in report.made.items())),
        section("What to do with it", *(part for why, how in report.commands.items()
                                        for part in (element("p", why), element("pre", how)))),
    )  # fmt: skip


def _curves(report: Report) -> dict[str, Draw]:
    """The loss, and each metric that training reported."""
    drawn: dict[str, Draw] = {}
    for name in report.history:
        if not name.startswith("val_") and len(report.history[name]):
            said = NAMES.get(name, name.replace("_", " "))
            title = f"{said[:1].upper()}{said[1:]} after each epoch" + (f": {report.loss}" if name == "loss" else "")
            drawn[title] = curve(report.history, report.epochs, name, said, report.kept)
    return drawn


def _last(report: Report) -> Any:
    """The figures of the kept epoch and of the last one."""
    if not report.epochs:
        return element("p", "No epoch was finished.")
    last = len(report.epochs) - 1
    shown = {last: f"last: epoch {report.epochs[last] + 1}"}
    if report.kept is not None and report.kept in report.epochs:
        shown = {list(report.epochs).index(report.kept): f"kept: epoch {report.kept + 1}", **shown}
    rows = [
        [_said(name), *(in_words({"": report.history[name][at]})[""] for at in shown)]
        for name in report.history
        if len(report.history[name]) == len(report.epochs)
    ]
    return table(["", *shown.values()], rows, numbers=range(1, len(shown) + 1))


def _said(name: str) -> str:
    """A figure of the history in words."""
    held_out, bare = name.startswith("val_"), name.removeprefix("val_")
    return f"{'validation ' * held_out}{NAMES.get(bare, bare.replace('_', ' '))}"


def _pictures(drawn: Mapping[str, Draw], wanted: bool, first: int) -> list[Any]:
    if not wanted or not drawn:
        return []
    return [element("div", *each(drawn, first), class_="pictures")]


def _cells(column: Column) -> list[str]:
    missing = f"{column.missing:,}" if column.missing else "-"
    return [short(column.name, 60), column.use, column.kind, missing, column.values]
