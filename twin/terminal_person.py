"""Asks the technician at the terminal for what a calibration needs of a person."""

from rich.console import Console

from calibration.bench import Task
from calibration.procedures.session import NUMERIC
from controller.config_report import UsageError


class TerminalPerson:
    """Asks the technician at the terminal and waits for Enter."""

    def __init__(self, console: Console) -> None:
        """Speak on a console."""
        self._console = console

    def ask(self, task: Task) -> float:
        """Show a task; wait until it is done; return the number asked for.

        Raises:
            UsageError: nobody is there to answer.
        """
        numeric = task.kind in NUMERIC
        self._console.print(f"[bold]please:[/bold] {task.words}", soft_wrap=True)
        while True:
            try:
                answer = self._console.input("  millimetres: " if numeric else "  Enter when done ")
            except EOFError as error:
                msg = "nobody answers; run this command in a terminal"
                raise UsageError(msg) from error
            if not numeric:
                return 0.0
            try:
                return float(answer.replace(",", "."))
            except ValueError:
                self._console.print(f"  {answer}: a number of millimetres, please", markup=False)
