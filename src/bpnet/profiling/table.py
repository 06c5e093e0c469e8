"""A profile as a table for a terminal."""

from __future__ import annotations

from textwrap import fill

from bpnet.profiling.profile import Profile

HEADER = ("op", "shape", "µs", "share", "bytes", "FLOP", "of peak")

LONGEST = 58
"""Characters of an op."""

WIDTH = 100
"""Of the notes."""


def table(profile: Profile) -> str:
    """A line a part, their sum, and what a whole step takes."""
    rows = [HEADER]
    for line in profile.lines:
        shape = "×".join(map(str, line.shape)) or "1"
        op = line.op if len(line.op) <= LONGEST else line.op[: LONGEST - 1] + "…"
        share, of_peak = profile.share_of_step(line), profile.share_of_peak(line)
        rows.append((op, shape, *_figures(line.seconds, share, line.bytes, line.flop, of_peak)))
    moved, flop = sum(line.bytes for line in profile.lines), sum(line.flop for line in profile.lines)
    least = sum(profile.peak.least_seconds(line.flop, line.bytes) for line in profile.lines)
    rows.append(("sum of the parts", "", *_figures(profile.seconds, 1.0, moved, flop, least / profile.seconds)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_aligned(row, widths) for row in rows]
    rule = "-" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], "", *_notes(profile, least)])


def _notes(profile: Profile, least: float) -> list[str]:
    whole, peak = profile.step_seconds, profile.peak
    notes = [
        f"A whole step, as training makes it: {_micro(whole)} µs, {profile.batch_size / whole:,.0f} samples/s, "
        f"{least / whole:.0%} of peak.",
        "Each part was timed alone, many times in a row: what lies in the caches, what starting costs, and what may "
        "overlap are not as in a step, so the sum of the parts is not its time.",
    ]
    if profile.of_layers:
        notes.append(
            "This backend does not tell its parts: they are layers here. FLOP are those of products alone, bytes those "
            "of what goes into a layer and comes out of it."
        )
    fastest, (largest, slow) = max(rate for _, rate in peak.copies), peak.copies[-1]
    notes.append(
        f"Peak, measured at the start: {peak.flops / 1e9:,.0f} GFLOP/s (product), {fastest / 1e9:,.0f} GB/s (fastest "
        f"copy), {slow / 1e9:,.0f} GB/s (copy of {largest >> 20} MiB). Of peak: max(FLOP / peak, bytes / rate of a "
        "copy of that size) over the time; above 100% where the machine was busier then, or the data nearer."
    )
    return [fill(note, WIDTH) for note in notes]


def _figures(seconds: float, share: float, moved: int, flop: int, of_peak: float) -> tuple[str, str, str, str, str]:
    return _micro(seconds), f"{share:.1%}", f"{moved:,}", f"{flop:,}", f"{of_peak:.0%}"


def _micro(seconds: float) -> str:
    micro = seconds * 1e6
    return f"{micro:,.2f}" if micro < 100 else f"{micro:,.0f}"


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    """The first two columns on the left, the others on the right."""
    left = [f"{cell:<{width}}" for cell, width in zip(row[:2], widths, strict=False)]
    right = [f"{cell:>{width}}" for cell, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join([*left, *right])
