"""Shares of what was received, and whether the mass balance closes."""

from telemetry.measures.definition import Measure, MeasureName, ratio

_NOTHING_RECEIVED = "nothing_received"


def sorted_out_share(products_g: int, received_g: int) -> Measure:
    """Return the share sorted out of what was received: mass of all products over mass received."""
    return ratio(MeasureName.SORTED_OUT_SHARE, products_g, received_g, reason=_NOTHING_RECEIVED)


def residue_share(residue_g: int, received_g: int) -> Measure:
    """Return the mass of residue over the mass received."""
    return ratio(MeasureName.RESIDUE_SHARE, residue_g, received_g, reason=_NOTHING_RECEIVED)


def balance_closure(in_g: int, out_g: int, stock_change_g: int) -> Measure:
    """Return by how many per cent of the input the mass balance fails to close.

    Args:
        in_g: received.
        out_g: products, residue and removals.
        stock_change_g: by how much unsorted stock has grown.
    """
    open_g = abs(in_g - out_g - stock_change_g)
    return ratio(MeasureName.BALANCE_CLOSURE, open_g, in_g, scale=100.0, reason=_NOTHING_RECEIVED)
