"""A report as tables of text, which both plain text and Markdown are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from bpnet.cli.doctor.equality import Check
from bpnet.cli.doctor.examination import Report
from bpnet.cli.doctor.fault import Fault
from bpnet.cli.doctor.probes import Probe
from bpnet.cli.doctor.threads import Pool


@dataclass(frozen=True)
class Section:
    """A title with a table, a list below it, or both."""

    title: str
    header: tuple[str, ...] = ()
    rows: Sequence[tuple[str, ...]] = ()
    notes: Sequence[str] = ()


def sections(report: Report) -> list[Section]:
    """Everything in the report, the verdict last."""
    return [
        Section("Versions", ("what", "version"), [(name, v or "not installed") for name, v in report.versions.items()]),
        _asked(report),
        Section("Backends", ("backend", "state", "device, or the reason why not"), [*map(_probe, report.backends)]),
        _equality(report),
        _cuda(report),
        _tf32(report),
        _threads(report),
        Section("Many processes", ("launched by", "engine"), [*report.engines.items()]),
        *([Section("Warnings", notes=[*map(lines, report.warnings)])] if report.warnings else []),
        _verdict(report),
    ]


def lines(fault: Fault) -> str:
    """The reason, and the mend on a line of its own."""
    return f"{fault.reason}\nMend: {fault.mend}" if fault.mend else fault.reason


def _asked(report: Report) -> Section:
    asked = report.asked
    if asked.chosen is None:
        chosen = "none: bpnet raises an exception"
    else:
        chosen = f"{asked.chosen} on {asked.device}" + ("" if asked.usable else ", in place of the one asked for")
    strict = {None: "not 0 or 1", True: "on: bpnet raises where the backend asked for cannot be used", False: "off"}
    rows = [
        ("backend asked for", f"{asked.spec} ({asked.source})"),
        ("backend chosen", chosen),
        ("float type (BPNET_DTYPE)", asked.dtype or "none: bpnet raises an exception"),
        ("strict (BPNET_STRICT)", strict[asked.strict]),
    ]
    return Section("Settings", ("setting", "value"), rows)


def _probe(probe: Probe) -> tuple[str, ...]:
    return probe.spec, probe.status, lines(probe.fault) if probe.fault else probe.device or ""


def _equality(report: Report) -> Section:
    header = ("backend", "float type", "outputs", "gradient", "limit", "seconds", "verdict")
    note = "One forward and one backward pass of a network 8-16-4; the errors are |x - x0| / |x0|, x0 of NumPy float64."
    return Section("Equality with NumPy", header, [*map(_check, report.equality)], [note])


def _check(check: Check) -> tuple[str, ...]:
    errors = ["-" if error is None else f"{error:.1e}" for error in (check.output_error, check.gradient_error)]
    verdict = "equal" if check.ok else "NOT COMPARED" if check.output_error is None else "NOT EQUAL"
    return check.spec, check.dtype, *errors, f"{check.limit:.0e}", f"{check.seconds:.2f}", verdict


def _cuda(report: Report) -> Section:
    rows = [
        ("NVIDIA driver, at most", str(report.cuda.driver)),
        ("CuPy's runtime", str(report.cuda.cupy)),
        ("PyTorch's build", str(report.cuda.torch)),
        ("CuPy distributions", ", ".join(f"{d.name} {d.version}" for d in report.cupy_distributions) or "none"),
    ]
    return Section("CUDA", ("what", "version"), rows)


def _tf32(report: Report) -> Section:
    tf32 = report.tf32
    rows = [(name, f"{tf32.at_start[name]} at start, {now} now") for name, now in tf32.now.items()]
    rows += [(name, "not set" if value is None else value) for name, value in tf32.environment.items()]
    return Section("TF32", ("flag", "value"), rows, [tf32.note, *([tf32.missing] if tf32.missing else [])])


def _threads(report: Report) -> Section:
    found = report.threads
    usable = "" if found.usable_cpus is None else f", {found.usable_cpus} usable by this process"
    rows = [
        ("CPUs", f"{found.cpus or 'unknown'}{usable}"),
        ("NumPy's BLAS", str(found.numpy_blas)),
        *map(_pool, found.pools),
        *([("thread pools", f"none: {found.pools_missing}")] if found.pools_missing else []),
        ("PyTorch's threads", str(found.torch)),
        *found.environment.items(),
    ]
    return Section("Threads", ("what", "value"), rows)


def _pool(pool: Pool) -> tuple[str, str]:
    place = "/".join(PurePath(pool.file).parts[-2:])
    return f"{pool.library} {pool.version or ''}".strip(), f"{pool.threads} threads ({place})"


def _verdict(report: Report) -> Section:
    if report.ok:
        return Section("Verdict", notes=[f"bpnet runs here, on {report.asked.chosen} ({report.asked.device})."])
    return Section("Problems", notes=[*map(lines, report.problems)])
