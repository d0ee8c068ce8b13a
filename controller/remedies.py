"""What the operator is to do about each alarm that the line itself raises."""

from typing import Final

from calibration.drift.alarm import REMEDIES as DRIFT_REMEDIES
from controller.drift_watch import DRIFT_ALARMS
from controller.snapshot import AlarmKind

REMEDIES: Final[dict[AlarmKind, str]] = {
    AlarmKind.LAMP_FOUND: "take the lamp off the belt by hand, unbroken, into the lamp "
    "container; then confirm its removal and unhold the line",
    AlarmKind.HAZARD_CRAWLS: "pick the hazardous item off the crawling belt; then confirm its "
    "removal, and the belt speeds up again",
    AlarmKind.HAZARD_PASSES: "a hazardous item rides on to the residue or the inert bay; take it "
    "out there, mark the batch, then confirm its removal",
    AlarmKind.HAZARD_STOPS_OFTEN: "look at what stopped the line; where it was look-alikes, send "
    "their pictures to review and have the model retrained, or agree another rate",
    AlarmKind.CAMERA_STALLED: "check the camera's cable, light and load of this PC; unhold the "
    "line when frames come again",
    AlarmKind.CAMERA_LOST: "check that the camera has power and is connected",
    AlarmKind.PLC_LINK_LOST: "check the network to the PLC and that it is powered; then clear, "
    "reset and start the line",
    AlarmKind.PLC_WRONG_MAP: "load the PLC program that belongs to this version",
    AlarmKind.PLC_FAULT: "read the PLC's diagnostics; the driver and the PLC program disagree",
    AlarmKind.PLC_SAFE_STATE: "find out why the heartbeat was lost; then clear, reset and start",
    AlarmKind.SAFETY_NOT_OK: "check emergency stops and guards on the machine and reset them "
    "there; then clear, reset and start the line",
    AlarmKind.ENCODER_FAULT: "check the encoder's wheel, coupling and cable; then clear, reset "
    "and start the line",
    AlarmKind.PLC_CERTIFICATE: "have the certificate named here renewed or issued anew; waiting "
    "does not help",
    AlarmKind.ENCODER_STUCK: "the belt moves and the encoder does not: check its wheel, coupling "
    "and cable; nothing fires meanwhile",
    AlarmKind.ENCODER_REVERSED: "swap the encoder's A and B, or check the belt's direction; "
    "nothing fires meanwhile",
    AlarmKind.ENCODER_GLITCHES: "counts come or go at once: check the encoder cable, its "
    "screen and what switches beside it",
    AlarmKind.ENCODER_MISSING_PULSES: "check the encoder's supply, cable and highest frequency; "
    "nothing fires meanwhile",
    AlarmKind.ENCODER_SLIP: "the encoder turns further than the belt: check belt tension, the "
    "wheel's pressure and dirt on it; nothing fires meanwhile",
    AlarmKind.ENCODER_SCALE: "calibrate the belt's scale again (mm per tick); a worn encoder "
    "wheel shows like this",
    AlarmKind.CLOCK_DISAGREES: "check the camera's trigger cable and exposure setting; nothing "
    "fires meanwhile",
    AlarmKind.CAMERA_MOVED: "check the camera's mount and the encoder's wheel; calibrate the line "
    "again if the camera stands elsewhere; then clear, reset and start the line",
    AlarmKind.CLOCK_UNSURE: "nothing fires until PLC and PC clocks agree again; check the network "
    "for delays if this stays",
    AlarmKind.LATE_PULSES: "items pass the jets before their pulse; slow the belt or check the "
    "load of this PC",
    AlarmKind.VALVE_FAULTY: "test the valve at the next stop (run_line.py valves test), change it "
    "if the test says so, and set its counter back (run_line.py valves reset)",
    AlarmKind.DISK_FULL: "free space on the disk; records are held back until then",
    **{alarm: DRIFT_REMEDIES[drift] for drift, alarm in DRIFT_ALARMS.items()},
}
"""What the operator is to do about each condition."""
