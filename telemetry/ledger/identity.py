"""Who the plant is: business identification number, and its check digit."""

from typing import Final

BIN_DIGITS: Final = 12
_FIRST_WEIGHTS: Final = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_SECOND_WEIGHTS: Final = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
"""Weights as the rule for Kazakh identification numbers is commonly described: the sum modulo 11, a
second time with other weights where the first gives 10. Not read in an official text."""
_MODULUS: Final = 11
_NO_DIGIT: Final = 10


def check_digit(first_eleven: str) -> int | None:
    """Return the twelfth digit that belongs to eleven, None where no number is issued for them."""
    digits = [int(character) for character in first_eleven]
    for weights in (_FIRST_WEIGHTS, _SECOND_WEIGHTS):
        found = sum(w * d for w, d in zip(weights, digits, strict=True)) % _MODULUS
        if found != _NO_DIGIT:
            return found
    return None


def bin_problem(text: str) -> str:
    """Return what is wrong with a business identification number, empty if nothing is."""
    if not (text.isascii() and text.isdigit()):
        return f"BIN {text!r} must consist of {BIN_DIGITS} digits"
    if len(text) != BIN_DIGITS:
        return f"BIN {text!r} has {len(text)} digits, it must have {BIN_DIGITS}"
    if check_digit(text[:-1]) != int(text[-1]):
        return (
            f"BIN {text!r}: its last digit does not fit the other eleven; look for a typing error"
        )
    return ""
