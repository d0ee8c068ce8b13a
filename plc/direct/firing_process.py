"""The process that times coil writes: nothing else runs in it, and nothing collects garbage.

It ends when the line's end of the pipe does, after switching every output off. What it cannot do is
switch anything off when this PC dies: that is the remote I/O's own watchdog's work.
"""

import argparse
import gc
import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from calibration.clock import Clock, MonotonicClock
from plc.direct.firing_engine import FiringEngine
from plc.direct.io_port import IoPort, RegisterCounter
from plc.direct.precision import Precision
from plc.direct.proof import measure
from plc.direct.setup import DirectSetup, Failed, Ready, Trouble, Turn
from plc.direct.valve_program import ValveProgram
from plc.encoders.config import PlcEncoder, RegisterEncoder
from plc.encoders.serial_encoder import SerialEncoder
from plc.errors import EncoderError, PlcError, PlcFaultError, PlcLinkError
from plc.modbus_link import open_transport
from plc.reconnect import ReconnectPolicy

if TYPE_CHECKING:
    from plc.ports import EncoderSource


class FiringProcess:
    """Connects, measures, then takes turns until the line is gone."""

    def __init__(self, setup: DirectSetup, pipe: Connection, clock: Clock) -> None:
        """Prepare without connecting.

        Args:
            setup: remote I/O, encoder and limits.
            pipe: to the line; its end is the end of this process.
            clock: real time.
        """
        self._setup, self._pipe, self._clock = setup, pipe, clock
        transport = open_transport(setup.device, clock)
        self._port = IoPort(setup.device, transport, clock)
        self._encoder: EncoderSource
        match setup.encoder:
            case RegisterEncoder():
                self._encoder = RegisterCounter(setup.encoder, transport, clock)
            case PlcEncoder():
                msg = "direct mode has no PLC that counts"
                raise ValueError(msg)
            case _:
                self._encoder = SerialEncoder(setup.encoder, clock)
        self._reconnect = ReconnectPolicy()
        self._waiting_turn = False

    def run(self, *, real_time: bool) -> None:
        """Serve until the line's end of the pipe closes; leaves every output off."""
        precision = self._prove(real_time=real_time)
        if precision is None:
            return
        engine = FiringEngine(
            self._setup,
            port=self._port,
            encoder=self._encoder,
            clock=self._clock,
            precision=precision,
        )
        try:
            while self._serve(engine):
                pass
        finally:
            self._leave(engine)

    def _prove(self, *, real_time: bool) -> Precision | None:
        """Connect and measure; tells the line and returns None where the mode is refused."""
        setup, image = self._setup, ValveProgram(self._setup).image
        try:
            self._port.open(image.whole())
            precision = measure(self._port, image, self._clock, writes=setup.device.proof_writes)
            # Not earlier: a streaming counter would fill its buffer meanwhile.
            self._encoder.open()
        except PlcError as error:
            self._pipe.send(_failed(error))
            return None
        if precision.fastest_mm_per_s(setup.pitch_mm) < setup.speed_mm_per_s:
            words = (
                f"direct mode refused at {setup.speed_mm_per_s:g} mm/s: "
                f"{precision.words(setup.pitch_mm)}; slow the belt, take load off this PC, give "
                "it real-time priority, or use a PLC that fires by its own encoder"
            )
            self._pipe.send(Failed(trouble=Trouble.TOO_SLOW, words=words))
            return None
        self._pipe.send(Ready(precision=precision, real_time=real_time))
        return precision

    def _serve(self, engine: FiringEngine) -> bool:
        """Do one round; returns False when the line is gone."""
        sleep_s = self._look_after(engine)
        answer = engine.answer() if self._waiting_turn else None
        if answer is not None:
            self._waiting_turn = False
            self._pipe.send(answer)
        try:
            while self._pipe.poll(sleep_s):
                sleep_s = 0.0
                turn = self._pipe.recv()
                if isinstance(turn, Turn):
                    engine.hear(turn)
                    self._waiting_turn = True
        except (EOFError, OSError):
            return False
        return True

    def _look_after(self, engine: FiringEngine) -> float:
        """Step the engine, or try to reach the remote I/O again; returns how long to sleep."""
        now_ns = self._clock.now_ns()
        if not self._port.connected:
            if not self._reconnect.due(now_ns):
                return min(0.01, self._reconnect.wait_ms(now_ns) / 1e3)
            try:
                self._port.open(engine.program.image.whole())
                self._encoder.open()
            except PlcError as error:
                self._port.close()
                self._reconnect.failed(self._clock.now_ns())
                engine.lose(Trouble.LINK, str(error))
                return 0.01
            self._reconnect.succeeded()
        try:
            return engine.step()
        except PlcLinkError:
            # Told with the next answer.
            return 0.0

    def _leave(self, engine: FiringEngine) -> None:
        try:
            if self._port.connected:
                engine.shut()
        except PlcError as error:
            sys.stderr.write(f"could not switch the outputs off ({error}); its watchdog will\n")
        finally:
            self._encoder.close()
            self._port.close()


def _failed(error: PlcError) -> Failed:
    if isinstance(error, EncoderError):
        return Failed(trouble=Trouble.ENCODER, words=str(error), encoder_fault=error.fault.value)
    trouble = Trouble.FAULT if isinstance(error, PlcFaultError) else Trouble.LINK
    return Failed(trouble=trouble, words=str(error))


def take_real_time_priority(fifo_priority: int) -> bool:
    """Ask for SCHED_FIFO and say whether it was granted."""
    if not fifo_priority:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(fifo_priority))
    except PermissionError:
        return False
    return True


def main(argv: Sequence[str] | None = None) -> int:
    """Run the firing process; started by `plc.direct.direct_link`.

    Returns:
        0 when the line is gone or the mode was refused.
    """
    parser = argparse.ArgumentParser(prog="plc.direct.firing_process", description=main.__doc__)
    parser.add_argument("--setup", required=True, help="DirectSetup as JSON")
    parser.add_argument("--pipe", type=int, required=True, help="inherited descriptor")
    arguments = parser.parse_args(argv)
    setup = DirectSetup.model_validate_json(arguments.setup)
    # Ctrl-C reaches the line, which ends its pipe; a TERM ends us the same way.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    process = FiringProcess(setup, Connection(arguments.pipe), MonotonicClock())
    real_time = take_real_time_priority(setup.device.fifo_priority)
    gc.collect()
    gc.disable()
    try:
        process.run(real_time=real_time)
    except BrokenPipeError:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
