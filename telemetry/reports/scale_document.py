"""The part of a report's document that puts the belt scale beside the pictures."""

from calibration.section import Section


class ReconciledPart(Section):
    """One stream from pictures alone, and with the scale."""

    stream: str
    vision_t: float
    reconciled_t: float
    sd_t: float


class Reconciliation(Section):
    """The belt scale beside the pictures; nothing else in the report is rescaled by it."""

    scale_t: float
    scale_sd_t: float
    vision_t: float
    vision_sd_t: float
    reconciled_t: float
    reconciled_sd_t: float
    z: float
    agree: bool
    parts: tuple[ReconciledPart, ...]
