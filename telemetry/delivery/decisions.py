"""What a person decides about a parcel that its receiver refused: try again, or give it up.

The decision and who took it are booked into the plant's ledger in the same transaction.
"""

from telemetry.database.engine import Database
from telemetry.delivery.ports import DeliveryError
from telemetry.delivery.queue import DeliveryQueue
from telemetry.ledger.entries import Entry
from telemetry.ledger.handling import Deed, Handling
from telemetry.ledger.store import Ledger
from telemetry.wall import WallClock


class DeliveryDesk:
    """Decides about dead parcels of one plant. Any thread; blocks on the database.

    Args:
        database: the plant's, with its queue.
        ledger: of the plant, where decisions are booked.
        now: the wall clock.
    """

    def __init__(self, database: Database, ledger: Ledger, *, now: WallClock) -> None:
        self._database = database
        self._ledger = ledger
        self._queue = DeliveryQueue(database)
        self._now = now

    def retry(self, parcel_id: int, *, by: str) -> None:
        """Try a dead parcel again.

        Raises:
            DeliveryError: it is not dead, or nobody is named.
            DatabaseError: the database cannot be written.
        """
        self._decide(parcel_id, Deed.DELIVERY_RETRIED, by, "")

    def drop(self, parcel_id: int, *, by: str, reason: str) -> None:
        """Give a dead parcel up; it stays in the list, and later revisions are sent.

        Raises:
            DeliveryError: it is not dead, or nobody or no reason is named.
            DatabaseError: the database cannot be written.
        """
        if not reason.strip():
            msg = "say why the delivery is given up; the reason is kept"
            raise DeliveryError(msg)
        self._decide(parcel_id, Deed.DELIVERY_DROPPED, by, reason.strip())

    def _decide(self, parcel_id: int, deed: Deed, by: str, reason: str) -> None:
        if not by.strip():
            msg = "say who decides about the delivery; the name is kept"
            raise DeliveryError(msg)
        now = self._now()
        with self._database.write() as connection:
            parcel = self._queue.dead_within(connection, parcel_id)
            if deed is Deed.DELIVERY_DROPPED:
                self._queue.drop_within(
                    connection, parcel_id, f"given up by {by.strip()}: {reason}"
                )
            else:
                self._queue.revive_within(connection, parcel_id, now)
            body = Handling(about=parcel, did=deed, by=by.strip(), reason=reason)
            uid = f"handling:parcel:{parcel_id}:{now.isoformat(timespec='microseconds')}"
            self._ledger.append_within(connection, [Entry(uid=uid, at=now, body=body)])
