"""Ejections planned for several stations, and what the PLCs' outputs made of each valve. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from calibration.units import BeltTick
from calibration.valve_map import ValveSpan
from plc.register_flags import PulseReason
from plc.types import EjectionCommand, EjectionReport, PulseOutcome

VALVES = 12
"""Valves that one ejection opens: 150 mm of item at a pitch of 12.5 mm. Each one is a pulse."""
OPEN_S = (0.008, 0.02)
_JITTER = 0.4
"""Share of the period by which an ejection may come early or late."""
_STRIDE = 5
"""Prime to the number of valve groups: neighbours in time are not neighbours on the bar."""
_NEAR_TICK = 2000
"""An opening belongs to the nearest plan of its valve, if that is not further than this."""


@dataclass(slots=True, kw_only=True)
class Shots:
    """What was planned and what was heard and seen of it.

    Attributes:
        planned: by pulse id.
        reports: by pulse id, all of them.
        openings: ticks at which valves were seen to switch on, by (station, valve).
        restarts: times a PLC had left RUNNING and was started again.
        lost_links: times a link was lost.
        reports_lost: reports that the PLC overwrote before they were read.
    """

    planned: dict[int, EjectionCommand] = field(default_factory=dict)
    reports: dict[int, list[EjectionReport]] = field(default_factory=dict)
    openings: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    restarts: int = 0
    lost_links: int = 0
    reports_lost: int = 0

    @property
    def pulses(self) -> int:
        """Valve openings planned: valves times ejections."""
        return sum(
            command.valves.last - command.valves.first + 1 for command in self.planned.values()
        )


class Planner:
    """Plans ejections of one station at a mean rate; no valve's pulses overlap."""

    def __init__(self, *, station: int, valves: int, rate_per_s: float, seed: int) -> None:
        """Begin.

        Args:
            station: of the PLC.
            valves: on its bar.
            rate_per_s: ejections.
            seed: of jitter and durations.
        """
        self._station, self._groups = station, valves // VALVES
        self._period_s = 1 / rate_per_s
        self._draw = np.random.default_rng(seed)
        self._next_s = 0.0
        self._count = 0

    def restart(self, now_s: float) -> None:
        """Go on from an instant: what was planned before it is past."""
        self._next_s = max(self._next_s, now_s)

    def until(self, until_s: float) -> Iterator[tuple[float, float, int, ValveSpan]]:
        """Yield (opens at, stays open for, station, valves) of the ejections before an instant."""
        while self._next_s < until_s:
            at_s = self._next_s + self._draw.uniform(-_JITTER, _JITTER) / 2 * self._period_s
            first = self._count * _STRIDE % self._groups * VALVES
            self._count += 1
            self._next_s += self._period_s
            span = ValveSpan(first=first, last=first + VALVES - 1)
            yield at_s, self._draw.uniform(*OPEN_S), self._station, span


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of the pulses (valve openings) of one run.

    Attributes:
        pulses: planned.
        errors_tick: opened minus planned, of every valve seen to open for a plan.
        late: opened more than one tick late.
        lost: without a report, or reported fired and never seen to open.
        double: reported twice, or opened more often than planned.
        outcomes: ejections by what the PLC said.
        reasons: ejections not fired, by the PLC's reason.
    """

    pulses: int
    errors_tick: tuple[int, ...]
    late: int
    lost: int
    double: int
    outcomes: Counter[PulseOutcome]
    reasons: Counter[str]


def judge(shots: Shots, *, late_tick: int) -> Verdict:
    """Compare plans with reports and with what the outputs did."""
    seen = _assign(shots)
    errors: list[int] = []
    lost = double = 0
    outcomes: Counter[PulseOutcome] = Counter()
    reasons: Counter[str] = Counter()
    for pulse_id, command in shots.planned.items():
        reports = shots.reports.get(pulse_id, [])
        width = command.valves.last - command.valves.first + 1
        opened = seen.pop(pulse_id, {})
        double += width * max(0, len(reports) - 1)
        double += sum(len(ticks) - 1 for ticks in opened.values())
        errors += (ticks[0] - command.open_tick for ticks in opened.values())
        if not reports:
            lost += width - len(opened)
            continue
        outcomes[reports[0].outcome] += 1
        if reports[0].outcome is PulseOutcome.FIRED:
            lost += width - len(opened)
        else:
            # Opened although the PLC says that it did not fire: as bad as opening twice.
            double += len(opened)
            reasons[_reason(reports[0])] += 1
    return Verdict(
        pulses=shots.pulses,
        errors_tick=tuple(errors),
        late=sum(error > late_tick for error in errors),
        lost=lost,
        double=double + sum(len(ticks) for valves in seen.values() for ticks in valves.values()),
        outcomes=outcomes,
        reasons=reasons,
    )


def _reason(report: EjectionReport) -> str:
    """Return the PLC's reason; a report without one is the PLC thread's on what was never sent."""
    return "unsent" if report.reason is PulseReason.UNSTATED else report.reason.name.lower()


def _assign(shots: Shots) -> dict[int, dict[int, list[int]]]:
    """Return the openings by pulse id and valve; id 0 takes those that nobody planned."""
    plans: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for pulse_id, command in shots.planned.items():
        for valve in range(command.valves.first, command.valves.last + 1):
            plans.setdefault((command.station, valve), []).append((command.open_tick, pulse_id))
    seen: dict[int, dict[int, list[int]]] = {}
    for (station, valve), ticks in shots.openings.items():
        mine = sorted(plans.get((station, valve), ()))
        planned = np.array([tick for tick, _ in mine], dtype=np.int64)
        for tick, nearest in zip(ticks, _nearest(planned, ticks), strict=True):
            near = nearest >= 0 and abs(tick - mine[nearest][0]) <= _NEAR_TICK
            pulse_id = mine[nearest][1] if near else 0
            seen.setdefault(pulse_id, {}).setdefault(valve, []).append(tick)
    return seen


def _nearest(
    planned: "np.ndarray[tuple[int], np.dtype[np.int64]]", ticks: Iterable[int]
) -> list[int]:
    """Return the index of the plan nearest to each tick, -1 where there is none."""
    found: list[int] = []
    for tick in ticks:
        if not len(planned):
            found.append(-1)
            continue
        after = int(np.searchsorted(planned, tick))
        candidates = [index for index in (after - 1, after) if 0 <= index < len(planned)]
        found.append(min(candidates, key=lambda index: abs(int(planned[index]) - tick)))
    return found


def command_of(
    pulse_id: int, station: int, span: ValveSpan, *, open_tick: float, open_for_tick: float
) -> EjectionCommand:
    """Return the command of one ejection."""
    opens = BeltTick(round(open_tick))
    return EjectionCommand(
        pulse_id=pulse_id,
        station=station,
        valves=span,
        open_tick=opens,
        close_tick=BeltTick(opens + max(1, round(open_for_tick))),
    )
