"""What is to be seen in a figure, and whether all of it can be read."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg


def texts(figure):
    """Each text that is drawn, and their boxes in pixels as rows x0, y0, x1, y1."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown = []
    for axes in (axes for axes in figure.axes if axes.get_visible()):
        shown += [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        if axes.get_legend():
            shown += axes.get_legend().get_texts()
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            shown += [label for tick in ticks for label in (tick.label1, tick.label2)]
    shown = [text for text in shown if text.get_visible() and text.get_text().strip()]
    renderer = canvas.get_renderer()
    return [text.get_text() for text in shown], np.array([text.get_window_extent(renderer).extents for text in shown])


def assert_readable(figure, *, slack=1.0):
    """No text leaves the figure, and no two overlap, by more than `slack` pixels."""
    names, boxes = texts(figure)
    low, high = boxes[:, :2], boxes[:, 2:]
    size = figure.bbox.width, figure.bbox.height
    for name, out in zip(names, ((low < -slack) | (high > np.array(size) + slack)).any(axis=1), strict=True):
        assert not out, f"{name!r} leaves the figure"
    shared = np.minimum(high[:, None], high[None]) - np.maximum(low[:, None], low[None])
    both = np.triu((shared > slack).all(axis=2), k=1)
    assert not both.any(), [(names[i], names[j]) for i, j in np.argwhere(both)[:5]]
