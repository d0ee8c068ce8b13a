"""What the controller may rely on from its feed to telemetry."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from calibration.clock import MonotonicClock
from controller.ports import LineFeed
from telemetry.feed import SocketFeed
from tests.support.telemetry_line import STATIONS, RecordSource

CLOCK = MonotonicClock()


class TestLineFeed:
    """Nothing blocks or raises, with nobody at the other end."""

    @pytest.fixture
    def feed(self, tmp_path: Path) -> Iterator[LineFeed]:
        made = SocketFeed(socket_path=tmp_path / "nobody.sock", clock=CLOCK, record_capacity=100)
        yield made
        made.close()

    def test_everything_may_be_published_before_the_session_and_without_a_reader(
        self, feed: LineFeed
    ) -> None:
        source = RecordSource("s1")
        assert all(feed.publish_record(source.next(1)) for _ in range(100))
        feed.publish_snapshot(source.snapshot(1))
        feed.publish_picture(b"\xff\xd8")
        assert feed.take_requests() == ()

    def test_a_full_queue_refuses_the_newest_record(self, feed: LineFeed) -> None:
        source = RecordSource("s1")
        taken = [feed.publish_record(source.next(1)) for _ in range(105)]
        assert taken == [True] * 100 + [False] * 5

    def test_closing_twice_and_without_a_session_is_harmless(self, feed: LineFeed) -> None:
        feed.close()
        feed.close()

    def test_closing_ends_the_thread_in_time(self, feed: LineFeed) -> None:
        feed.open_session(session_id="s1", line_id="line-1", station_names=STATIONS)
        feed.open_session(session_id="s1", line_id="line-1", station_names=STATIONS)
        feed.close()
        assert "telemetry-feed" not in {thread.name for thread in threading.enumerate()}

    def test_a_feed_carries_one_session(self, feed: LineFeed) -> None:
        feed.open_session(session_id="s1", line_id="line-1", station_names=STATIONS)
        with pytest.raises(ValueError, match="carries session s1"):
            feed.open_session(session_id="s2", line_id="line-1", station_names=STATIONS)

    def test_a_picture_beyond_the_wire_s_limit_is_not_sent(self, feed: LineFeed) -> None:
        feed.publish_picture(b"x" * (9 << 20))
