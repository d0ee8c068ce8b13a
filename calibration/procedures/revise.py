"""Makes a new record of one that is in force: one procedure's part anew, the rest carried over."""

from collections.abc import Sequence
from dataclasses import replace

from calibration.kept.record import CalibrationRecord, Finding, Provenance
from calibration.line_calibration import LineCalibration
from calibration.procedures.whole import Signature


def revised(
    before: CalibrationRecord,
    calibration: LineCalibration,
    procedure: str,
    findings: Sequence[Finding],
    signature: Signature,
    *,
    devices: Sequence[tuple[str, str]] = (),
) -> CalibrationRecord:
    """Return the record of a calibration in which one procedure changed its part.

    Args:
        before: in force.
        calibration: of `before`, changed.
        procedure: that changed it, in the words of the command line.
        findings: its figures; they take the place of those of the same name.
        signature: who, when and why.
        devices: (role, identity) of what was used besides.
    """
    names = {(found.procedure, found.name) for found in findings}
    used = dict.fromkeys((*before.provenance.devices, *devices))
    return CalibrationRecord(
        calibration=replace(calibration, measured_on=signature.at_utc.date().isoformat()),
        provenance=Provenance(
            measured_at_utc=signature.at_utc,
            measured_by=signature.by,
            note=signature.note,
            devices=tuple(used),
            based_on=before.sha256,
            procedures=(procedure,),
        ),
        findings=(
            *(f for f in before.findings if (f.procedure, f.name) not in names),
            *findings,
        ),
    )
