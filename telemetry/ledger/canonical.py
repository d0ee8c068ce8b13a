"""Canonical JSON: one byte string for one content, so that hashes can be compared.

The form is that of RFC 8785 (JSON Canonicalization Scheme) for the values used here: keys are ASCII
and sorted, no white space, UTF-8, numbers as ECMAScript prints them. Floats are rounded to
FLOAT_DECIMALS first, so that a figure recomputed on another machine gives the same bytes.
"""

import hashlib
import json
import math
import re
from typing import Any, Final

FLOAT_DECIMALS: Final = 6
_LARGEST_EXACT: Final = 2**53
"""Integers beyond this are not exact in ECMAScript (RFC 8785, section 3.2.2.3)."""
_SMALL: Final = re.compile(r"^(-?)(\d)(?:\.(\d+))?e-(\d+)$")


def canonical(value: Any) -> bytes:
    """Return the canonical bytes of a value made of dict, list, str, int, float, bool and None.

    Raises:
        ValueError: a number that is not finite or not exact, a key that is not ASCII text, or
            another type.
    """
    return _text(value).encode()


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(part) for part in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_key(key)}:{_text(value[key])}" for key in sorted(value)) + "}"
    msg = f"{type(value).__name__} has no canonical form"
    raise ValueError(msg)


def _integer(value: int) -> str:
    if abs(value) > _LARGEST_EXACT:
        msg = f"{value} is not exact in JSON"
        raise ValueError(msg)
    return str(value)


def _key(key: Any) -> str:
    if not isinstance(key, str) or not key.isascii():
        msg = f"{key!r} is no key of canonical JSON here"
        raise ValueError(msg)
    return json.dumps(key)


def _number(value: float) -> str:
    if not math.isfinite(value) or abs(value) > _LARGEST_EXACT:
        msg = f"{value} is not a number JSON can carry exactly"
        raise ValueError(msg)
    rounded = round(value, FLOAT_DECIMALS)
    if rounded == int(rounded):
        return str(int(rounded))
    text = repr(rounded)
    small = _SMALL.match(text)
    if small is None:
        return text
    sign, first, rest, exponent = small.groups()
    return f"{sign}0.{'0' * (int(exponent) - 1)}{first}{rest or ''}"
