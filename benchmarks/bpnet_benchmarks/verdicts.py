"""Is a target met? Kinds of targets, each judged from what was recorded: pass, MISS, or not measured and why."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bpnet_benchmarks.record import Cell, Record
from bpnet_benchmarks.tables import duration

PASS, MISS = "pass", "MISS"

Where = tuple[str, int]
"""A workload and a batch size."""


LONGEST = 80
"""Characters of a reason; the records have the whole."""


class NotMeasuredError(Exception):
    """A figure is missing; the message says why."""


@dataclass
class Figures:
    """What runs recorded: steps on a GPU, and the ceilings of products."""

    records: Sequence[Record] = ()
    ceilings: Mapping[str, float] = field(default_factory=dict)
    """By precision: FLOP a second."""
    net_steps: Mapping[tuple[str, str, int], float] = field(default_factory=dict)
    """By backend, net and batch size: steps a second of many nets at once, counted for each net."""

    def cells(self) -> Iterator[Cell]:
        """Steps on a GPU that count; of several of one contender at one place, that of the last file."""
        found = {
            (cell.contender, cell.workload, cell.batch): cell
            for record in self.records
            for cell in record.cells
            if cell.mode == "step" and cell.on_gpu and cell.counts
        }
        yield from found.values()

    def seconds(self, contender: str, where: Where) -> float:
        """Of a step, the median. NotMeasuredError: there is none."""
        for cell in self.cells():
            if (cell.contender, cell.workload, cell.batch) == (contender, *where):
                return cell.median
        raise NotMeasuredError(f"{contender}: {self._reason(contender, where)}")

    def flop(self, where: Where) -> int:
        """Of a step."""
        workload, batch = where
        return next(each.workloads[workload].flop(batch) for each in self.records if workload in each.workloads)

    def _reason(self, contender: str, where: Where) -> str:
        workload, batch = where
        for record in self.records:
            for cell in record.cells:
                if (cell.contender, cell.workload, cell.batch) == (contender, *where) and cell.thrown_out:
                    return cell.thrown_out.splitlines()[-1].strip()
            for each in record.left_out:
                if each.contender == contender and each.where in ("", f"{workload}, batch {batch}"):
                    return each.reason
        return "no file has it"


@dataclass(frozen=True)
class Verdict:
    """A line of the table."""

    case: str
    measured: str
    target: str
    outcome: str
    """PASS, MISS, or `not measured (why)`."""


@dataclass(frozen=True)
class Target(ABC):
    """What is to be reached, and where."""

    case: str
    where: Where

    @abstractmethod
    def target(self) -> str:
        """In words."""

    @abstractmethod
    def judged(self, figures: Figures) -> tuple[str, bool]:
        """What was measured, in words, and whether it is enough. NotMeasuredError: a figure is missing."""

    def verdict(self, figures: Figures) -> Verdict:
        """The line of the table."""
        workload, batch = self.where
        case = f"{self.case}: {workload}, batch {batch}"
        try:
            measured, met = self.judged(figures)
        except NotMeasuredError as error:
            reason = str(error).partition(" Mend:")[0]
            short = reason if len(reason) <= LONGEST else f"{reason[:LONGEST]}…"
            return Verdict(case, "-", self.target(), f"not measured ({short})")
        return Verdict(case, measured, self.target(), PASS if met else MISS)


@dataclass(frozen=True)
class Faster(Target):
    """The subject is at least so many times as fast as the fastest of the rivals that were measured."""

    subject: str
    rivals: tuple[str, ...]
    least: float

    def target(self) -> str:
        """≥ so many times."""
        return f"≥ {self.least:g}× {' and '.join(self.rivals)}"

    def judged(self, figures: Figures) -> tuple[str, bool]:
        """rival's time / subject's."""
        own, times, missing = figures.seconds(self.subject, self.where), {}, []
        for rival in self.rivals:
            try:
                times[rival] = figures.seconds(rival, self.where)
            except NotMeasuredError as reason:
                missing.append(str(reason))
        if not times:
            raise NotMeasuredError("; ".join(missing))
        fastest = min(times, key=lambda name: times[name])
        ratio = times[fastest] / own
        return f"{ratio:.2f}× ({duration(own)}, {fastest} {duration(times[fastest])})", ratio >= self.least


@dataclass(frozen=True)
class Within(Target):
    """A step of the subject takes at most so many seconds."""

    subject: str
    most: float

    def target(self) -> str:
        """≤ so many."""
        return f"≤ {duration(self.most)}"

    def judged(self, figures: Figures) -> tuple[str, bool]:
        """The median."""
        own = figures.seconds(self.subject, self.where)
        return duration(own), own <= self.most


@dataclass(frozen=True)
class OfCeiling(Target):
    """The FLOP a second of a step's products are at least this share of those of the fastest large product."""

    subject: str
    precision: str
    least: float

    def target(self) -> str:
        """≥ so many percent."""
        return f"≥ {self.least:.0%} of the fastest {self.precision} product"

    def judged(self, figures: Figures) -> tuple[str, bool]:
        """FLOP / time / ceiling."""
        own = figures.seconds(self.subject, self.where)
        if self.precision not in figures.ceilings:
            raise NotMeasuredError(f"no file has the ceiling of {self.precision} products")
        ceiling = figures.ceilings[self.precision]
        rate = figures.flop(self.where) / own
        return f"{rate / ceiling:.0%} ({rate / 1e12:.1f} of {ceiling / 1e12:.1f} TFLOP/s)", rate >= self.least * ceiling


@dataclass(frozen=True)
class Alike(Target):
    """Wherever both were measured, the two take the same time, within this share of the other's; `where` is the least.

    All places have to be within; the one that is furthest off is told.
    """

    one: str
    other: str
    within: float

    def target(self) -> str:
        """Within so many percent."""
        return f"within {self.within:.0%} of {self.other}, everywhere"

    def judged(self, figures: Figures) -> tuple[str, bool]:
        """The ratio that is furthest from 1."""
        figures.seconds(self.one, self.where), figures.seconds(self.other, self.where)
        cells = list(figures.cells())
        one, other = (
            {(cell.workload, cell.batch): cell.median for cell in cells if cell.contender == name}
            for name in (self.one, self.other)
        )
        ratios = {place: one[place] / other[place] for place in one if place in other}
        off = {place: max(ratio, 1 / ratio) - 1 for place, ratio in ratios.items()}
        worst = max(off, key=lambda place: off[place])
        beyond = sum(each > self.within for each in off.values())
        text = f"{ratios[worst]:.2f}× at {worst[0]}, batch {worst[1]}; {beyond} of {len(off)} beyond"
        return text, beyond == 0


@dataclass(frozen=True)
class NetSteps(Target):
    """Many nets at once make at least so many steps a second, counted for each net."""

    backend: str
    least: float

    def target(self) -> str:
        """≥ so many."""
        return f"≥ {self.least:.0e} net-steps/s"

    def judged(self, figures: Figures) -> tuple[str, bool]:
        """As recorded."""
        found = figures.net_steps.get((self.backend, *self.where))
        if found is None:
            raise NotMeasuredError("no file has it")
        return f"{found:.2e} net-steps/s", found >= self.least


@dataclass(frozen=True)
class Later(Target):
    """What cannot be measured yet."""

    wanted: str
    reason: str

    def target(self) -> str:
        """As it is written."""
        return self.wanted

    def judged(self, figures: Figures) -> tuple[str, bool]:
        """Never."""
        raise NotMeasuredError(self.reason)
