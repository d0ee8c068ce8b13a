"""Whether an item can be seen, decided upon and blown at before it has passed the jets."""

from collections.abc import Sequence
from dataclasses import dataclass

from controller.config import LimitsConfig, RecipeConfig
from controller.stations import StationConfig
from vision.config import CameraConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetItem:
    """One share of the time; `label` says what takes it."""

    label: str
    cost_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyBudget:
    """Where the time from the end of the view to one jet bar goes.

    Attributes:
        station: name of the bar.
        transit_mm: from the downstream end of the view to the bar.
        speed_mm_per_s: fastest belt speed.
        costs: what takes time on the way, in order.
    """

    station: str
    transit_mm: float
    speed_mm_per_s: float
    costs: tuple[BudgetItem, ...]

    @property
    def transit_ms(self) -> float:
        """Time an item takes from the end of the view to the bar."""
        return self.transit_mm / self.speed_mm_per_s * 1000.0

    @property
    def slack_ms(self) -> float:
        """Time left over; negative where the line cannot work."""
        return self.transit_ms - sum(cost.cost_ms for cost in self.costs)

    @property
    def arithmetic(self) -> str:
        """The sum in one line, for people."""
        costs = "".join(f" - {cost.label} {cost.cost_ms:g}" for cost in self.costs)
        return (
            f"station {self.station}: transit {self.transit_mm:g} mm at "
            f"{self.speed_mm_per_s:g} mm/s = {self.transit_ms:.1f} ms{costs} "
            f"= {self.slack_ms:.1f} ms"
        )


def pairing_ms(cameras: Sequence[CameraConfig], limits: LimitsConfig) -> float:
    """Return the longest that one camera's frame waits for those of the others.

    Cameras that run free at one rate are at most a frame period apart.
    """
    return limits.frame_period_ms if len(cameras) > 1 else 0.0


def latency_budgets(
    stations: Sequence[StationConfig],
    recipe: RecipeConfig,
    limits: LimitsConfig,
    *,
    view_s_max_mm: float,
    speed_mm_per_s: float,
    exposure_ms: float,
    transfer_ms: float,
    inference_ms: float,
    planning_ms: float,
    frame_period_ms: float,
    pairing_ms: float = 0.0,
) -> tuple[LatencyBudget, ...]:
    """Return the budget of every station: transit less all that happens before air can blow.

    An item is decided with the first frame that shows its leading edge at the end of the view, so
    up to one frame period of the transit has gone by at that frame's exposure.

    Args:
        stations: jet bars.
        recipe: its lead margin counts.
        limits: the command lead stands for link cycle and PLC scan.
        view_s_max_mm: downstream end of the usable view, machine frame.
        speed_mm_per_s: fastest belt speed.
        exposure_ms: from the middle of the exposure to its end.
        transfer_ms: camera to memory.
        inference_ms: detector.
        planning_ms: tracker and planner.
        frame_period_ms: time between frames.
        pairing_ms: longest wait of one camera's frame for the others', see `pairing_ms`.
    """
    pairing = (BudgetItem(label="pairing of cameras", cost_ms=pairing_ms),)
    shared = (
        BudgetItem(label="frame period", cost_ms=frame_period_ms),
        BudgetItem(label="exposure", cost_ms=exposure_ms),
        BudgetItem(label="transfer", cost_ms=transfer_ms),
        *(pairing if pairing_ms else ()),
        BudgetItem(label="inference", cost_ms=inference_ms),
        BudgetItem(label="planning", cost_ms=planning_ms),
        BudgetItem(label="link", cost_ms=limits.command_lead_ms),
    )
    return tuple(
        LatencyBudget(
            station=station.name,
            transit_mm=station.distance_mm - view_s_max_mm,
            speed_mm_per_s=speed_mm_per_s,
            costs=(
                *shared,
                BudgetItem(label="valve lag", cost_ms=station.switch_lag_ms),
                BudgetItem(label="lead margin", cost_ms=recipe.lead_margin_ms),
            ),
        )
        for station in stations
    )


def impossible(budgets: Sequence[LatencyBudget]) -> tuple[str, ...]:
    """Return the arithmetic of every station that cannot be met, empty if all can."""
    return tuple(
        f"{budget.arithmetic}: items pass the jets before a pulse can come; move the bar "
        "downstream, slow the belt, or shorten the steps"
        for budget in budgets
        if budget.slack_ms < 0
    )
