"""The base of every section of line.toml, in whichever package it lives."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of line.toml: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
