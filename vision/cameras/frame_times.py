"""When was this frame exposed? Device stamps and arrival times turned into monotonic time."""

from collections import deque
from operator import itemgetter
from typing import Final, Protocol

from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs


class FrameTimes(Protocol):
    """Turns a device's stamp and the arrival into the middle of the exposure."""

    def observe(self, stamp_ms: float, arrival_ns: MonotonicNs) -> MonotonicNs:
        """Take one frame's stamp and arrival, in order; return the middle of its exposure."""
        ...

    @property
    def settled(self) -> bool:
        """False while times are still guesses: such frames must not be used."""
        ...


class DeviceTimes:
    """V4L2 stamps: CLOCK_MONOTONIC at the end of the exposure, by the usual UVC driver.

    The stamp is believed when it lies in the past second; drivers that stamp with another clock
    fall back on arrival minus transfer. Rolling shutter smears this by up to the readout time.
    """

    def __init__(self, *, exposure_ms: float, transfer_ms: float) -> None:
        """Take the delays between exposure, stamp and arrival."""
        self._half_exposure_ns = round(exposure_ms / 2 * NS_PER_MS)
        self._transfer_ns = round(transfer_ms * NS_PER_MS)

    @property
    def settled(self) -> bool:
        """Always: each stamp stands alone."""
        return True

    def observe(self, stamp_ms: float, arrival_ns: MonotonicNs) -> MonotonicNs:
        """Return the middle of the exposure."""
        stamp_ns = round(stamp_ms * NS_PER_MS)
        if not 0 <= arrival_ns - stamp_ns < NS_PER_S:
            stamp_ns = arrival_ns - self._transfer_ns
        return MonotonicNs(stamp_ns - self._half_exposure_ns)


class StreamTimes:
    """Presentation times of a network stream, laid onto monotonic time by the fastest frames.

    arrival = stamp + offset + delay with delay >= 0, so the smallest (arrival - stamp) over the
    last seconds is the offset plus the least delay, and queueing, bursts and jitter do not matter.
    The least delay itself cannot be seen from here; the configured transfer time stands for it.

    A server sends a burst of old frames when a client connects; until it is over, the smallest
    difference is still that of an old frame. Frames of the first `BURST_NS` are therefore ignored
    and those of `JUDGING_NS` more only watched, to learn whether the stamps can be believed.

    Limits: HTTP-MJPEG carries no times, FFmpeg invents 25 frames/s. Stamps that drift against
    arrivals by more than `DRIFT_LIMIT` are not believed and the arrival minus transfer is used: a
    backlog in the network then looks like fresh frames, so such a stream may show where items are
    but is poor ground for firing at them.
    """

    BURST_NS: Final = NS_PER_S
    """Bursts of about 27 frames at 39 frames/s were measured from RTSP servers: 0.7 s."""
    JUDGING_NS: Final = 2 * NS_PER_S
    """Long enough to tell 24 or 27 frames/s from an invented 25."""
    WINDOW_NS: Final = 5 * NS_PER_S
    """Short enough that 100 ppm of clock drift stay under 1 ms."""
    DRIFT_LIMIT: Final = 0.01
    """Crystals differ by 0.0001; 10 ms of network jitter over the judging time give 0.007."""

    def __init__(self, *, exposure_ms: float, transfer_ms: float) -> None:
        """Take the delays between exposure and arrival."""
        self._before_arrival_ns = round((transfer_ms + exposure_ms / 2) * NS_PER_MS)
        self._delays: deque[tuple[int, int]] = deque()
        self._first_arrival_ns: int | None = None
        self._settled = False

    @property
    def settled(self) -> bool:
        """True once the burst after connecting is over and the stamps are judged."""
        return self._settled

    @property
    def stamps_believed(self) -> bool:
        """True if the stream's own times advance as fast as its frames arrive."""
        delays = tuple(self._delays)
        quarter = len(delays) // 4
        if not quarter:
            return False
        early = min(delays[:quarter], key=itemgetter(1))
        late = min(delays[-quarter:], key=itemgetter(1))
        return abs(late[1] - early[1]) <= self.DRIFT_LIMIT * (late[0] - early[0])

    def observe(self, stamp_ms: float, arrival_ns: MonotonicNs) -> MonotonicNs:
        """Return the middle of the exposure."""
        if self._first_arrival_ns is None:
            self._first_arrival_ns = arrival_ns
        connected_ns = arrival_ns - self._first_arrival_ns
        at_arrival = MonotonicNs(arrival_ns - self._before_arrival_ns)
        if connected_ns < self.BURST_NS:
            return at_arrival
        self._settled = connected_ns >= self.BURST_NS + self.JUDGING_NS
        stamp_ns = round(stamp_ms * NS_PER_MS)
        self._delays.append((arrival_ns, arrival_ns - stamp_ns))
        while arrival_ns - self._delays[0][0] > self.WINDOW_NS:
            self._delays.popleft()
        if not self.stamps_believed:
            return at_arrival
        offset_ns = min(delay for _, delay in self._delays)
        return MonotonicNs(stamp_ns + offset_ns - self._before_arrival_ns)
