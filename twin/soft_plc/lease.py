"""Which master controls the soft PLC, and which of its writes are new. Pure."""

from collections.abc import Sequence

from plc.codec import WORD_MASK, Mailbox, decode_mailbox, to_words
from plc.registers import MAILBOX, MAILBOX_WORDS

_KEY_WORDS = 3
"""Owner id and heartbeat: a write is seen where either differs from the last one seen."""


class MasterLease:
    """Gives control to the first master that writes, until it falls silent or gives it back."""

    def __init__(self) -> None:
        """Begin with nobody in control."""
        self.owner = 0
        self.foreign_writes = 0
        self.bad_writes = 0
        self._seen: Sequence[int] = [0] * _KEY_WORDS

    def take(self, words: Sequence[int]) -> Mailbox | None:
        """Look at the mailbox's words and return the owner's new write, None if there is none."""
        if words[:_KEY_WORDS] == self._seen:
            return None
        mailbox = decode_mailbox(words)
        if mailbox is None:
            self.bad_writes = (self.bad_writes + 1) & WORD_MASK
            return None
        self._seen = words[:_KEY_WORDS]
        if not self.owner:
            self.owner = mailbox.owner_id
        if mailbox.owner_id != self.owner or not mailbox.owner_id:
            self.foreign_writes = (self.foreign_writes + 1) & WORD_MASK
            return None
        return mailbox

    def release(self) -> None:
        """Free the PLC for whoever writes next."""
        self.owner = 0


def empty_mailbox() -> list[int]:
    """Return the mailbox's words as they are after boot."""
    return to_words(bytes(2 * MAILBOX_WORDS))


def mailbox_offset(address: int, count: int) -> int | None:
    """Return where in the mailbox a write lies, None if it is not wholly in it."""
    at = address - MAILBOX.address
    return at if 0 <= at <= at + count <= MAILBOX_WORDS else None
