"""What checks say: requests, pulses, and how a check ends."""

from plc.codec import MailboxPulse, StatusBlock
from plc.register_flags import RequestFlag

OFF = RequestFlag(0)
BELT = RequestFlag.BELT_RUN
RUN = RequestFlag.RUN | RequestFlag.BELT_RUN


class Wrong(Exception):  # noqa: N818 - it is what the PLC gets wrong, and reads so in the checks
    """What the PLC gets wrong, in plain words."""


class NotApplicable(Exception):  # noqa: N818 - no error: the check does not apply to this PLC
    """Why a check cannot be made on this PLC."""


def pulse(station: int, first: int, last: int, offset: int, ticks: int) -> MailboxPulse:
    """Return one pulse of a batch."""
    return MailboxPulse(
        station=station,
        first_valve=first,
        last_valve=last,
        open_offset_tick=offset,
        duration_tick=ticks,
    )


def lead_tick(status: StatusBlock) -> int:
    """Return how far ahead a pulse must lie to arrive in time over any link: half a second."""
    return max(200, status.encoder_ticks_per_s // 2)
