"""The page in a real browser: what the operator sees and what the buttons do."""

import os
import shutil
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import pytest

from controller.snapshot import LampRemoved, MassStanding, OperatorRequest, PackmlRequest
from controller.states import LineCommand
from telemetry.hmi.accounts import AccountBook
from telemetry.hmi.gate import COOKIE
from telemetry.hmi.roles import Role
from telemetry.plant.audits import ProductSample, SamplePart, enter_sample
from telemetry.plant.config import PlantConfig
from telemetry.plant.opening import open_plant
from telemetry.wall import utc_now
from telemetry.wording import Language
from tests.support.browser import Browser, chromium_path
from tests.support.page_user import signed_in
from tests.support.telemetry_line import MASSES, lamp_alarm
from tests.support.telemetry_rig import CLOCK, Rig, wait_for
from vision.types import Fraction

pytestmark = [
    pytest.mark.wire,
    pytest.mark.skipif(chromium_path() is None, reason="chromium is not installed"),
]

JPEG = cv2.imencode(".jpg", np.full((320, 640, 3), 90, np.uint8))[1].tobytes()


HOSTILE = "<img src=x onerror=alert(1)> \u0022\u0027; DROP TABLE person"
HEAPED = MassStanding(model="built-in", overlap_index=1.12, valid=False)


