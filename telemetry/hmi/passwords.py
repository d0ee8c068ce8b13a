"""Passwords: what is taken as one, and how it is kept (argon2id)."""

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from telemetry.hmi.errors import AccountError

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 200
"""Longer ones would only cost time to hash."""

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""argon2id with 19 MiB and two passes: the least that OWASP's cheat sheet on storing passwords
asks for; the computer also sorts, so no more memory than that is taken."""


def hash_password(name: str, password: str) -> str:
    """Return what is kept of a password.

    Raises:
        AccountError: too short, too long, or the user's own name.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        msg = f"the password must have {MIN_LENGTH} to {MAX_LENGTH} characters"
        raise AccountError(msg)
    if name.casefold() in password.casefold() and len(password) < len(name) + MIN_LENGTH:
        msg = "the password must not be the user's name with little more"
        raise AccountError(msg)
    return _HASHER.hash(password)


_NOBODY: Final = _HASHER.hash("no user has this password")


def matches(kept: str | None, password: str) -> bool:
    """Return whether a password is the kept one; an unknown user's takes as long to refuse."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        _HASHER.verify(kept or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None
