"""How much the alarms ask of people, from their states and when they rose."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from telemetry.alarms.rises import FLOOD_RISES, FLOOD_SPAN, Rises
from telemetry.alarms.types import AlarmEntry, AlarmLoad, AlarmState

STALE_AFTER: Final = timedelta(hours=24)
"""Active this long without a break is stale (ISA-18.2 clause 16)."""


def alarm_load(entries: Collection[AlarmEntry], rises: Rises, now: datetime) -> AlarmLoad:
    """Count states, rises, floods, chatter and stale alarms as of `now`."""
    rises.forget(now)
    states = [entry.state for entry in entries]
    recent = rises.within(FLOOD_SPAN, now)
    return AlarmLoad(
        last_10_min=recent,
        peak_10_min=rises.peak(),
        last_24_h=rises.count,
        in_flood=recent > FLOOD_RISES,
        standing=sum(entry.active and not entry.set_aside for entry in entries),
        unacknowledged=sum(
            state in (AlarmState.UNACKNOWLEDGED, AlarmState.RETURNED) for state in states
        ),
        shelved=states.count(AlarmState.SHELVED),
        out_of_service=states.count(AlarmState.OUT_OF_SERVICE),
        chattering=rises.chattering(now),
        stale=tuple(entry.kind for entry in entries if _is_stale(entry, now)),
        most_frequent=rises.most_frequent(),
    )


def _is_stale(entry: AlarmEntry, now: datetime) -> bool:
    raised = entry.raised_at
    return entry.active and raised is not None and now - raised > STALE_AFTER
