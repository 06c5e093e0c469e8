"""Where a picture is drawn, and how its words are set."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

MARKERS = "os^Dv*PX<>"
"""One for each class, again from the first after ten."""

LONGEST = 28
"""Letters of a name that are shown."""


def new_figure(width: float, height: float) -> Any:
    """An empty figure of that size in inches. ImportError where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise ImportError('bpnet.plot draws with matplotlib, which is not installed. Mend: pip install ".[plot]"')
    from bpnet.plot.picture import Picture

    return Picture(width, height)


def axes_on(ax: Any, width: float, height: float) -> Any:
    """The axes that were given, or those of a new figure of that size in inches."""
    if ax is None:
        return new_figure(width, height).subplots()
    if not (hasattr(ax, "plot") and hasattr(ax, "get_figure")):
        raise TypeError(f"ax: {ax!r} was given, expected matplotlib's axes. Mend: ax=figure.subplots()")
    return ax


def figure_on(figure: Any, width: float, height: float) -> Any:
    """The empty figure that was given, or a new one of that size in inches."""
    if figure is None:
        return new_figure(width, height)
    if not hasattr(figure, "subplots") or not hasattr(figure, "axes"):
        raise TypeError(f"figure: {figure!r} was given, expected matplotlib's Figure. Mend: leave it out for a new one")
    if figure.axes:
        raise ValueError("figure: it has axes already, expected an empty one. Mend: figure.clear(), or leave it out")
    return figure


def shortened(name: object, most: int = LONGEST) -> str:
    """The name on one line of at most so many letters; what is left out of its middle is an ellipsis."""
    text = " ".join(str(name).split())
    return text if len(text) <= most else f"{text[: most - most // 2 - 1]}…{text[len(text) - most // 2 :]}"


def name_ticks(axis: Any, names: Sequence[str], every: int = 1, **settings: Any) -> None:
    """A tick for each name, or for one of `every` so many, at 0, 1, 2, …; a `$` in one is a dollar."""
    axis.set_ticks(range(0, len(names), every), names[::every], parse_math=False, **settings)


def legend(ax: Any, handles: Sequence[Any], names: Sequence[str], **settings: Any) -> None:
    """Names are set as they are: a leading `_` does not hide one, and `$` is a dollar."""
    frame = ax.legend(handles, ["name"] * len(names), **settings)
    for text, name in zip(frame.get_texts(), names, strict=True):
        text.set(text=name, parse_math=False)
