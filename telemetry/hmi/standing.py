"""What stands on the line before a request, in short, for the audit log."""

import json

from telemetry.hub import LineHub


def standing_of(hub: LineHub) -> str:
    """Return state, mode, alarms and wanted purities as JSON; empty before the first snapshot."""
    snapshot = hub.snapshot
    if snapshot is None:
        return ""
    return json.dumps(
        {
            "state": snapshot.state.value,
            "mode": snapshot.mode.value,
            "alarms": [alarm.kind.value for alarm in hub.alarms],
            "purity": {hold.fraction: hold.wanted for hold in snapshot.holds},
        }
    )
