"""Drives procedures step by step for a page or another program: no web framework, no terminal.

A thread runs the procedures and waits whenever a person is asked for something; whoever drives it
reads `view`, shows it, and answers, stops, keeps or discards.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.bench import Bench, Task, TaskKind
from calibration.errors import CalibrationError, ProcedureError
from calibration.kept.difference import differences
from calibration.kept.record import CalibrationRecord, Finding
from calibration.kept.store import CalibrationStore, Version
from calibration.procedures.drawing import draw_step
from calibration.procedures.steps import Step
from calibration.procedures.whole import LineToCalibrate, Procedure, Signature, calibrate

_log = logging.getLogger(__name__)

NUMERIC: Final = frozenset({TaskKind.MEASURE_TRAVEL})
"""Tasks that are answered with a number, in mm."""
_STOP_S: Final = 30.0
"""A belt that was started comes to rest within this time."""


class SessionError(CalibrationError):
    """A session was asked for something that it cannot do now."""


class _StoppedError(CalibrationError):
    """The person stopped the procedures."""


class SessionState(StrEnum):
    """What a session waits for."""

    WORKING = "working"
    ASKING = "asking"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    KEPT = "kept"
    DISCARDED = "discarded"

    @property
    def over(self) -> bool:
        """Nothing runs any more."""
        return self not in (SessionState.WORKING, SessionState.ASKING)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A session at one instant, all that a page shows.

    Attributes:
        change: counts what changed; give it to `wait` to be told of the next change.
        state: what it waits for.
        wanted: procedures that were asked for, in the words of the command line.
        procedure: the one at work, empty before the first step.
        share: how far that one is, 0 to 1.
        words: what it found or does.
        trouble: what the person is to mend before it goes on, empty where all is well.
        task: what the person is asked to do; None unless the state is ASKING.
        wants_number: the answer is a number, mm.
        picture: (height, width, 3) uint8 BGR of the newest step as the technician sees it, None
            before the first.
        findings: of the result with their uncertainty; empty before the state is DONE.
        changes: what the result changes against the calibration in force, in words.
        error: why there is no result, empty where there is one.
        remedy: what to do about it.
    """

    change: int
    state: SessionState
    wanted: tuple[str, ...]
    procedure: str = ""
    share: float = 0.0
    words: str = ""
    trouble: str = ""
    task: Task | None = None
    wants_number: bool = False
    picture: npt.NDArray[np.uint8] | None = None
    findings: tuple[Finding, ...] = ()
    changes: tuple[str, ...] = ()
    error: str = ""
    remedy: str = ""


OpenBench = Callable[[Callable[[Task], float]], AbstractContextManager[Bench]]
"""Opens a bench whose tasks are put to the person given, and closes it at the end."""


