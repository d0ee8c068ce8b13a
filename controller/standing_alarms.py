"""Which conditions stand as alarms, by the on- and off-delays of the rationalised list."""

import dataclasses
import logging

from calibration.units import MonotonicNs
from controller.alarm_list import entry_of
from controller.snapshot import Alarm, AlarmKind

_log = logging.getLogger(__name__)


class StandingAlarms:
    """Keeps the alarms that stand. Each is logged once when it comes and once when it goes."""

    def __init__(self) -> None:
        self._standing: dict[AlarmKind, Alarm] = {}
        self._since_ns: dict[AlarmKind, MonotonicNs] = {}
        self._seen_ns: dict[AlarmKind, MonotonicNs] = {}

    def __contains__(self, kind: AlarmKind) -> bool:
        return kind in self._standing

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Those that stand, oldest first."""
        return tuple(self._standing.values())

    def tell(
        self, kind: AlarmKind, detail: str | None, now_ns: MonotonicNs, *, starting: bool = False
    ) -> None:
        """Say how a condition is now.

        Args:
            kind: of the alarm.
            detail: what is seen of the condition, None while it is not there.
            now_ns: the instant.
            starting: the device has never answered yet, so the starting delay applies.
        """
        if detail is None:
            self._away(kind, now_ns)
            return
        self._seen_ns[kind] = now_ns
        standing = self._standing.get(kind)
        if standing is not None:
            self._standing[kind] = dataclasses.replace(standing, detail=detail)
            return
        entry = entry_of(kind)
        delay_ns = entry.starting_delay_ns if starting else entry.on_delay_ns
        if now_ns - self._since_ns.setdefault(kind, now_ns) >= delay_ns:
            self._raise(kind, detail, now_ns)

    def acknowledge(self, kind: AlarmKind) -> bool:
        """Note that an operator has seen an alarm. Returns False if it does not stand."""
        alarm = self._standing.get(kind)
        if alarm is None:
            return False
        self._standing[kind] = dataclasses.replace(alarm, acknowledged=True)
        return True

    def _raise(self, kind: AlarmKind, detail: str, now_ns: MonotonicNs) -> None:
        self._standing[kind] = Alarm(
            kind=kind,
            raised_ns=now_ns,
            detail=detail,
            remedy=entry_of(kind).words("en").response,
            acknowledged=False,
        )
        _log.warning("alarm %s: %s", kind.value, detail)

    def _away(self, kind: AlarmKind, now_ns: MonotonicNs) -> None:
        self._since_ns.pop(kind, None)
        if kind not in self._standing:
            return
        if max(now_ns - self._seen_ns[kind], 0) >= entry_of(kind).off_delay_ns:
            del self._standing[kind]
            _log.info("alarm %s is gone", kind.value)
