"""Expressions of Structured Text, typed: which Python they are, and what they must not do."""

from dataclasses import dataclass, field

from tests.support.st_lexer import StError, Token, tokens_of

_COMPARE = {"=": "==", "<>": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
MOST = {"UINT": 0xFFFF, "UDINT": 0xFFFFFFFF}
_CONVERSIONS = {"uint_to_udint": ("UINT", "UDINT"), "udint_to_uint": ("UDINT", "UINT")}


@dataclass(frozen=True, slots=True)
class Expr:
    """Python code with its IEC type; `kind` is "leaf", "ring" (may leave the type) or "safe"."""

    code: str
    type: str
    kind: str = "leaf"


@dataclass(slots=True)
class Variable:
    """One declared variable."""

    name: str
    type: str
    section: str
    length: int = 0
    initial: int = 0
    address: str = ""


@dataclass(slots=True)
class Unit:
    """A function, function block or program."""

    kind: str
    name: str
    result: str = ""
    variables: dict[str, Variable] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


class Expressions:
    """Reads expressions and assignable places from the tokens of a program."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._at = 0
        self.units: dict[str, Unit] = {}
        self._unit = Unit("", "")

    def _peek(self) -> Token:
        if self._at >= len(self._tokens):
            return Token("end", "", -1)
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _take(self, text: str) -> bool:
        if self._peek().text == text and self._peek().kind in ("keyword", "symbol"):
            self._at += 1
            return True
        return False

    def _need(self, text: str) -> None:
        token = self._peek()
        if not self._take(text):
            raise StError(f"line {token.line}: {token.text!r} where {text!r} belongs")

    def _name(self) -> str:
        token = self._next()
        if token.kind != "name":
            raise StError(f"line {token.line}: {token.text!r} where a name belongs")
        return token.text

    def _fail(self, words: str) -> StError:
        return StError(f"line {self._peek().line}: {words}")

    def _target(self) -> Expr:
        name = self._name()
        variable = self._unit.variables.get(name)
        if variable is None:
            raise self._fail(f"{name} is not declared")
        owner = "" if self._unit.kind == "FUNCTION" else "self."
        code, kind = f"{owner}{name}_" if not owner else f"self.{name}", variable.type
        if variable.length:
            self._need("[")
            code = f"{code}[{self._whole(self._typed('UINT')).code}]"
            self._need("]")
        elif self._take("."):
            output = self.units[variable.type].variables[self._name()]
            if output.section != "VAR_OUTPUT":
                raise self._fail(f"{output.name} is no output")
            return Expr(f"{code}.{output.name}", output.type)
        if self._peek().text == ":=" and variable.section in ("CONSTANT", "VAR_INPUT"):
            raise self._fail(f"{name} must not be assigned")
        return Expr(code, kind)

    def _typed(self, wanted: str) -> Expr:
        value = self._expression()
        if value.type == "LITERAL" and wanted in MOST:
            if int(value.code) > MOST[wanted]:
                raise self._fail(f"{value.code} is no {wanted}")
            return Expr(value.code, wanted)
        if value.type != wanted:
            raise self._fail(f"{value.type} where {wanted} belongs; convert it")
        return value

    def _whole(self, value: Expr) -> Expr:
        """Guard a result that a larger expression uses: it must not leave its type."""
        if value.kind != "ring":
            return value
        guard = "_u16" if value.type == "UINT" else "_u32"
        return Expr(f"{guard}({value.code})", value.type, "safe")

    def _expression(self, level: int = 0) -> Expr:
        levels: tuple[tuple[str, ...], ...] = (
            ("OR", "XOR"),
            ("AND",),
            ("=", "<>"),
            ("<", ">", "<=", ">="),
            ("+", "-"),
            ("*", "/", "MOD"),
        )
        if level == len(levels):
            return self._unary()
        left = self._expression(level + 1)
        while self._peek().text in levels[level] and self._peek().kind != "number":
            operator = self._next().text
            left = self._binary(operator, left, self._expression(level + 1))
        return left

    def _binary(self, operator: str, left: Expr, right: Expr) -> Expr:
        if operator in ("OR", "AND", "XOR"):
            if (left.type, right.type) != ("BOOL", "BOOL"):
                raise self._fail(f"{operator} of {left.type} and {right.type}")
            word = {"OR": "|", "AND": "&", "XOR": "^"}[operator]
            return Expr(f"({left.code} {word} {right.code})", "BOOL", "safe")
        kind = self._common(left, right)
        left, right = self._whole(left), self._whole(right)
        if operator in _COMPARE:
            return Expr(f"({left.code} {_COMPARE[operator]} {right.code})", "BOOL", "safe")
        if kind not in MOST:
            raise self._fail(f"{operator} of {kind}")
        if operator in ("/", "MOD"):
            word = "//" if operator == "/" else "%"
            return Expr(f"({left.code} {word} {right.code})", kind, "safe")
        return Expr(f"({left.code} {operator} {right.code})", kind, "ring")

    def _common(self, left: Expr, right: Expr) -> str:
        types = {left.type, right.type} - {"LITERAL"}
        if len(types) != 1:
            raise self._fail(f"{left.type} and {right.type} in one expression; convert one")
        (kind,) = types
        for side in (left, right):
            if side.type == "LITERAL" and int(side.code) > MOST.get(kind, -1):
                raise self._fail(f"{side.code} is no {kind}")
        return kind

    def _unary(self) -> Expr:
        if self._take("NOT"):
            value = self._unary()
            if value.type != "BOOL":
                raise self._fail(f"NOT of {value.type}")
            return Expr(f"(not {value.code})", "BOOL", "safe")
        if self._take("("):
            value = self._expression()
            self._need(")")
            return value
        token = self._peek()
        if token.kind == "number":
            self._next()
            return Expr(token.text, "LITERAL")
        if token.kind == "typed":
            self._next()
            kind, _, number = token.text.partition("#")
            return Expr(number, kind)
        if token.text in ("TRUE", "FALSE"):
            self._next()
            return Expr(token.text.capitalize(), "BOOL")
        return self._named()

    def _named(self) -> Expr:
        name = self._peek().text
        if name in _CONVERSIONS:
            self._next()
            source, result = _CONVERSIONS[name]
            self._need("(")
            value = self._whole(self._typed(source))
            self._need(")")
            code = value.code if result == "UDINT" else f"_u16({value.code})"
            return Expr(code, result, "safe")
        unit = self.units.get(name)
        if unit is None or unit.kind != "FUNCTION":
            return self._target()
        self._next()
        self._need("(")
        inputs = [v for v in unit.variables.values() if v.section == "VAR_INPUT"]
        arguments = []
        for variable in inputs:
            arguments.append(self._whole(self._typed(variable.type)).code)
            self._take(",")
        self._need(")")
        return Expr(f"{name}_f({', '.join(arguments)})", unit.result, "safe")
