"""All facts, in the order in which they must be gathered. Nothing is printed."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any

from bpnet.backend import BackendFallbackWarning
from bpnet.cli.doctor import cuda, distributions, engines, equality, probes, tf32
from bpnet.cli.doctor.asked import Asked, ask
from bpnet.cli.doctor.fault import Fault
from bpnet.cli.doctor.library import imported
from bpnet.cli.doctor.threads import Threads, threads


@dataclass(frozen=True)
class Report:
    """What the doctor found."""

    asked: Asked
    backends: list[probes.Probe]
    equality: list[equality.Check]
    cupy_distributions: list[distributions.Distribution]
    cuda: cuda.Cuda
    threads: Threads
    tf32: tf32.Tf32
    engines: dict[str, str]
    versions: dict[str, str | None]
    warnings: list[Fault]

    @property
    def problems(self) -> list[Fault]:
        """What makes the exit code 1."""
        return [*self.asked.faults, *(check.fault for check in self.equality if check.fault)]

    @property
    def ok(self) -> bool:
        """True where there is no problem."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, strings and numbers."""
        return {"ok": self.ok, "problems": [asdict(problem) for problem in self.problems], **asdict(self)}


def examine(option: str | None) -> Report:
    """Examine this machine; `option` is the backend asked for in place of BPNET_BACKEND."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", BackendFallbackWarning)  # its reason is in the report as a problem
        report = _examine(option)
    report.warnings.extend(Fault.said(_line(each)) for each in caught)
    return report


def _examine(option: str | None) -> Report:
    before_torch, after_torch = probes.specs()
    found, compared = _try(before_torch)
    cupy = imported("cupy")
    torch = imported("torch")
    at_start = tf32.flags(torch)
    more_found, more_compared = _try(after_torch)
    found, compared = found + more_found, compared + more_compared
    asked, chosen = ask(option)
    if asked.usable and chosen is not None and asked.spec not in ("auto", *before_torch, *after_torch):
        compared += equality.checks(asked.spec, chosen)

    installed = distributions.installed()
    versions = cuda.Cuda(cuda.driver_version(), cuda.cupy_version(cupy), cuda.torch_version(torch))
    environment = tf32.environment()
    return Report(
        asked=asked,
        backends=found,
        equality=compared,
        cupy_distributions=distributions.cupy_distributions(installed),
        cuda=versions,
        threads=threads(torch, imported("threadpoolctl")),
        tf32=tf32.Tf32(at_start, tf32.flags(torch), torch.missing, environment),
        engines=engines.found(torch),
        versions=distributions.versions(installed),
        warnings=[
            *distributions.cupy_warnings(installed),
            *cuda.cuda_warnings(versions.driver.value, versions.cupy.value, versions.torch.value),
            *tf32.tf32_warnings(environment),
        ],
    )


def _try(specs: list[str]) -> tuple[list[probes.Probe], list[equality.Check]]:
    """Make each backend, and compare it with NumPy at once: before the next one is imported."""
    found, compared = [], []
    for spec in specs:
        probe, backend = probes.probe(spec)
        found.append(probe)
        if backend is not None:
            compared += equality.checks(spec, backend)
    return found, compared


def _line(each: warnings.WarningMessage) -> str:
    return f"{each.category.__name__}: {' '.join(str(each.message).split())}"
