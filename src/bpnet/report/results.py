"""The parts of a report that say how good a model is."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from bpnet.report.charts import (
    Draw,
    heat_map,
    predicted_against_true,
    residual_histogram,
    residuals_against_predicted,
)
from bpnet.report.html import Content, element, short, table
from bpnet.report.outcome import Classification, Outcome, Regression, in_words, number

MOST_CLASSES = 15
"""Of more classes the confusion matrix is a picture."""


def figures(parts: Mapping[str, Outcome]) -> Element:
    """A row for each figure, a column for each part of the data."""
    said = {name: in_words(part.figures) for name, part in parts.items()}
    first = next(iter(said.values()))
    rows: list[list[Content]] = [["rows", *(f"{len(part):,}" for part in parts.values())]]
    rows += [[name, *(each[name] for each in said.values())] for name in first]
    return table(["", *parts], rows, numbers=range(1, len(parts) + 1))


def cards(figures: Mapping[str, str], beneath: Mapping[str, str]) -> Element:
    """The figures that one looks for first; below each what it is, and what it would be without a network."""
    return element("div", *(_card(name, said, beneath.get(name)) for name, said in figures.items()), class_="cards")


def _card(name: str, said: str, without: str | None) -> Element:
    lines = [element("b", said), element("span", name)]
    return element("div", *lines, *([element("span", f"no network: {without}")] if without else []), class_="card")


def tables(outcome: Outcome) -> list[Element]:
    """The confusion matrix, or the most frequent mistakes, and each class; of a regression the spread of the errors."""
    if isinstance(outcome, Regression):
        said = in_words(outcome.residuals)
        return [element("p", "Errors, predicted - true:"), table(list(said), [list(said.values())], numbers=range(9))]
    found = [_matrix(outcome)] if len(outcome.classes) <= MOST_CLASSES else [_mistakes(outcome)]
    each: list[list[Content]] = [
        [short(name), f"{rows:,}", number(precision), number(recall)]
        for name, rows, precision, recall in outcome.each_class()
    ]
    return [
        *found,
        element("p", "Precision: the share of the rows predicted so that are so. Recall: the share of the rows that "
                "are so that were predicted so.", class_="quiet"),
        table(["class", "rows", "precision", "recall"], each, numbers=(1, 2, 3)),
    ]  # fmt: skip


def charts(outcome: Outcome) -> dict[str, Draw]:
    """The pictures of a result, by their titles."""
    if isinstance(outcome, Regression):
        given = outcome.true, outcome.predicted, outcome.target
        return {
            "Predicted against true": predicted_against_true(*given),
            "Errors against the prediction": residuals_against_predicted(*given),
            "How often an error of which size": residual_histogram(*given),
        }
    if len(outcome.classes) > MOST_CLASSES:
        return {f"Confusion of the {len(outcome.classes)} classes": heat_map(outcome.counts)}
    return {}


def _matrix(outcome: Classification) -> Element:
    """Counts in the cells; the darker, the larger the share of the class's rows; what is right is framed."""
    counts = outcome.counts
    names = [short(name, 24) for name in outcome.classes]
    caption = element("caption", "Confusion matrix: a line for each true class, a column for each predicted one. "
                      "Framed: right.")  # fmt: skip
    head = element("tr", element("th", "true \\ predicted", scope="col"),
                   *(element("th", name, scope="col") for name in names))  # fmt: skip
    lines = []
    for i, name in enumerate(names):
        shares = counts[i] / max(counts[i].sum(), 1)
        cells = [
            element("td", f"{counts[i, j]:,}", style=f"background: rgba(var(--cell), {0.6 * shares[j]:.2f})",
                    class_="right" if i == j else "wrong")
            for j in range(len(names))
        ]  # fmt: skip
        lines.append(element("tr", element("th", name, scope="row"), *cells))
    matrix = element("table", caption, element("thead", head), element("tbody", *lines), class_="matrix")
    return element("div", matrix, class_="wide", tabindex="0")


def _mistakes(outcome: Classification) -> Element:
    rows: list[list[Content]] = [[short(true), short(taken), f"{count:,}"] for true, taken, count in outcome.mistakes()]
    return table(["true class", "taken for", "rows"], rows, numbers=(2,))
