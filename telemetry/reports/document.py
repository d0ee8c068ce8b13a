"""The report as a document: what its JSON holds, published as a JSON Schema.

It is this program's own format, made for a person who fills in a form; it claims conformity with no
official schema.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from calibration.section import Section
from telemetry.reports.fraction_document import FractionPart, OverlapPart
from telemetry.reports.scale_document import Reconciliation

SCHEMA: Final = "sorting-line-report/2"
"""Version 2 adds `reconciliation`, `fractions` and `overlap`, which a new report always has."""
FIRST_SCHEMA: Final = "sorting-line-report/1"
"""Filed before; its documents are read, sealed, signed and cancelled as they are."""
Share = Annotated[float, Field(ge=0, le=1)]
Tonnes = Annotated[float, Field(ge=0)]
Code = Annotated[str, Field(pattern=r"^\d{6}$")]


class Facility(Section):
    """Whose report it is."""

    bin: str = Field(pattern=r"^\d{12}$")
    facility_id: str
    name_kk: str
    name_ru: str
    name_en: str
    kato: str


class PeriodPart(Section):
    """What it covers: whole shifts, those that start on the days from first to last."""

    kind: Literal["shift", "day", "month", "quarter", "year"]
    label: str
    first_day: str
    last_day: str
    start: str
    end: str
    time_zone: str


class CodeList(Section):
    """Which waste codes are meant."""

    id: str
    jurisdiction: str
    kz_verified: bool


class AmountPart(Section):
    """A mass with how it was found."""

    mass_t: Tonnes
    is_estimate: bool
    estimated_t: Tonnes
    low_t: float | None
    high_t: float | None
    methods: tuple[str, ...]
    entries: int


class ReceivedPart(Section):
    """What came in under one code."""

    code: Code
    hazardous: bool
    amount: AmountPart


class QualityPart(Section):
    """Purity or recovery, with its interval and sample, or why there is none."""

    value: float | None
    lo: float | None
    hi: float | None
    level: float | None
    basis: Literal["mass", "count", "area"] | None
    method: str
    n_blocks: int
    n_objects: int
    audited_kg: float
    reason_if_null: str


class ProductPart(Section):
    """One sorted fraction in one bin."""

    fraction: str
    destination_bin: str
    code: Code
    hazardous: bool
    amount: AmountPart
    items: int
    purity: QualityPart
    recovery: QualityPart


class BannedPart(Section):
    """One item of article 351(1) in the residue."""

    item: int
    share: Share
    lo: float | None
    hi: float | None


class ResiduePart(Section):
    """What stayed on the belt under one code."""

    code: Code
    hazardous: bool
    code_pending_review: bool
    mirror_code: str
    amount: AmountPart
    items: int


class RemovalPart(Section):
    """Hazardous items of one kind taken off by hand, booked one by one in the ledger."""

    what: str
    code: Code
    hazardous: bool
    count: int
    mass_kg: float | None
    unweighed: int


class DispatchPart(Section):
    """What left the plant."""

    code: Code
    hazardous: bool
    operation: str
    amount: AmountPart


class EquipmentPart(Section):
    """The raw quantities behind both readings of equipment load."""

    rated_t_h: float
    hours_planned: float
    hours_run: float
    received_t: float
    processed_t: float
    shifts_closed: int


class MeasurePart(Section):
    """One figure with its definition."""

    name: str
    value: float | None
    lo: float | None
    hi: float | None
    unit: str
    formula: str
    source: str
    reason_if_null: str


class LandfillPart(Section):
    """A year against the path to 2030."""

    target_pct: float | None
    on_path_by_share: bool | None
    on_path_by_volume: bool | None
    baseline_source: str


class CompositionPart(Section):
    """One fraction's share of what the cameras saw; season is `all` for the whole period."""

    season: str
    fraction: str
    mass_share: Share
    count_share: Share
    days: int


class WeeePart(Section):
    """Equipment for which these categories of 2012/19/EU remain possible."""

    categories: tuple[int, ...]
    items: int


class AirPart(Section):
    """One air channel over the period."""

    channel: str
    unit: str
    lowest: float
    mean: float
    highest: float
    samples: int
    limit: float | None
    over_limit_s: float


class StockPart(Section):
    """One code in store at the end of the period."""

    code: Code
    hazardous: bool
    stock_t: float
    oldest: str | None
    due: str | None
    overdue_t: float


class WorksheetRow(Section):
    """One row for the person who fills in the form."""

    key: str
    opening_t: float
    received_t: float
    arisen_t: float
    recycled_t: float
    utilised_t: float
    landfilled_t: float
    otherwise_t: float
    counted_t: float
    closing_t: float


class Worksheet(Section):
    """Rows for an official form, which this is not."""

    form: Literal["inventory", "statistics"]
    as_of: str
    due: str
    rows: tuple[WorksheetRow, ...]


class LedgerPart(Section):
    """Which ledger rows stand behind the figures; the last of them anchors the chain."""

    rows: int
    last_seq: int
    last_hash: str


class ModelPart(Section):
    """Which models, calibrations and audits."""

    versions: tuple[str, ...]
    calibrations: tuple[str, ...]
    audit_date: str | None


class WarningPart(Section):
    """Something the reader must know; it does not block."""

    code: str
    arguments: dict[str, str]


class ReportDocument(Section):
    """A whole report of either version; parts that its version does not know are left out."""

    schema_: Literal["sorting-line-report/1", "sorting-line-report/2"] = Field(alias="schema")
    report_uid: str
    revision: int = Field(ge=1)
    action: Literal["INSERT", "EDIT", "CANCEL"]
    reason: str | None
    supersedes: str | None
    kind: Literal["summary", "inventory", "statistics"]
    facility: Facility
    period: PeriodPart
    code_list: CodeList
    received: tuple[ReceivedPart, ...]
    products: tuple[ProductPart, ...]
    residue: tuple[ResiduePart, ...]
    banned_351: tuple[BannedPart, ...]
    hazard_removals: tuple[RemovalPart, ...]
    dispatched: tuple[DispatchPart, ...]
    equipment: EquipmentPart
    measures: tuple[MeasurePart, ...]
    landfill: LandfillPart | None
    composition: tuple[CompositionPart, ...]
    weee: tuple[WeeePart, ...]
    air: tuple[AirPart, ...]
    stock: tuple[StockPart, ...]
    worksheet: Worksheet | None
    reconciliation: Reconciliation | None = None
    fractions: tuple[FractionPart, ...] = ()
    overlap: OverlapPart | None = None
    model: ModelPart
    ledger: LedgerPart
    warnings: tuple[WarningPart, ...]
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
