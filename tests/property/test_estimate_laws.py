"""Shares stay shares and masses add up, whatever the figures."""

from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.estimates.confusion import ConfusionAudit, know
from telemetry.estimates.ratio import block_ratio
from telemetry.estimates.reconcile import reconcile
from telemetry.estimates.streams import NamedCounts, estimate_streams
from telemetry.estimates.types import Basis, Evidence, MassFigure, Method, Share

_counts = st.lists(st.integers(0, 400), min_size=6, max_size=6)


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.one_of(st.just(0.0), st.floats(1e-6, 1e6))),
        min_size=2,
        max_size=40,
    ),
    st.integers(1, 10**6),
    st.floats(0.5, 0.999),
)
def test_a_block_ratio_is_a_share_within_its_interval(
    blocks: list[tuple[float, float]], n_objects: int, level: float
) -> None:
    wholes = [whole for _, whole in blocks]
    parts = [share * whole for share, whole in blocks]
    told = block_ratio(
        parts,
        wholes,
        basis=Basis.MASS,
        evidence=Evidence(n_blocks=0, n_objects=n_objects),
        level=level,
    )
    if isinstance(told, Share):
        assert 0 <= told.low <= told.value <= told.high <= 1
        assert told.low < told.high


@settings(max_examples=40)
@given(
    named=_counts,
    audits=st.lists(st.lists(_counts, min_size=6, max_size=6), min_size=1, max_size=4),
    own=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_any_audit_of_any_belt_gives_shares(
    named: list[int], audits: list[list[list[int]]], *, own: bool, seed: int
) -> None:
    out = np.random.default_rng(seed).integers(0, np.array(named) + 1)
    knowledge = know(
        [
            ConfusionAudit(counts=np.array(counts), audited_on=date(2026, 1, 1), model_version="m")
            for counts in audits
        ],
        of_the_period=own,
    )
    estimates = estimate_streams(
        NamedCounts(named=np.array(named), sorted_out=out),
        knowledge,
        masses=None,
        evidence=Evidence(n_blocks=1, n_objects=1),
    )
    for estimate in estimates:
        for share in (estimate.composition, estimate.purity, estimate.recovery):
            assert not isinstance(share, Share) or 0 <= share.low <= share.high <= 1


@given(
    st.lists(st.floats(0, 1e5), min_size=1, max_size=6),
    st.integers(0, 2**32),
    st.floats(0, 1e6),
    st.floats(1e-3, 1e3),
)
def test_reconciled_parts_add_up_and_are_no_less_sure(
    parts: list[float], seed: int, weighed: float, sd: float
) -> None:
    n = len(parts)
    root = np.random.default_rng(seed).normal(0, 10, (n, n))
    result = reconcile(
        np.array(parts),
        root @ root.T,
        MassFigure(kg=weighed, sd_kg=sd, method=Method.SCALE),
    )
    assert (result.parts_kg >= 0).all()
    assert abs(result.parts_kg.sum() - result.total.kg) <= 1e-6 * max(1.0, result.total.kg)
    assert result.vision.kg == float(np.array(parts).sum())
    assert result.scale.kg == weighed
    assert result.total.sd_kg <= result.vision.sd_kg * (1 + 1e-9)
