"""`python -m tests.golden accept [NAME ...]` or `record`: what the pipeline does now is right."""

import argparse
import logging
import sys
from collections.abc import Sequence

from tests.golden.replays import SCENES, RecordingPipeline, replayed, write_scene
from tests.support.lockstep_rig import shipped_line, shipped_run, with_share
from twin.config import OperatorConfig
from twin.lockstep import run_lockstep
from vision.types import Fraction

RECORDED = {
    "sparse": ("standard", 0.05, 25, 0.0),
    "crowded": ("standard", 0.20, 45, 0.0),
    "lamps": ("standard", 0.10, 25, 0.15),
    "four-stations": ("demo", 0.06, 25, 0.0),
}
"""Name: line file, occupancy, items, share of lamps."""


def record(name: str) -> int:
    """Let the twin play a scene and write down what the pipeline is told; returns its frames."""
    line, occupancy, items, lamps = RECORDED[name]
    config = shipped_line(line)[1].with_changes(occupancy=occupancy, seed=3)
    config = with_share(config, Fraction.MERCURY_LAMP, lamps)
    config = config.model_copy(update={"operator": OperatorConfig(reaction_s=0.5)})
    made: list[RecordingPipeline] = []

    def pipeline(*arguments):
        made.append(RecordingPipeline(*arguments))
        return made[0]

    run_lockstep(shipped_run(line, items=items, config=config, pipeline=pipeline))
    # Before the first and after the last item nothing is seen; a few empty frames stay.
    seen = [i for i, step in enumerate(made[0].steps) if len(step.detections)]
    steps = made[0].steps[max(0, seen[0] - 3) : seen[-1] + 15]
    moving = [
        step
        for before, step in zip([None, *steps], steps, strict=False)
        if before is None or step.stamp.tick != before.stamp.tick or step.interventions
    ]
    write_scene(name, line, moving)
    return len(moving)


def main(argv: Sequence[str] | None = None) -> int:
    """Accept or record scenes; returns 0, or 2 for a scene that does not exist."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("what", choices=("accept", "record"))
    parser.add_argument("names", nargs="*", help="scenes; all of them where none is named")
    arguments = parser.parse_args(argv)
    known = sorted(RECORDED)
    if unknown := sorted(set(arguments.names) - set(known)):
        sys.stderr.write(f"error: no scene {', '.join(unknown)}; there are {', '.join(known)}\n")
        return 2
    logging.disable(logging.ERROR)
    for name in arguments.names or known:
        if arguments.what == "record":
            sys.stdout.write(f"{name}: {record(name)} frames\n")
        text = replayed(SCENES / f"{name}.jsonl")
        (SCENES / f"{name}.txt").write_text(text, encoding="utf-8")
        sys.stdout.write(f"{name}.txt: {len(text.splitlines())} lines accepted\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
