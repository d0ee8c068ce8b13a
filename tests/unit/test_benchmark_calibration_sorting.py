"""What the calibration benchmark says that a recovered calibration costs."""

from dataclasses import dataclass

from benchmarks.calibration_sorting import sorting_figures


@dataclass
class Score:
    purity_mass: float | None
    recovery_mass: float | None


def test_a_loss_is_in_points_and_positive_where_sorting_got_worse():
    figures = dict(sorting_figures(Score(0.95, 0.90), Score(0.945, 0.92)))
    assert round(figures["purity_loss_points"], 6) == 0.5
    assert round(figures["recovery_loss_points"], 6) == -2.0
    assert figures["purity_true"] == 0.95


def test_what_was_never_ejected_has_neither_figure_nor_loss():
    figures = dict(sorting_figures(Score(0.95, 0.9), Score(None, 0.0)))
    assert "purity_loss_points" not in figures
    assert figures["recovery_loss_points"] == 90.0
