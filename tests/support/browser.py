"""A headless Chromium over its debugging pipe (Chrome DevTools Protocol), no library needed."""

import base64
import json
import os
import shlex
import shutil
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
DEADLINE_S = 30.0


def chromium_path() -> str | None:
    """Return the browser's path, or None if there is none on this machine."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One browser with one page. Use as a context manager."""

    def __init__(self, *, profile: Path, width_px: int = 1280, height_px: int = 800) -> None:
        self._profile = profile
        self._size = (width_px, height_px)
        self._next_id = 0
        self._received = b""

    def __enter__(self) -> Self:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # The pipe protocol wants descriptors 3 and 4; the shell moves ours there.
        words = [chromium_path() or "chromium", *FLAGS, f"--user-data-dir={self._profile}"]
        command = f"exec {shlex.join(words)} 3<&{to_browser} 4>&{from_browser} 2>/dev/null"
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", command], pass_fds=(to_browser, from_browser)
        )
        os.close(to_browser)
        os.close(from_browser)
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.resize(*self._size)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._write)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)

    def resize(self, width_px: int, height_px: int) -> None:
        """Give the page this size."""
        self._page_call(
            "Emulation.setDeviceMetricsOverride",
            width=width_px,
            height=height_px,
            deviceScaleFactor=1,
            mobile=False,
        )

    def open(self, url: str) -> None:
        """Go to a page."""
        self._page_call("Page.navigate", url=url)

    def set_cookie(self, url: str, name: str, value: str) -> None:
        """Give the page a cookie, as its server would."""
        self._page_call("Network.setCookie", url=url, name=name, value=value, httpOnly=True)

    def fill(self, selector: str, text: str) -> None:
        """Type a text into a field."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self._page_call("Input.insertText", text=text)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = self._page_call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait_until(self, expression: str, deadline_s: float = DEADLINE_S) -> None:
        """Wait until a JavaScript expression is true in the page."""
        end_s = time.monotonic() + deadline_s
        pause = threading.Event()
        while not self.evaluate(f"Boolean({expression})"):
            pause.wait(0.05)
            if time.monotonic() > end_s:
                text = self.evaluate("document.body ? document.body.innerText : ''")
                raise AssertionError(f"{expression} did not become true; the page shows:\n{text}")

    def click(self, selector: str) -> None:
        """Click an element by the mouse, where it is."""
        x, y = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            " e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._page_call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    def screenshot(self, path: Path) -> None:
        """Save what the page looks like as a PNG."""
        answer = self._page_call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    def _page_call(self, method: str, **parameters: Any) -> Any:
        return self._call(method, session=self._session, **parameters)

    def _call(self, method: str, *, session: str | None = None, **parameters: Any) -> Any:
        self._next_id += 1
        message = {"id": self._next_id, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._next_id:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]

    def _receive(self) -> Any:
        while b"\0" not in self._received:
            data = os.read(self._read, 1 << 20)
            if not data:
                raise AssertionError("the browser ended")
            self._received += data
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)
