"""One calibration as it is kept: what was measured, by whom, when, with what and how well."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from calibration.errors import CalibrationError
from calibration.line_calibration import (
    LineCalibration,
    digest_of,
    from_json,
    sealed_text,
    to_json,
    unsealed,
)

SCHEMA = 2
"""Of the file; 1 is a calibration without provenance, which `line_calibration.load` still reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One figure that a procedure came to, kept beside the calibration.

    Attributes:
        procedure: which, in the words of the command line.
        name: of the figure, its unit at the end of the name.
        value: of the figure.
        sd: standard deviation of the value in the same unit; 0 where the figure is itself a
            residual.
    """

    procedure: str
    name: str
    value: float
    sd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a calibration comes from.

    Attributes:
        measured_at_utc: when.
        measured_by: who.
        note: why, in the technician's words.
        devices: (role, identity) of what was used: camera, belt, board, encoder, valve bars.
        based_on: hash of the calibration whose other parts were carried over; empty for none.
        procedures: what was measured anew, in order.
    """

    measured_at_utc: datetime
    measured_by: str
    note: str
    devices: tuple[tuple[str, str], ...]
    based_on: str
    procedures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRecord:
    """A calibration with where it comes from.

    Attributes:
        calibration: what the line works with.
        provenance: who, when, with what.
        findings: residuals and figures of the procedures.
    """

    calibration: LineCalibration
    provenance: Provenance
    findings: tuple[Finding, ...]

    @property
    def sha256(self) -> str:
        """The content hash, which is the record's identity."""
        return digest_of(_body(self))

    def finding(self, name: str) -> float | None:
        """Return a figure by name, None where it was not measured."""
        return next((found.value for found in self.findings if found.name == name), None)


def record_text(record: CalibrationRecord) -> str:
    """Return the content of a record's file."""
    return sealed_text(_body(record))


def record_from(text: str, origin: str) -> CalibrationRecord:
    """Return the record that a file's content holds.

    Args:
        text: as `record_text` makes it.
        origin: where it comes from, for the error.

    Raises:
        CalibrationError: altered by hand, incomplete, or of another schema.
    """
    body = unsealed(text, origin)
    if body.get("schema") != SCHEMA:
        msg = (
            f"{origin}: a calibration file of schema {body.get('schema', 1)}, this program keeps "
            f"schema {SCHEMA}; calibrate the line again with run_line.py calibrate"
        )
        raise CalibrationError(msg)
    calibration = from_json(body, origin)
    try:
        kept = body["provenance"]
        provenance = Provenance(
            measured_at_utc=datetime.fromisoformat(kept["measured_at_utc"]),
            measured_by=str(kept["measured_by"]),
            note=str(kept["note"]),
            devices=tuple((str(role), str(name)) for role, name in kept["devices"]),
            based_on=str(kept["based_on"]),
            procedures=tuple(str(name) for name in kept["procedures"]),
        )
        findings = tuple(Finding(**found) for found in body["findings"])
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{origin}: incomplete or malformed record ({error}); calibrate the line again"
        raise CalibrationError(msg) from error
    return CalibrationRecord(calibration=calibration, provenance=provenance, findings=findings)


def _body(record: CalibrationRecord) -> dict[str, Any]:
    provenance = asdict(record.provenance)
    provenance["measured_at_utc"] = record.provenance.measured_at_utc.isoformat()
    provenance["devices"] = [list(pair) for pair in record.provenance.devices]
    provenance["procedures"] = list(record.provenance.procedures)
    return to_json(record.calibration) | {
        "schema": SCHEMA,
        "provenance": provenance,
        "findings": [asdict(found) for found in record.findings],
    }
