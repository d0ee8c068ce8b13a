from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.config_report import ConfigError, problems_of


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size_mm: float = Field(gt=0)


class Round(BaseModel):
    kind: Literal["round"]
    part: Part


class Square(BaseModel):
    kind: Literal["square"]


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    shape: Annotated[Round | Square, Field(discriminator="kind")]
    parts: tuple[Part, ...] = Field(min_length=1)
    named: dict[Literal["a", "b"], Part] = {}


GOOD = {"shape": {"kind": "square"}, "parts": [{"size_mm": 1}]}


def problems(document, section=""):
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate(document)
    return problems_of(caught.value, document, section=section)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parts": []}, "parts: Tuple should have at least 1 item after validation, not 0"),
        ({"parts": [{"size_mm": 1}, {}]}, "parts[1].size_mm: missing key; it has no default"),
        (
            {"parts": [{"size_mm": -1}]},
            "parts[0].size_mm: Input should be greater than 0, found -1",
        ),
        ({"colour": 1}, "colour: unknown key; remove it or mend its spelling"),
        ({"shape": {"kind": "oval"}}, "shape.kind: 'oval' is none of 'round', 'square'"),
        ({"shape": {}}, "shape.kind: missing key; it has no default"),
        (
            {"shape": {"kind": "round", "part": {"size_mm": -2}}},
            "shape.part.size_mm: Input should be greater than 0, found -2",
        ),
        ({"named": {"c": {"size_mm": 1}}}, "named.c: Input should be 'a' or 'b', found 'c'"),
    ],
)
def test_each_problem_is_one_line_with_the_key_as_it_stands_in_the_file(changes, expected):
    assert problems(GOOD | changes) == (expected,)


def test_a_part_of_a_file_is_named_by_its_section():
    assert problems({**GOOD, "x": 1}, section="twin")[0].startswith("twin.x: ")
    assert problems([], section="twin")[0].startswith("twin: ")
    assert problems([])[0].startswith("file: ")


def test_an_error_holds_all_problems():
    error = ConfigError(["a: b", "c: d"])
    assert error.problems == ("a: b", "c: d")
    assert str(error) == "a: b\nc: d"
