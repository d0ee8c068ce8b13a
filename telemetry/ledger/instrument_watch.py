"""Reads the belt scale and the air sensors, and books them to the running shift.

A belt scale's entry carries the total it ends at, so that the next one begins there, whatever has
happened to this process in between.
"""

import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from calibration.clock import Clock
from plc.errors import PlcError
from plc.instruments.readers import PointReader, ScaleReader, open_scale
from plc.instruments.totaliser import Totaliser
from telemetry.clerk_status import InstrumentAlarm
from telemetry.ledger.chain import entry_of
from telemetry.ledger.entries import AirSummary, Entry, Mass, MassMethod, Processed, Received
from telemetry.ledger.shifts import Shift
from telemetry.ledger.store import Ledger
from telemetry.measures.air import UNITS, AirChannel, dew_point_margin_c, filter_efficiency

_log = logging.getLogger(__name__)

BOOK_EVERY: Final = timedelta(hours=1)
_TOTAL: Final = re.compile(r" total (\d+) g$")
_G_PER_KG: Final = 1000


@dataclass(slots=True)
class _Sums:
    samples: int = 0
    total: float = 0.0
    lowest: float = float("inf")
    highest: float = float("-inf")
    over_s: float = 0.0

    def add(self, value: float, over_s: float) -> None:
        self.samples += 1
        self.total += value
        self.lowest = min(self.lowest, value)
        self.highest = max(self.highest, value)
        self.over_s += over_s


