"""Reads scales and sensors over their wires; what fails is told and tried again next time."""

from typing import Final, Protocol

import serial

from calibration.clock import Clock
from plc.errors import PlcLinkError
from plc.instruments.config import (
    BeltScale,
    ModbusBeltScale,
    ModbusDevice,
    RegisterPoint,
    SerialBeltScale,
    WeightProtocol,
)
from plc.instruments.register_values import decode
from plc.instruments.weight_text import read_line
from plc.modbus_clients import client_maker
from plc.modbus_transport import ModbusTransport

_G_PER_KG: Final = 1000
_LONGEST_LINE: Final = 200
_PARITY: Final = {"none": "N", "even": "E", "odd": "O"}
_RTU_SILENCE_MS: Final = 4.0
"""3.5 characters at 9600 baud; slow readers lose nothing by keeping it at any speed."""


class ScaleReader(Protocol):
    """One scale. Used from one thread."""

    def read_g(self) -> int:
        """Return the scale's total or weight in whole grams; connects where needed.

        Blocks up to the timeout.

        Raises:
            PlcLinkError: no connection or no answer; the next call connects again.
            PlcFaultError: it answers that it has no value, or in another protocol.
        """
        ...

    def close(self) -> None:
        """Disconnect. Idempotent, never raises."""
        ...


class PointReader:
    """Single values of one Modbus device.

    Args:
        device: how it is reached.
        clock: paces RTU frames.
    """

    def __init__(self, device: ModbusDevice, clock: Clock) -> None:
        transport = device.transport
        address = f"{transport.host}:{transport.port}" if transport.kind == "tcp" else ""
        self._bus = ModbusTransport(
            make_client=client_maker(transport, timeout_s=device.timeout_ms / 1e3),
            address=address or getattr(transport, "device", ""),
            unit_id=device.unit_id,
            clock=clock,
            silence_ms=0.0 if transport.kind == "tcp" else _RTU_SILENCE_MS,
        )

    def read(self, point: RegisterPoint) -> float:
        """Return one value; connects where needed and blocks up to the timeout.

        Raises:
            PlcLinkError: no connection or no answer.
            PlcFaultError: refused, or no number.
        """
        self._bus.open()
        ask = self._bus.read_holding if point.table == "holding" else self._bus.read_input
        return decode(point, ask(point.address, point.type.words))

    def close(self) -> None:
        """Disconnect. Idempotent, never raises."""
        self._bus.close()


class ModbusScaleReader:
    """Implements `ScaleReader` on a totaliser in registers."""

    def __init__(self, scale: ModbusBeltScale, clock: Clock) -> None:
        self._scale = scale
        self._points = PointReader(scale.device, clock)

    def read_g(self) -> int:
        """Return the total. See `ScaleReader`."""
        return round(self._points.read(self._scale.total_kg) * _G_PER_KG)

    def close(self) -> None:
        """Disconnect. See `ScaleReader`."""
        self._points.close()


class SerialScaleReader:
    """Implements `ScaleReader` on a serial port, asked or listening."""

    def __init__(self, scale: SerialBeltScale) -> None:
        self._scale = scale
        self._port: serial.Serial | None = None

    def read_g(self) -> int:
        """Return the newest weight sent, or the answer to the query. See `ScaleReader`."""
        port = self._open()
        try:
            line = self._line(port)
        except (OSError, serial.SerialException) as error:
            self.close()
            msg = f"scale {self._scale.id} on {self._scale.device} was lost: {error}"
            raise PlcLinkError(msg) from error
        return round(read_line(self._scale.protocol, line).mass_g)

    def close(self) -> None:
        """Disconnect. See `ScaleReader`."""
        port, self._port = self._port, None
        if port is not None:
            port.close()

    def _line(self, port: serial.Serial) -> bytes:
        port.reset_input_buffer()
        if self._scale.query:
            port.write(self._scale.query.encode("ascii") + b"\r\n")
        else:
            # Begun in the middle of a line: the rest of it is no weight.
            self._until_end(port)
        line = self._until_end(port)
        if not line.endswith((b"\n", b"\r")):
            msg = f"scale {self._scale.id} on {self._scale.device} sends no whole line"
            raise PlcLinkError(msg)
        return line

    def _until_end(self, port: serial.Serial) -> bytes:
        end = b"\r" if self._scale.protocol is WeightProtocol.TOLEDO else b"\n"
        return bytes(port.read_until(end, _LONGEST_LINE))

    def _open(self) -> serial.Serial:
        if self._port is None:
            scale = self._scale
            try:
                self._port = serial.Serial(
                    scale.device,
                    baudrate=scale.baud,
                    bytesize=scale.data_bits,
                    parity=_PARITY[scale.parity],
                    stopbits=scale.stop_bits,
                    timeout=scale.timeout_ms / 1e3,
                    write_timeout=scale.timeout_ms / 1e3,
                )
            except (OSError, ValueError, serial.SerialException) as error:
                msg = f"scale {scale.id}: {scale.device} cannot be opened: {error}"
                raise PlcLinkError(msg) from error
        return self._port


def open_scale(scale: BeltScale, clock: Clock) -> ScaleReader:
    """Make the reader of a scale, not yet connected."""
    if isinstance(scale, ModbusBeltScale):
        return ModbusScaleReader(scale, clock)
    return SerialScaleReader(scale)
