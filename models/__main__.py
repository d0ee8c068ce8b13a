"""`python -m models COMMAND`: from labelled pictures to a bundle that the line loads."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from models import compose, evaluate, export, library, train
from models.datasets import check_command, export_labels_command, import_command
from models.errors import ModelsError
from models.shelf import list_command, promote_command, rollback_command

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {
    "render": (library, "render the item library"),
    "compose": (compose, "compose a data set of belt scenes"),
    "import": (import_command, "take labelled pictures of another tool or data set in"),
    "export-labels": (export_labels_command, "write a data set's labels for another tool"),
    "check": (check_command, "check a data set before training"),
    "train": (train, "train a detector (needs torch)"),
    "export": (export, "export a checkpoint to a bundle (needs torch)"),
    "evaluate": (evaluate, "measure a bundle, choose thresholds, write the model card"),
    "promote": (promote_command, "let a bundle through the gate; the line loads it"),
    "rollback": (rollback_command, "take the last promotion back"),
    "list": (list_command, "list a shelf's bundles and their history"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 2 the input is at fault."""
    parser = argparse.ArgumentParser(prog="python -m models", description="Model lifecycle.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, summary) in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        return int(arguments.run(arguments))
    except ModelsError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
