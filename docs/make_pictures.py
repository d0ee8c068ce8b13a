"""Makes the pictures of the docs from the running demonstration: `make pictures`.

Needs Chromium (Debian's package `chromium`).
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from urllib.error import URLError

from telemetry.hmi.desk import FIRST_ADMIN
from telemetry.hmi.first_password import VARIABLE
from tests.support.browser import Browser, chromium_path
from tests.support.page_user import PASSWORD

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
STATE_URL = "http://127.0.0.1:8080/api/state"
READY_S = 180.0


def main(argv: Sequence[str] | None = None) -> int:
    """Start the demonstration, photograph its page when it sorts, stop it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=Path, help="folder of photographs to ride the belt")
    parser.add_argument("--seen", type=int, default=30, help="items to wait for")
    arguments = parser.parse_args(argv)
    if chromium_path() is None:
        sys.stderr.write("chromium is not installed; on Debian: apt-get install chromium\n")
        return 2
    PICTURES.mkdir(exist_ok=True)
    words = ["demo", *(["--items", str(arguments.items)] if arguments.items else [])]
    line = subprocess.Popen(
        [sys.executable, str(ROOT / "run_line.py"), *words],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        env={**os.environ, VARIABLE: PASSWORD},
    )
    try:
        _photograph(arguments.seen)
    finally:
        line.send_signal(signal.SIGINT)
        line.wait(30)
    return 0


def _photograph(seen: int) -> None:
    _wait_until_seen(seen)
    with tempfile.TemporaryDirectory() as folder:
        for name, width_px, height_px in (("page", 1280, 800), ("page-phone", 390, 844)):
            profile = Path(folder) / name
            with Browser(profile=profile, width_px=width_px, height_px=height_px) as browser:
                browser.open("http://127.0.0.1:8080/sign-in")
                browser.wait_until("document.querySelector('#go')?.textContent")
                browser.fill("#name", FIRST_ADMIN)
                browser.fill("#password", PASSWORD)
                browser.click("#go")
                browser.wait_until("document.querySelector('img')?.naturalWidth > 0")
                browser.screenshot(PICTURES / f"{name}.png")


def _wait_until_seen(seen: int) -> None:
    """Wait until the line executes and has seen so many items."""
    never = Event()
    for _ in range(int(READY_S * 4)):
        never.wait(0.25)
        try:
            with urllib.request.urlopen(STATE_URL, timeout=2) as answer:
                state = json.load(answer)
        except (URLError, ConnectionError, TimeoutError):
            continue
        line = state.get("line") or {}
        if line.get("state") == "execute" and line["totals"]["seen"] >= seen:
            return
    msg = f"the demonstration did not see {seen} items within {READY_S:g} s"
    raise TimeoutError(msg)


if __name__ == "__main__":
    sys.exit(main())