class InstrumentWatch:
    """One plant's instruments. Used by one thread; each poll blocks up to the timeouts.

    Args:
        ledger: of the plant; its accounts name the instruments.
        clock: for the wires.
    """

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        accounts = ledger.accounts
        self._air = accounts.air
        self._points = PointReader(accounts.air.device, clock) if accounts.air else None
        self._scale: ScaleReader | None = None
        self._totaliser: Totaliser | None = None
        if accounts.belt_scale is not None:
            self._scale = open_scale(accounts.belt_scale, clock)
            self._totaliser = Totaliser(round(accounts.belt_scale.wraps_at_kg * _G_PER_KG))
        self._scale_id = accounts.belt_scale.id if accounts.belt_scale else ""
        self._total_g: int | None = None
        self._booked_g = 0
        self._passed_g = 0
        self._sums: dict[AirChannel, _Sums] = {}
        self._since: datetime | None = None
        self._last: datetime | None = None
        self._shift: Shift | None = None
        self._over: set[AirChannel] = set()
        self._alarms: dict[str, str] = {}

    @property
    def alarms(self) -> tuple[InstrumentAlarm, ...]:
        """What stands now."""
        return tuple(
            InstrumentAlarm(source=source, words=words) for source, words in self._alarms.items()
        )

    def poll(self, now: datetime) -> None:
        """Read everything once; book what an hour or the shift's end makes due.

        Raises:
            DatabaseUnavailableError: it could not be booked; the next poll books it.
        """
        shift = self._ledger.open_shift(now)
        if self._shift is not None and shift != self._shift:
            self.book(self._last or now)
        self._shift = shift
        self._since = self._since or now
        self._read_scale()
        self._read_air(now)
        self._last = now
        if now - self._since >= BOOK_EVERY:
            self.book(now)

    def book(self, now: datetime) -> None:
        """Book what has been read since the last time.

        Raises:
            DatabaseUnavailableError: nothing is booked; try again.
        """
        shift, since = self._shift, self._since
        if shift is None or since is None:
            return
        entries = [*self._air_entries(shift, since, now), *self._scale_entries(shift, now)]
        if entries:
            self._ledger.append(entries)
        self._sums.clear()
        self._booked_g = self._passed_g
        self._since = now

    def close(self) -> None:
        """Disconnect. Idempotent, never raises."""
        for reader in (self._scale, self._points):
            if reader is not None:
                reader.close()

    def _read_scale(self) -> None:
        if self._scale is None or self._totaliser is None:
            return
        try:
            total_g = self._scale.read_g()
        except PlcError as error:
            self._raise(self._scale_id, str(error))
            return
        self._drop(self._scale_id)
        if self._total_g is None:
            begun_g = self._last_booked_total()
            self._totaliser.take(total_g if begun_g is None else begun_g)
        before = self._totaliser.take(total_g)
        self._total_g, self._passed_g = total_g, before.mass_g

    def _last_booked_total(self) -> int | None:
        """The total at which the newest entry of this scale ended."""
        prefix = f"belt:{self._scale_id}:"
        row = self._ledger.newest_of(prefix)
        if row is None:
            return None
        body = entry_of(row).body
        if not isinstance(body, Received | Processed):
            return None
        found = _TOTAL.search(body.mass.source)
        return int(found[1]) if found else None

    def _scale_entries(self, shift: Shift, now: datetime) -> list[Entry]:
        passed_g = self._passed_g - self._booked_g
        if self._total_g is None or passed_g <= 0:
            return []
        accounts = self._ledger.accounts
        mass = Mass(
            mass_g=passed_g,
            method=MassMethod.BELT_SCALE,
            source=f"{self._scale_id} total {self._total_g} g",
        )
        body: Received | Processed = Processed(mass=mass)
        if not accounts.weighbridge:
            code = accounts.codes.entry(accounts.codes.received, shift.day).code
            body = Received(code=code, mass=mass)
        uid = f"belt:{self._scale_id}:{self._total_g}:{now.isoformat(timespec='seconds')}"
        return [Entry(uid=uid, at=now, shift=shift.shift_id, body=body)]

    def _read_air(self, now: datetime) -> None:
        if self._air is None or self._points is None:
            return
        values: dict[AirChannel, float] = {}
        for channel, sensor in self._air.channels.items():
            try:
                values[channel] = self._points.read(sensor.point)
            except PlcError as error:
                self._raise(channel.value, str(error))
            else:
                self._drop(channel.value)
        values |= _derived(values)
        gone_s = (now - self._last).total_seconds() if self._last else 0.0
        for channel, value in values.items():
            self._judge(channel, value, max(0.0, gone_s))

    def _judge(self, channel: AirChannel, value: float, gone_s: float) -> None:
        limits = self._air.limits(channel) if self._air else None
        over = limits is not None and limits.exceeded(value, standing=channel in self._over)
        self._sums.setdefault(channel, _Sums()).add(value, gone_s if over else 0.0)
        source = f"{channel.value} limit"
        if over:
            self._over.add(channel)
            self._raise(source, f"{channel.value} is {value:.4g} {UNITS[channel]}")
        else:
            self._over.discard(channel)
            self._drop(source)

    def _air_entries(self, shift: Shift, since: datetime, now: datetime) -> list[Entry]:
        found = []
        for channel, sums in self._sums.items():
            limits = self._air.limits(channel) if self._air else None
            limit = None
            if limits is not None:
                limit = limits.highest if limits.highest is not None else limits.lowest
            body = AirSummary(
                channel=channel.value,
                unit=UNITS[channel],
                start=since,
                end=now,
                samples=sums.samples,
                lowest=sums.lowest,
                mean=sums.total / sums.samples,
                highest=sums.highest,
                limit=limit,
                over_limit_s=sums.over_s,
            )
            uid = f"air:{channel.value}:{since.isoformat(timespec='milliseconds')}"
            found.append(Entry(uid=uid, at=now, shift=shift.shift_id, body=body))
        return found

    def _raise(self, source: str, words: str) -> None:
        if source not in self._alarms:
            _log.warning("%s: %s", source, words)
        self._alarms[source] = words

    def _drop(self, source: str) -> None:
        if self._alarms.pop(source, None) is not None:
            _log.info("%s is in order again", source)


def _derived(values: dict[AirChannel, float]) -> dict[AirChannel, float]:
    found: dict[AirChannel, float] = {}
    warm, wet = values.get(AirChannel.GAS_TEMPERATURE), values.get(AirChannel.HUMIDITY)
    if warm is not None and wet is not None:
        try:
            found[AirChannel.DEW_POINT_MARGIN] = dew_point_margin_c(warm, wet)
        except ValueError as error:
            _log.debug("no dew point: %s", error)
    before, after = values.get(AirChannel.DUST_BEFORE), values.get(AirChannel.DUST_AFTER)
    if before is not None and after is not None:
        efficiency = filter_efficiency(before, after)
        if efficiency is not None:
            found[AirChannel.FILTER_EFFICIENCY] = efficiency
    return found
