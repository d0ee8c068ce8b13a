"""Structured Text to Python: the PLC program executed, its types checked as MATIEC checks them.

Stricter than any compiler where compilers differ: an intermediate result that leaves its type, a
UINT assigned out of range, a conversion that would cut digits off are errors when they happen.
UDINT may wrap only where a sum, difference or product is assigned as a whole.
"""

from functools import lru_cache
from typing import Any

from tests.support.st_expressions import MOST, Expr, Expressions, Unit, Variable
from tests.support.st_lexer import StError


def in_uint(value: int) -> int:
    """Return the value; an error if a UINT cannot hold it."""
    if not 0 <= value <= 0xFFFF:
        raise StError(f"{value} is no UINT")
    return value


def in_udint(value: int) -> int:
    """Return the value; an error if a UDINT cannot hold it."""
    if not 0 <= value <= 0xFFFFFFFF:
        raise StError(f"{value} is no UDINT")
    return value


class Compiler(Expressions):
    """One pass over the tokens, a unit at a time."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.task: dict[str, str] = {}
        self._depth = 0
        while self._at < len(self._tokens):
            self._top()

    def _top(self) -> None:
        kind = self._next().text
        if kind == "CONFIGURATION":
            self._configuration()
            return
        if kind not in ("FUNCTION", "FUNCTION_BLOCK", "PROGRAM"):
            raise self._fail(f"{kind!r} starts no unit")
        unit = self._unit = Unit(kind, self._name())
        if unit.name in self.units:
            raise self._fail(f"{unit.name} twice")
        if kind == "FUNCTION":
            self._need(":")
            unit.result = self._next().text
            unit.variables[unit.name] = Variable(unit.name, unit.result, "RESULT")
        while self._peek().text.startswith("VAR"):
            self._section()
        self._depth = 2
        self._body(f"END_{kind}")
        self._need(f"END_{kind}")
        self.units[unit.name] = unit

    def _configuration(self) -> None:
        self._name()
        self._need("RESOURCE")
        self._name()
        self._need("ON")
        self._name()
        self._need("TASK")
        task = self._name()
        self._need("(")
        self._need("INTERVAL")
        self._need(":=")
        self.task["interval"] = self._next().text
        self._need(",")
        self._need("PRIORITY")
        self._need(":=")
        self._next()
        self._need(")")
        self._need(";")
        self._need("PROGRAM")
        self._name()
        self._need("WITH")
        if self._name() != task:
            raise self._fail("the program runs in an unknown task")
        self._need(":")
        self.task["program"] = self._name()
        self._need(";")
        self._need("END_RESOURCE")
        self._need("END_CONFIGURATION")

    def _section(self) -> None:
        section = self._next().text
        if self._take("CONSTANT"):
            section = "CONSTANT"
        located = set()
        while not self._take("END_VAR"):
            located.add(self._declaration(section))
        if len(located) > 1:
            raise self._fail("located and ordinary variables in one VAR block")

    def _declaration(self, section: str) -> bool:
        variable = Variable(self._name(), "", section)
        if self._take("AT"):
            variable.address = self._next().text
        self._need(":")
        if self._take("ARRAY"):
            variable.length = self._array_length()
            self._need("OF")
        variable.type = self._next().text
        if self._take(":="):
            variable.initial = int(eval(self._expression().code))
        self._need(";")
        known = variable.type in ("BOOL", "UINT", "UDINT") or variable.type in self.units
        if not known or variable.name in self._unit.variables or variable.name in self.units:
            raise self._fail(f"{variable.name}: declared twice, or of an unknown type")
        self._unit.variables[variable.name] = variable
        return bool(variable.address)

    def _array_length(self) -> int:
        self._need("[")
        first = self._next().text
        self._need("..")
        last = int(self._next().text)
        self._need("]")
        if first != "0":
            raise self._fail("arrays begin at 0 here")
        return last + 1

    def _emit(self, line: str) -> None:
        self._unit.lines.append("    " * self._depth + line)

    def _body(self, *ends: str) -> None:
        start = len(self._unit.lines)
        while self._peek().text not in ends:
            self._statement()
        if len(self._unit.lines) == start:
            self._emit("pass")

    def _statement(self) -> None:
        word = self._peek().text
        compound = {
            "IF": self._if,
            "WHILE": self._while,
            "FOR": self._for,
            "CASE": self._case,
        }
        if word in compound:
            self._next()
            compound[word]()
        else:
            self._assignment_or_call()
        self._need(";")

    def _block(self, *ends: str) -> None:
        self._depth += 1
        self._body(*ends)
        self._depth -= 1

    def _condition(self) -> str:
        return self._typed("BOOL").code

    def _if(self) -> None:
        self._emit(f"if {self._condition()}:")
        self._need("THEN")
        self._block("ELSIF", "ELSE", "END_IF")
        while self._take("ELSIF"):
            self._emit(f"elif {self._condition()}:")
            self._need("THEN")
            self._block("ELSIF", "ELSE", "END_IF")
        if self._take("ELSE"):
            self._emit("else:")
            self._block("END_IF")
        self._need("END_IF")

    def _while(self) -> None:
        self._emit(f"while {self._condition()}:")
        self._need("DO")
        self._block("END_WHILE")
        self._need("END_WHILE")

    def _for(self) -> None:
        target = self._target()
        self._need(":=")
        first = self._typed(target.type).code
        self._need("TO")
        last = self._typed(target.type).code
        self._need("DO")
        self._emit(f"{target.code} = {first}")
        self._emit(f"while {target.code} <= {last}:")
        self._block("END_FOR")
        self._emit(f"    {target.code} = _u16({target.code} + 1)")
        self._need("END_FOR")

    def _case(self) -> None:
        selector = self._expression()
        if selector.type not in MOST:
            raise self._fail("CASE of something that is no number")
        self._need("OF")
        word = "if"
        while not self._take("END_CASE"):
            label = self._next()
            if label.kind != "number":
                raise self._fail("a CASE label is a plain number")
            self._need(":")
            self._emit(f"{word} {selector.code} == {label.text}:")
            self._depth += 1
            while self._peek().kind != "number" and self._peek().text != "END_CASE":
                self._statement()
            self._depth -= 1
            word = "elif"

    def _assignment_or_call(self) -> None:
        line = self._peek().line
        target = self._target()
        if target.type in self.units:
            self._call_block(target)
            return
        self._need(":=")
        value = self._typed(target.type)
        code = value.code
        if value.kind == "ring":
            code = f"({code}) & 0xFFFFFFFF" if target.type == "UDINT" else f"_u16({code})"
        self._emit(f"{target.code} = {code}  # {line}")

    def _call_block(self, target: Expr) -> None:
        inputs = self.units[target.type].variables
        self._need("(")
        self._emit(f"_fb = {target.code}")
        while not self._take(")"):
            name = self._name()
            if name not in inputs or inputs[name].section != "VAR_INPUT":
                raise self._fail(f"{target.type} has no input {name}")
            self._need(":=")
            value = self._whole(self._typed(inputs[name].type))
            self._emit(f"_fb.{name} = {value.code}")
            self._take(",")
        self._emit("_fb.scan__()")


def python_of(compiler: Compiler) -> str:
    """Return the whole program as Python source."""
    return "\n".join(_unit_source(unit, compiler) for unit in compiler.units.values())


def _unit_source(unit: Unit, compiler: Compiler) -> str:
    if unit.kind == "FUNCTION":
        inputs = [f"{v.name}_" for v in unit.variables.values() if v.section == "VAR_INPUT"]
        others = [
            f"        {v.name}_ = {v.initial}"
            for v in unit.variables.values()
            if v.section != "VAR_INPUT"
        ]
        head = f"if True:\n    def {unit.name}_f({', '.join(inputs)}):"
        return "\n".join([head, *others, *unit.lines, f"        return {unit.name}_"])
    fields = [f"        self.{v.name} = {_initial(v, compiler)}" for v in unit.variables.values()]
    head = f"class {unit.name}_b:\n    def __init__(self):"
    return "\n".join([head, *fields, "    def scan__(self):", *unit.lines])


def _initial(variable: Variable, compiler: Compiler) -> str:
    if variable.type in compiler.units:
        return f"{variable.type}_b()"
    value = str(bool(variable.initial)) if variable.type == "BOOL" else str(variable.initial)
    return f"[{value}] * {variable.length}" if variable.length else value


def load(text: str) -> tuple[Any, dict[str, str], dict[str, str]]:
    """Compile and start a program.

    Returns:
        The program's instance (call `scan__` once a scan), the address of each located variable by
        name, and the task.
    """
    space, compiler = _compiled(text)
    program = compiler.units[compiler.task["program"]]
    located = {v.name: v.address for v in program.variables.values() if v.address}
    return space[f"{program.name}_b"](), located, compiler.task


@lru_cache(maxsize=4)
def _compiled(text: str) -> tuple[dict[str, Any], Compiler]:
    compiler = Compiler(text)
    space: dict[str, Any] = {"_u16": in_uint, "_u32": in_udint}
    exec(compile(python_of(compiler), "sortline.st", "exec"), space)
    return space, compiler
