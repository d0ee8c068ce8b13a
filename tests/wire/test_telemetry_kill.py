"""The store survives `kill -9` at any moment with the balance intact."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", [1])
def test_the_store_s_books_close_after_forty_kills_at_random_moments(
    tmp_path: Path, seed: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.store_killer", str(tmp_path), "40", str(seed)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing lost" in done.stdout
