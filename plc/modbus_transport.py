"""One Modbus device over any of the library's clients: registers, coils, and what goes wrong."""

import logging
import ssl
import threading
from collections.abc import Callable, Sequence

from calibration.clock import Clock
from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from plc.errors import PlcFaultError, PlcLinkError, PlcSecurityError, SecurityProblem
from plc.modbus_clients import Answer, Client, ModbusClientError
from plc.modbus_faults import ModbusFault, words_of
from plc.tls import security_error


class ModbusTransport:
    """Registers, coils and inputs of one device. Implements `RegisterTransport`."""

    def __init__(
        self,
        *,
        make_client: Callable[[], Client],
        address: str,
        unit_id: int,
        clock: Clock,
        silence_ms: float,
        role: Callable[[], str] | None = None,
    ) -> None:
        """Prepare without connecting.

        Args:
            make_client: makes an unconnected client with its timeout and without retries.
            address: of the device, for messages.
            unit_id: Modbus unit (slave) id.
            clock: paces RTU frames.
            silence_ms: shortest silence on the bus between an answer and the next request.
            role: reads the role of our certificate, behind TLS only.
        """
        self._make_client = make_client
        self._address = f"{address} unit {unit_id}"
        self._unit_id = unit_id
        self._clock = clock
        self._silence_ns = int(silence_ms * NS_PER_MS)
        self._role = role
        self._never = threading.Event()
        self._quiet_since_ns = MonotonicNs(0)
        self._client: Client | None = None
        self._answered = False

    def open(self) -> None:
        """Connect. See `RegisterTransport`."""
        if self._client is not None:
            return
        client = self._make_client()
        msg = f"no connection to the PLC at {self._address}; is it on and the address right?"
        try:
            connected = client.connect()
        except OSError as error:
            raise PlcLinkError(f"{msg} ({error})") from error
        if not connected:
            raise PlcLinkError(msg)
        self._client = client

    def read_holding(self, address: int, count: int) -> list[int]:
        """Read registers with one FC3. See `RegisterTransport`."""
        return self._registers(
            count,
            lambda client: client.read_holding_registers(
                address, count=count, device_id=self._unit_id
            ),
        )

    def read_input(self, address: int, count: int) -> list[int]:
        """Read input registers with one FC4. See `CoilTransport`."""
        return self._registers(
            count,
            lambda client: client.read_input_registers(
                address, count=count, device_id=self._unit_id
            ),
        )

    def write_holding(self, address: int, words: Sequence[int]) -> None:
        """Write registers with one FC16. See `RegisterTransport`."""
        self._ask(
            lambda client: client.write_registers(address, list(words), device_id=self._unit_id)
        )

    def read_coils(self, address: int, count: int) -> list[bool]:
        """Read coils with one FC1. See `CoilTransport`."""
        return self._bits(
            count,
            lambda client: client.read_coils(address, count=count, device_id=self._unit_id),
        )

    def read_discrete(self, address: int, count: int) -> list[bool]:
        """Read discrete inputs with one FC2. See `CoilTransport`."""
        return self._bits(
            count,
            lambda client: client.read_discrete_inputs(
                address, count=count, device_id=self._unit_id
            ),
        )

    def write_coils(self, address: int, values: Sequence[bool]) -> None:
        """Write coils with one FC15. See `CoilTransport`."""
        self._ask(lambda client: client.write_coils(address, list(values), device_id=self._unit_id))

    def close(self) -> None:
        """Disconnect. Idempotent, never raises."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            client.close()
        except OSError as error:
            logging.getLogger(__name__).debug("closing %s failed: %s", self._address, error)

    def _registers(self, count: int, request: Callable[[Client], Answer]) -> list[int]:
        registers = list(self._ask(request).registers)
        self._complete(len(registers), count)
        return registers

    def _bits(self, count: int, request: Callable[[Client], Answer]) -> list[bool]:
        bits = list(self._ask(request).bits)
        # An answer is filled up to whole bytes.
        if len(bits) < count:
            self._complete(len(bits), count)
        return bits[:count]

    def _complete(self, got: int, count: int) -> None:
        if got != count:
            msg = f"PLC at {self._address} answered {got} of {count} registers"
            raise PlcLinkError(msg)

    def _ask(self, request: Callable[[Client], Answer]) -> Answer:
        if self._client is None:
            msg = f"not connected to the PLC at {self._address}"
            raise PlcLinkError(msg)
        self._keep_silence()
        try:
            answer = request(self._client)
        except PlcSecurityError:
            self.close()
            raise
        except ssl.SSLError as error:
            self.close()
            raise security_error(error, self._address) from error
        except (ModbusClientError, OSError) as error:
            # A late answer must not be taken for the next one: the connection is not reused.
            self.close()
            hint = "" if self._answered else "; is unit_id right and the PLC's program running?"
            msg = f"PLC at {self._address} does not answer: {error}{hint}"
            raise PlcLinkError(msg) from error
        self._answered = True
        self._quiet_since_ns = self._clock.now_ns()
        if answer.isError():
            self._refused(answer.exception_code)
        return answer

    def _refused(self, code: int) -> None:
        if self._role is not None and code == ModbusFault.ILLEGAL_FUNCTION:
            raise PlcSecurityError(
                SecurityProblem.WRONG_ROLE,
                f"PLC at {self._address} does not let role {self._role()!r} do this; have a "
                "certificate issued whose role may write, or give this role the right in the PLC",
            )
        msg = f"PLC at {self._address} answered {words_of(code)}"
        raise PlcFaultError(msg)

    def _keep_silence(self) -> None:
        left_ns = self._quiet_since_ns + self._silence_ns - self._clock.now_ns()
        if left_ns > 0:
            self._clock.wait(self._never, left_ns / NS_PER_S)
