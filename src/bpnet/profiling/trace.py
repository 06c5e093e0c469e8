"""A profile as a trace that chrome://tracing and Perfetto show: the parts one after another.

The format is Chrome's "Trace Event Format": `ph` X is a complete event, `ts` and `dur` are microseconds.
"""

from __future__ import annotations

import json

from bpnet.profiling.profile import Profile


def trace(profile: Profile, title: str) -> str:
    """JSON: an event a part, which begins where the one before has ended."""
    events: list[dict[str, object]] = [{"ph": "M", "pid": 1, "tid": 1, "name": "thread_name", "args": {"name": title}}]
    begin = 0.0
    for line in profile.lines:
        micro = line.seconds * 1e6
        args = {
            "shape": list(line.shape),
            "bytes": line.bytes,
            "flop": line.flop,
            "share_of_step": profile.share_of_step(line),
            "share_of_peak": profile.share_of_peak(line),
        }
        events.append(
            {"ph": "X", "pid": 1, "tid": 1, "cat": "step", "name": line.op, "ts": begin, "dur": micro, "args": args}
        )
        begin += micro
    other = {"whole_step_us": profile.step_seconds * 1e6, "batch_size": profile.batch_size}
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ns", "otherData": other}, ensure_ascii=False)
