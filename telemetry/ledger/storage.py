"""How long what a plant keeps has been lying, by waste code, from its ledger."""

from collections.abc import Sequence
from datetime import date

from telemetry.codes.table import CodeError
from telemetry.ledger.chain import Row, entry_of
from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.stock import stock_changes
from telemetry.measures.storage import StockMove, StorageState, storage_state


def stored(history: Sequence[Row], accounts: AccountsConfig, on: date) -> dict[str, StorageState]:
    """Return non-hazardous stock with its age on a day.

    Args:
        history: rows that stand from the ledger's beginning to that day.
        accounts: of the plant: its codes and how long it may keep things.
        on: the day.

    Raises:
        CodeError: a code that is in stock is not in force on that day.
    """
    days = {row.uid: row.day for row in history}
    moves: dict[str, list[StockMove]] = {}
    for change in stock_changes(entry_of(row) for row in history):
        move = StockMove(day=days[change.entry.uid], mass_g=change.mass_g, counted=change.counted)
        moves.setdefault(change.code, []).append(move)
    return {
        code: storage_state(mine, on=on, months=accounts.stock_months)
        for code, mine in moves.items()
        if not accounts.codes.entry(code, on).hazardous
    }


def storage_alarm(history: Sequence[Row], accounts: AccountsConfig, on: date) -> str:
    """Return what lies too long or must leave within two weeks, in words; empty if nothing does."""
    try:
        states = stored(history, accounts, on)
    except CodeError as error:
        return f"storage cannot be judged: {error}"
    found = []
    for code, state in sorted(states.items()):
        if state.overdue_g:
            found.append(f"{code}: {state.overdue_g / 1000:.0f} kg overdue since {state.due}")
        elif state.due_soon_g:
            found.append(f"{code}: {state.due_soon_g / 1000:.0f} kg must leave by {state.due}")
    return "; ".join(found)
