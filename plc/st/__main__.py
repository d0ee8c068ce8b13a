"""`python -m plc.st`: writes the PLC program; `--check` says whether the file is up to date."""

import argparse
import sys
from collections.abc import Sequence

from plc.st.assemble import PROGRAM, program_text

EXIT_OK, EXIT_STALE = 0, 1


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check `plc/st/sortline.st`; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m plc.st", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if it would change")
    check: bool = parser.parse_args(argv).check
    text = program_text()
    if not check:
        PROGRAM.write_text(text)
    elif not PROGRAM.exists() or PROGRAM.read_text() != text:
        print(f"{PROGRAM.name} is not up to date; run make plc-program", file=sys.stderr)
        return EXIT_STALE
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
