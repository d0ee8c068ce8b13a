"""What a register map is made of: registers, and blocks of them."""

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How the words of a register are read."""

    U16 = "u16"
    U32 = "u32, high word first"
    BITS = "bits, 0 is the least significant"


class Access(StrEnum):
    """Who writes."""

    READ = "PLC writes"
    WRITE = "PC writes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One named value in the map.

    Attributes:
        name: as used in code, documents and PLC program.
        address: of its first word, counted from 0.
        kind: how its words are read.
        unit: of the value, empty where it has none.
        meaning: what it says.
    """

    name: str
    address: int
    kind: Kind
    unit: str
    meaning: str

    @property
    def words(self) -> int:
        """Number of 16-bit registers it takes."""
        return 2 if self.kind is Kind.U32 else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Registers that follow one another without gaps, possibly repeated.

    Attributes:
        name: of the block.
        access: who writes it.
        registers: of the first repetition.
        repeats: how many times the group of registers follows itself.
        meaning: what the block is for.
        address: of the first word.
        stride: words in one repetition.
        words: in the whole block.
    """

    name: str
    access: Access
    registers: tuple[Register, ...]
    repeats: int
    meaning: str
    address: int = field(init=False)
    stride: int = field(init=False)
    words: int = field(init=False)

    def __post_init__(self) -> None:
        """Work out the block's place once."""
        stride = sum(register.words for register in self.registers)
        object.__setattr__(self, "address", self.registers[0].address)
        object.__setattr__(self, "stride", stride)
        object.__setattr__(self, "words", stride * self.repeats)

    @property
    def layout(self) -> str:
        """One repetition as a `struct` format without byte order."""
        return "".join("I" if r.kind is Kind.U32 else "H" for r in self.registers)
