"""Delivery to a server's folder by OpenSSH's sftp: put beside, then rename."""

import json
import subprocess
import tempfile
from collections.abc import Sequence

from telemetry.delivery.ports import DeliveryRetryError, Parcel

_LAST_WORDS = 300


class SftpTransport:
    """Implements `Transport` with the sftp program in batch mode.

    A server that was cut off after the rename gets the same file again: the rename replaces it by
    the same bytes.

    Args:
        command: sftp with its options and destination, without the batch.
        path: folder on the server.
        timeout_s: for the whole exchange.
    """

    def __init__(self, command: Sequence[str], path: str, timeout_s: float) -> None:
        self._command = tuple(command)
        self._path = path.rstrip("/")
        self._timeout_s = timeout_s

    def send(self, parcel: Parcel) -> str:
        """Put and rename. See `Transport`."""
        there = f"{self._path}/{parcel.file_name}"
        with tempfile.NamedTemporaryFile(prefix="sortline-") as file:
            file.write(parcel.content)
            file.flush()
            # The program splits a batch line at blanks and takes quotes; names here have neither.
            batch = f'put "{file.name}" "{there}.part"\nrename "{there}.part" "{there}"\n'
            self._run(batch)
        return json.dumps({"file": parcel.file_name, "sha256": parcel.sha256})

    def _run(self, batch: str) -> None:
        try:
            done = subprocess.run(  # noqa: S603 - the program is fixed, names are checked
                [*self._command],
                input=batch,
                capture_output=True,
                text=True,
                timeout=self._timeout_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DeliveryRetryError(f"sftp: {error}") from error
        if done.returncode:
            words = (done.stderr.strip() or done.stdout.strip())[-_LAST_WORDS:]
            raise DeliveryRetryError(f"sftp ended with {done.returncode}: {words}")


def sftp_command(destination: str, port: int) -> tuple[str, ...]:
    """Return the sftp program for a destination: asks nothing, reads its batch from the pipe."""
    options = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-P", str(port))
    return ("sftp", "-q", "-b", "-", *options, destination)
