"""Words of Structured Text as MATIEC takes them: nothing that only one vendor knows."""

import re
from dataclasses import dataclass

_KEYWORDS_TEXT = (
    "ACTION AND ARRAY AT BOOL BY BYTE CASE CONFIGURATION CONSTANT DATE DINT DO DWORD ELSE "
    "ELSIF END_CASE END_CONFIGURATION END_FOR END_FUNCTION END_FUNCTION_BLOCK END_IF "
    "END_PROGRAM END_REPEAT END_RESOURCE END_VAR END_WHILE EXIT FALSE FOR FUNCTION "
    "FUNCTION_BLOCK IF INT INTERVAL LINT LREAL LWORD MOD NOT OF ON OR PRIORITY PROGRAM REAL "
    "REPEAT RESOURCE RETAIN RETURN SINGLE SINT STEP STRING STRUCT TASK THEN TIME TO "
    "TRANSITION TRUE TYPE UDINT UINT ULINT UNTIL USINT VAR VAR_EXTERNAL VAR_GLOBAL VAR_INPUT "
    "VAR_IN_OUT VAR_OUTPUT VAR_TEMP WHILE WITH WORD XOR "
)
KEYWORDS = frozenset(_KEYWORDS_TEXT.split())
_RESERVED_TEXT = (
    "ABS ACOS ADD ANY ASIN ATAN CAL CALC CD CLK CONCAT COS CTD CTU CTUD CU CV D DELETE DIV DS "
    "DT EN ENO EQ ET EXP EXPT FIND FROM F_TRIG GE GT IN INSERT JMP L LD LDN LE LEFT LEN LIMIT "
    "LN LOG LT MAX MID MIN MOVE MUL MUX N NE NIL P PT PV Q QD QU R R1 READ_ONLY READ_WRITE "
    "REPLACE RET RIGHT ROL ROR RS RTC R_TRIG S S1 SD SEL SEMA SHL SHR SIN SL SQRT SR ST STN "
    "SUB T TAN TOD TOF TON TP TRUNC WSTRING DATE_AND_TIME TIME_OF_DAY INITIAL_STEP R_EDGE F_EDGE "
    "NON_RETAIN OVERLAP REF REF_TO DREF NULL VAR_ACCESS VAR_CONFIG VIA INTEGRAL PID RAMP "
    "DERIVATIVE HYSTERESIS TCP_CONNECT TCP_SEND TCP_RECEIVE TCP_CLOSE "
)
RESERVED = frozenset(_RESERVED_TEXT.split())
"""Names of standard functions, blocks and instruction-list operators: MATIEC may read them so."""
_TOKEN = re.compile(
    r"""(?P<comment>\(\*.*?\*\))
    |(?P<space>\s+)
    |(?P<direct>%[IQM][XWDL]\d+(?:\.\d+)?)
    |(?P<typed>(?:UINT|UDINT)\#\d+)
    |(?P<duration>T\#\d+ms)
    |(?P<number>\d+)
    |(?P<name>[A-Za-z][A-Za-z0-9_]*)
    |(?P<symbol>:=|=>|<>|<=|>=|\.\.|[-+*/=<>()\[\],;:.])""",
    re.VERBOSE | re.DOTALL,
)


class StError(Exception):
    """The text is not what MATIEC compiles, or computes what compilers disagree on."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word and where it stands."""

    kind: str
    text: str
    line: int


def tokens_of(text: str) -> list[Token]:
    """Split the text; comments must not nest and // is no comment."""
    found: list[Token] = []
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or text.startswith("//", at):
            raise StError(f"line {line}: {text[at : at + 20]!r} is no Structured Text of ours")
        kind, word = str(match.lastgroup), match.group()
        if kind == "comment" and "(*" in word[2:]:
            raise StError(f"line {line}: a comment inside a comment")
        if kind == "name" and word.upper() in KEYWORDS:
            found.append(Token("keyword", word.upper(), line))
        elif kind == "name":
            _check_name(word, line)
            found.append(Token("name", word.lower(), line))
        elif kind not in ("comment", "space"):
            found.append(Token(kind, word, line))
        line += word.count("\n")
        at = match.end()
    return found


def _check_name(word: str, line: int) -> None:
    if word.upper() in RESERVED or "__" in word or word.endswith("_"):
        raise StError(f"line {line}: {word} means something else to MATIEC")