class CalibrationSession:
    """One run of procedures, from `start` to `keep` or `discard`. Any thread may call."""

    def __init__(
        self, open_bench: OpenBench, line: LineToCalibrate, store: CalibrationStore
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            open_bench: of the line; entered and left by the session's own thread.
            line: what its file says.
            store: where a result is kept.
        """
        self._open_bench, self._line, self._store = open_bench, line, store
        self._news = threading.Condition()
        self._view = SessionView(change=0, state=SessionState.DISCARDED, wanted=())
        self._answer: float | None = None
        self._stopping = False
        self._record: CalibrationRecord | None = None
        self._thread: threading.Thread | None = None

    def start(self, wanted: frozenset[Procedure], signature: Signature) -> None:
        """Begin in a thread of its own and return at once.

        Args:
            wanted: procedures to run; what they need besides is carried over from the store.
            signature: who calibrates, when and why.

        Raises:
            SessionError: one is running already, or nothing is wanted.
            CalibrationError: the calibration in force cannot be used.
        """
        if not wanted:
            raise SessionError("no procedure is named; name one or all")
        before = self._store.current()
        with self._news:
            if not self._view.state.over:
                raise SessionError("a calibration is running; answer it or stop it first")
            self._record, self._answer, self._stopping = None, None, False
            names = tuple(procedure.value for procedure in Procedure if procedure in wanted)
            view = SessionView(change=0, state=SessionState.WORKING, wanted=names)
            self._show(replace(view, change=self._view.change))
        self._thread = threading.Thread(
            target=self._run, args=(wanted, before, signature), name="calibration", daemon=True
        )
        self._thread.start()

    @property
    def view(self) -> SessionView:
        """The session now. Never blocks for long."""
        with self._news:
            return self._view

    def wait(self, change: int, timeout_s: float) -> SessionView:
        """Block until the view is another than the one of that number, or the time is up."""
        with self._news:
            self._news.wait_for(lambda: self._view.change != change, timeout_s)
            return self._view

    def answer(self, number: float | None = None) -> None:
        """Say that the task is done.

        Args:
            number: what the person read off, mm; only where the view wants a number.

        Raises:
            SessionError: nothing is asked, or the number is missing or makes no sense.
        """
        with self._news:
            if self._view.state is not SessionState.ASKING:
                raise SessionError("nothing is asked of you now")
            if self._view.wants_number and (number is None or not np.isfinite(number)):
                raise SessionError("give the number that you read off, in mm")
            self._answer = 0.0 if number is None else float(number)
            self._show(replace(self._view, state=SessionState.WORKING, task=None))

    def stop(self) -> None:
        """End the procedures at their next step and wait for it; nothing is kept. Idempotent."""
        with self._news:
            self._stopping = True
            self._news.notify_all()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def keep(self) -> Version:
        """Keep the result and put it in force.

        Raises:
            SessionError: there is no result.
            CalibrationError: it cannot be written.
        """
        with self._news:
            record = self._result()
            version = self._store.keep(record)
            self._show(replace(self._view, state=SessionState.KEPT))
            return version

    def discard(self) -> None:
        """Forget the result; the calibration in force stays.

        Raises:
            SessionError: there is no result.
        """
        with self._news:
            self._result()
            self._record = None
            self._show(replace(self._view, state=SessionState.DISCARDED))

    def _result(self) -> CalibrationRecord:
        if self._view.state is not SessionState.DONE or self._record is None:
            raise SessionError("there is no result to keep or to discard")
        return self._record

    def _run(
        self, wanted: frozenset[Procedure], before: CalibrationRecord | None, signature: Signature
    ) -> None:
        try:
            with self._open_bench(self._ask) as bench:
                record = calibrate(bench, self._line, wanted, before, signature, self._tell)
        except _StoppedError:
            self._end(SessionState.STOPPED)
        except ProcedureError as error:
            self._end(SessionState.FAILED, error=error.found, remedy=error.remedy)
        except CalibrationError as error:
            self._end(SessionState.FAILED, error=str(error))
        except Exception as error:  # noqa: BLE001 - shown to the person, and logged
            # Cameras and PLCs have errors of packages that this one does not know.
            _log.exception("the calibration ended")
            self._end(SessionState.FAILED, error=f"{type(error).__name__}: {error}")
        else:
            self._record = record
            told = () if before is None else differences(before.calibration, record.calibration)
            with self._news:
                self._show(
                    replace(
                        self._view,
                        state=SessionState.DONE,
                        task=None,
                        findings=record.findings,
                        changes=told,
                    )
                )

    def _end(self, state: SessionState, *, error: str = "", remedy: str = "") -> None:
        with self._news:
            self._show(replace(self._view, state=state, task=None, error=error, remedy=remedy))

    def _ask(self, task: Task) -> float:
        with self._news:
            numeric = task.kind in NUMERIC
            self._show(
                replace(self._view, state=SessionState.ASKING, task=task, wants_number=numeric)
            )
            self._news.wait_for(lambda: self._stopping or self._answer is not None)
            number, self._answer = self._answer, None
            if self._stopping or number is None:
                raise _StoppedError
            return number

    def _tell(self, step: Step) -> None:
        picture = draw_step(step)
        with self._news:
            if self._stopping:
                raise _StoppedError
            self._show(
                replace(
                    self._view,
                    procedure=step.procedure,
                    share=step.share,
                    words=step.words,
                    trouble=step.trouble,
                    picture=self._view.picture if picture is None else picture,
                )
            )

    def _show(self, view: SessionView) -> None:
        self._view = replace(view, change=self._view.change + 1)
        self._news.notify_all()
