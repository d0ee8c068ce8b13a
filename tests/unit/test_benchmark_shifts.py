import numpy as np
import pytest

from benchmarks.estimates import simulate
from benchmarks.rigid_mass import throughput_errors
from benchmarks.shift_world import BLOCKS, CONFUSION, MIX, LibraryMasses, ShiftWorld, library_masses


@pytest.fixture(scope="module")
def library() -> LibraryMasses:
    return library_masses()


def test_simulated_shifts_have_the_statistics_they_claim(library: LibraryMasses) -> None:
    world = ShiftWorld(library, seed=1, drifts=False)
    shifts = [world.shift() for _ in range(30)]
    counts = sum(shift.counts.sum(axis=0) for shift in shifts)
    assert counts.sum() / 30 / BLOCKS == pytest.approx(300, rel=0.05)
    assert counts.sum(axis=1) / counts.sum() == pytest.approx(MIX, abs=0.08)
    assert counts / counts.sum(axis=1, keepdims=True) == pytest.approx(CONFUSION, abs=0.01)
    mean_g = sum(s.mass_g.sum(axis=(0, 2)) for s in shifts) / counts.sum(axis=1)
    assert mean_g == pytest.approx(library.mean_g, rel=0.15)


def test_neighbouring_blocks_are_alike_and_far_ones_are_not(library: LibraryMasses) -> None:
    shift = ShiftWorld(library, seed=2, drifts=True).shift()
    share = shift.counts[:, 0].sum(axis=1) / shift.counts.sum(axis=(1, 2))
    around = share - share.mean()
    near = (around[1:] * around[:-1]).mean() / around.var()
    assert near > 0.6


def test_a_drifting_classifier_differs_from_shift_to_shift(library: LibraryMasses) -> None:
    def spread(*, drifts: bool) -> float:
        world = ShiftWorld(library, seed=3, drifts=drifts)
        counts = [world.shift().counts.sum(axis=0) for _ in range(15)]
        return float(np.std([c[0, 0] / c[0].sum() for c in counts]))

    assert spread(drifts=True) > 3 * spread(drifts=False)


def test_intervals_hold_on_a_few_shifts_of_a_drifting_classifier() -> None:
    tally = simulate(5, 8, drifts=True)
    hit = sum(hits for hits, _ in tally.hits.values())
    trials = sum(count for _, count in tally.hits.values())
    assert trials == 8 * 6 * 7
    assert hit / trials > 0.85
    assert len(tally.composition_pts) == 8 * 6 * 2


def test_rigid_items_are_weighed_without_bias_by_pictures_alone() -> None:
    errors = throughput_errors(20)
    assert abs(np.mean(errors.learned_pct)) < 0.4
    assert np.std(errors.reconciled_pct) < np.std(errors.learned_pct)
