"""The [valves] section of line.toml: where valve tests and counters are kept, and what is rated."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from calibration.section import Section


class ValvesConfig(Section):
    """Valve health."""

    folder: Path
    """Where valve tests, counters and the log of changed valves are kept."""
    rated_cycles: Annotated[int, Field(gt=0)] = 1_000_000_000
    """Switchings that the maker promises; fast solenoid valves of sorters are rated about 1e9."""
    warn_share: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of the rated cycles from which a valve is to be changed at the next stop."""
    miss_false_alarm: Annotated[float, Field(gt=0, lt=0.1)] = 1e-9
    """One over the mean number of items between two false alarms of one valve, by what is seen
    downstream. A busy valve fires at ten million items a month: with 1e-9 a bar of 80 sound valves
    gives less than one false alarm a month."""
    usual_miss_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    """Items that a sound bar misses for other reasons: heavy, rolling, seen wrong."""
    bad_miss_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Items that a bar misses where the one valve under them is dead."""
    downstream_mm: Annotated[float, Field(gt=0)] | None = None
    """Where the middle of the downstream camera's view is, machine frame: what is still on the belt
    there was missed. Without such a camera, faulty valves show in the valve test only."""
