"""OpenVINO without its usage reports: importing it would send one to an analytics service.

The package falls back on a stub of its own when `openvino_telemetry` cannot be imported, so that
import is made to fail. A sorting line talks to nobody it was not told to talk to.
"""

import importlib
import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

ov = importlib.import_module("openvino")
preprocess = importlib.import_module("openvino.preprocess")
