"""`python -m bpnet_benchmarks.ranks.picture RECORD.json PICTURE.png`: predictions against measurements, and beyond."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bpnet_benchmarks.ranks.cost import efficiency
from bpnet_benchmarks.ranks.gpus import BATCHES, EACH, LARGEST, NETS, NVLINK, over_gpus, work

MARKERS = "osD^vP*Xd"
STYLES = {1_024: ":", 16_384: "--", 262_144: "-"}


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(prog="python -m bpnet_benchmarks.ranks.picture")
    parser.add_argument("record", type=Path, help="of bpnet_benchmarks.ranks.scaling, with the part `predicted`")
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 5.5), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    measured(left, json.loads(given.record.read_text(encoding="utf-8"))["predicted"])
    beyond(right)
    figure.savefig(given.picture)
    print(f"wrote {given.picture}")


def measured(axis: Any, places: list[dict[str, Any]]) -> None:
    """Predicted step time against the measured one, a marker a place."""
    times = [1e3 * row[name] for place in places for row in place["cells"] for name in ("without_overlap", "predicted")]
    ends = [min(times) / 1.5, max(times) * 1.5]
    axis.plot(ends, ends, color="grey", linewidth=1, label="exact")
    axis.fill_between(ends, [end / 1.5 for end in ends], [end * 1.5 for end in ends], color="grey", alpha=0.15)
    for place, marker in zip(places, MARKERS, strict=False):
        rows = place["cells"]
        axis.plot(
            [1e3 * row["without_overlap"] for row in rows],
            [1e3 * row["predicted"] for row in rows],
            marker,
            markersize=8,
            fillstyle="none",
            markeredgewidth=1.6,
            label=place["place"],
        )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("measured step, ms")
    axis.set_ylabel("predicted step, ms")
    axis.set_title("Measured here, without overlap (grey: within a factor of 1.5)")
    axis.grid(alpha=0.3, which="both")
    axis.legend(fontsize=8)


def beyond(axis: Any) -> None:
    """Efficiency against the number of GPUs, as the model has it."""
    counts = [2**power for power in range(LARGEST.bit_length())]
    for (name, sizes), marker in zip(NETS.items(), MARKERS, strict=False):
        own = work(sizes)
        for batch in BATCHES:
            shares = [100 * efficiency(own, NVLINK, count, batch, over_gpus) for count in counts]
            label = f"{name}, batch {batch:,}"
            axis.plot(counts, shares, STYLES[batch], marker=marker, color="black", markersize=5, label=label)
    axis.axvline(EACH, color="grey", linewidth=1)
    axis.axhline(50, color="grey", linewidth=1)
    axis.annotate("one machine", (EACH, 101), fontsize=8, ha="right", xytext=(-3, 0), textcoords="offset points")
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set_ylim(0, 106)
    axis.set_xlabel("GPUs")
    axis.set_ylabel("efficiency, %")
    axis.set_title("Extrapolated, not measured: H100, NVLink, InfiniBand NDR")
    axis.grid(alpha=0.3, which="both")
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0))


if __name__ == "__main__":
    main()
