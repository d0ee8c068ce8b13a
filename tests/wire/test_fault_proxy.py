"""The proxy that spoils links for the firing benchmark, and what the driver makes of each fault."""

from collections import Counter

import pytest

from benchmarks.firing_queue import Scenario, run_queue
from benchmarks.standard_line import standard_line

pytestmark = pytest.mark.wire


def test_under_every_link_fault_no_pulse_is_lost_or_fired_twice():
    scenario = Scenario(
        rate_per_min=1000, speed_mm_per_s=2800.0, for_s=6.0, faults=True, fifo_priority=50
    )
    run = run_queue(standard_line(), scenario, lambda _: None)
    assert sum(verdict.pulses for verdict in run.verdicts) > 1000
    assert sum(verdict.lost for verdict in run.verdicts) == 0
    assert sum(verdict.double for verdict in run.verdicts) == 0
    assert isinstance(run.faults, Counter)
    assert sum(run.faults.values()) > 3
