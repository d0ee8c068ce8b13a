"""`python -m telemetry.reports`: print the JSON Schema of a report."""

import json
import sys

from telemetry.reports.seal import json_schema

if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