class LiveLine:
    """Publishes ten times a second from its own thread, with a lamp alarm while `lamp` is set."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.lamp = threading.Event()
        self.silent = threading.Event()
        self.heaped = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        alarm = lamp_alarm(CLOCK.now_ns())
        while not self._ending.wait(0.1):
            if self.silent.is_set():
                continue
            self._rig.publish(3)
            alarms = (alarm,) if self.lamp.is_set() else ()
            self._rig.feed.publish_snapshot(
                self._rig.source.snapshot(
                    CLOCK.now_ns(),
                    alarms=alarms,
                    masses=HEAPED if self.heaped.is_set() else MASSES,
                )
            )
            self._rig.feed.publish_picture(JPEG)


def product_sample(place: int) -> ProductSample:
    """A kilogram of plastic with a tenth of paper in it, more or less."""
    return ProductSample(
        uid=uuid.UUID(int=place + 1),
        line_id="line-1",
        product=Fraction.PLASTIC,
        taken_at=utc_now() - timedelta(minutes=30 * place + 1),
        author="auditor",
        parts=(
            SamplePart(fraction=Fraction.PLASTIC, items=40, mass_g=1000.0),
            SamplePart(fraction=Fraction.PAPER, items=4, mass_g=65.0 + 10.0 * place),
        ),
    )


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, plant=PlantConfig(database_path=tmp_path / "plant.sqlite"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def line(rig: Rig) -> Iterator[LiveLine]:
    with LiveLine(rig) as running:
        yield running


@pytest.fixture
def browser(rig: Rig, tmp_path: Path) -> Iterator[Browser]:
    with Browser(profile=tmp_path / "profile") as opened:
        url = f"http://127.0.0.1:{rig.supervisor.port}/"
        opened.set_cookie(url, COOKIE, rig.headers["cookie"].partition("=")[2])
        opened.open(url)
        opened.wait_until("document.readyState === 'complete' && document.querySelector('#user')")
        yield opened
    shutil.rmtree(tmp_path / "profile", ignore_errors=True)


def shows(selector: str, text: str) -> str:
    return f"document.querySelector('{selector}')?.textContent.includes('{text}')"


STALE = "!document.querySelector('#stale').hidden"


def test_the_page_shows_the_line_and_its_buttons_reach_it(
    rig: Rig, line: LiveLine, browser: Browser
) -> None:
    line.lamp.set()
    browser.wait_until(shows("#state", "sorting"))
    browser.wait_until("document.querySelector('#picture').naturalWidth === 640")
    browser.wait_until(shows("#alarms", "Mercury lamp on the belt"))
    browser.wait_until(shows("#balance-verdict", "closes"))
    assert browser.evaluate("document.querySelector('[data-command=start]').disabled")
    assert browser.evaluate("document.querySelectorAll('#fractions tr').length") == 6
    assert browser.evaluate(shows("#fractions", "not audited"))
    browser.wait_until("!document.querySelector('[data-command=hold]').disabled")
    assert browser.evaluate("document.querySelector('#mode').disabled")
    browser.click("[data-command=hold]")
    browser.wait_until(shows("#answer", "passed to the line"))
    browser.click("#alarms li button:last-child")
    requests: list[OperatorRequest] = []

    def both_arrived() -> bool:
        requests.extend(rig.feed.take_requests())
        return len(requests) == 2

    wait_for(both_arrived, "two requests")
    assert requests == [
        PackmlRequest(command=LineCommand.HOLD, operator="operator"),
        LampRemoved(operator="operator"),
    ]
    folder = os.environ.get("SORTLINE_SCREENSHOTS")
    if folder:
        browser.evaluate("scrollTo(0, 0)")
        browser.screenshot(Path(folder) / "page-1280x800.png")
    browser.resize(390, 844)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    if folder:
        browser.screenshot(Path(folder) / "page-390x844.png")


def test_the_page_says_when_items_lie_on_one_another_too_much_to_be_weighed(
    line: LiveLine, browser: Browser
) -> None:
    browser.wait_until(shows("#mass-model", "Masses by built-in, overlap index 1.02"))
    assert browser.evaluate("document.querySelector('#mass-note').hidden")
    line.heaped.set()
    browser.wait_until(shows("#mass-note", "not valid"))
    browser.wait_until(shows("#kg-per-h", "not valid"))
    line.heaped.clear()
    browser.wait_until("document.querySelector('#mass-note').hidden")


def test_the_page_shows_a_purity_once_samples_were_entered(
    rig: Rig, line: LiveLine, browser: Browser
) -> None:
    plant = rig.config.database
    assert plant is not None
    browser.wait_until(shows("#state", "sorting"))
    with closing(open_plant(plant).database) as database:
        for place in range(8):
            enter_sample(database, product_sample(place), now=utc_now())
    browser.wait_until(shows("#fractions tr td.note", "by mass, 95 %, 8 samples, 8.8 kg"), 30)
    assert browser.evaluate(shows("#fractions tr:nth-child(2)", "not audited"))


def test_the_page_says_when_line_or_telemetry_are_gone_and_recovers(
    rig: Rig, line: LiveLine, browser: Browser
) -> None:
    browser.wait_until(shows("#state", "sorting"))
    line.silent.set()
    browser.wait_until(f"{STALE} && {shows('#stale', 'line does not answer')}")
    disabled = "[...document.querySelectorAll('[data-command]')].every(b => b.disabled)"
    assert browser.evaluate(disabled)
    line.silent.clear()
    browser.wait_until(f"!({STALE})")
    rig.signal(signal.SIGSTOP)
    browser.wait_until(f"{STALE} && {shows('#stale', 'telemetry process does not answer')}")
    assert browser.evaluate(disabled)
    rig.signal(signal.SIGCONT)
    browser.wait_until(f"!({STALE})")


def test_every_page_speaks_three_languages_and_shows_a_hostile_note_as_text(
    rig: Rig, line: LiveLine, browser: Browser
) -> None:
    rig.post("/api/procedure-step", procedure="jam", step=1, done=True, note=HOSTILE)
    url = f"http://127.0.0.1:{rig.supervisor.port}"
    office = signed_in(rig.config.users_path, HOSTILE[:40], Role.MANAGER)
    browser.set_cookie(url, COOKIE, office["cookie"].partition("=")[2])
    for language, heading in (("kk", "Шолу"), ("ru", "Обзор"), ("en", "Overview")):
        for path in ("/", "/procedures", "/audit-log"):
            browser.open(url + path)
            browser.wait_until("document.querySelector('#user')")
            browser.evaluate(f"localStorage.setItem('language', '{language}')")
            with closing(AccountBook(rig.config.users_path)) as book:
                book.set_language(HOSTILE[:40], Language(language))
            browser.open(url + path)
            browser.wait_until(f"document.documentElement?.lang === '{language}'")
            browser.wait_until(shows("#bar nav", heading))
            assert browser.evaluate("document.body.innerText.includes('⟨')") is False
        browser.wait_until("document.querySelector('#lines')?.textContent.includes('onerror')")
        assert browser.evaluate("document.querySelectorAll('#lines img, #bar img').length") == 0


def test_a_procedure_is_led_through_step_by_step_and_a_lost_session_loses_nothing(
    rig: Rig, browser: Browser
) -> None:
    browser.open(f"http://127.0.0.1:{rig.supervisor.port}/procedures")
    browser.wait_until("document.querySelector('[data-procedure=lamp_found]:enabled')")
    browser.click("[data-procedure=lamp_found]")
    browser.wait_until(shows("#place", "Step 1 of 3"))
    browser.click("#done")
    browser.wait_until(shows("#place", "Step 2 of 3"))
    with closing(AccountBook(rig.config.users_path)) as book:
        book.sign_out(rig.headers["cookie"].partition("=")[2])
    browser.click("#done")
    browser.wait_until(shows("#answer", "Your session is over"))
    assert browser.evaluate(shows("#place", "Step 2 of 3"))
    with closing(AccountBook(rig.config.users_path)) as book:
        newest, first = [x for x in book.log_lines() if x.action == "/api/procedure-step"]
    assert (first.outcome, newest.outcome) == ("200", "401")
