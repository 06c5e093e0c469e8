"""The summary's account of skipped tests: one line a reason, with the number of tests."""

from __future__ import annotations

from collections import Counter

import pytest


def account(terminalreporter: pytest.TerminalReporter) -> list[str]:
    """`104 skipped: cupy: no NVIDIA driver …`, the most frequent reason first."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    return [f"{count} skipped: {reason}" for reason, count in reasons.most_common()]
