"""Remakes docs/pictures/calibration-*.png: `python docs/make_calibration_pictures.py`, a minute.

Runs the calibrate command on the twin, procedure by procedure, and keeps of each the step that a
technician has before the eyes longest.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PICTURES: Final = ROOT / "docs" / "pictures"
_LINES: Final = ROOT / "deploy" / "lines"
_MARKERS: Final = "202=150,-120:203=850,-120:204=150,110:205=850,110"
_RUNS: Final = (
    ("standard", ("all", "--source", "twin")),
    ("standard", ("markers", "--source", "twin", "--markers", _MARKERS)),
    ("standard", ("height", "--source", "twin", "--block-mm", "80")),
    ("wide", ("belt",)),
    ("wide", ("belt", "--camera", "twin-camera-middle")),
    ("wide", ("join", "--camera", "twin-camera-middle")),
)
_SHOWN: Final = {
    ("all", "camera"): 5,
    ("all", "belt"): 3,
    ("all", "encoder"): 1,
    ("all", "delay"): 0,
    ("all", "valves"): 2,
    ("all", "light"): 3,
    ("markers", "markers"): 0,
    ("height", "height"): 3,
    ("join", "join"): 1,
}
"""Which step of which run is shown."""


def main() -> int:
    """Run everything and copy what is shown; returns the first exit code that is not 0."""
    with tempfile.TemporaryDirectory() as name:
        for number, (line, words) in enumerate(_RUNS):
            pictures = Path(name) / f"pictures-{number}"
            command = ["calibrate", str(_LINES / f"{line}.toml"), *words, "--by", "docs"]
            store = ["--store", str(Path(name) / line), "--pictures", str(pictures)]
            done = subprocess.run(
                [sys.executable, str(ROOT / "run_line.py"), *command, *store], check=False
            )
            if done.returncode:
                return done.returncode
            _copy(words[0], pictures)
    return 0


def _copy(action: str, pictures: Path) -> None:
    for (run, procedure), step in _SHOWN.items():
        if run == action:
            taken = sorted(pictures.glob(f"*-{procedure}.png"))
            target = PICTURES / f"calibration-{procedure}.png"
            shutil.copy(taken[step], target)
            sys.stdout.write(f"{target}\n")


if __name__ == "__main__":
    sys.exit(main())
