"""Handlers of the JSON API. Everything is read; nothing here commands the line."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from controller.alarm_list import AlarmDefinition, alarm_list
from telemetry.api.answers import (
    AlarmListAnswer,
    AlarmsAnswer,
    DowntimeAnswer,
    ItemsAnswer,
    JournalAnswer,
    ListedAlarm,
    ReasonAnswer,
    ShiftAnswer,
    ShiftsAnswer,
    StateAnswer,
)
from telemetry.api.document import Endpoint, document
from telemetry.api.queries import (
    ItemsQuery,
    JournalQuery,
    LanguageQuery,
    NoQuery,
    PeriodQuery,
    Query,
    ShiftsQuery,
)
from telemetry.effectiveness.types import Effectiveness
from telemetry.errors import StoreUnavailableError
from telemetry.hub import LineHub
from telemetry.ledger.shifts import Shift, ShiftCalendar
from telemetry.recorder import Recorder
from telemetry.signals import Signals
from telemetry.wall import utc_now

PREFIX: Final = "/api/v1"
MOST_STRETCHES: Final = 1000
MS_PER_S: Final = 1000.0
_HEADERS: Final = {"cache-control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    endpoint: Endpoint
    handler: Callable[[Any], Awaitable[object]]


class Api:
    """The JSON API of one line. Runs in the event loop.

    Args:
        hub: the line as telemetry sees it.
        recorder: in front of the store.
        signals: alarms, states, effectiveness.
        calendar: the plant's shifts; the shipped pattern where it keeps no accounts.
    """

    def __init__(
        self,
        *,
        hub: LineHub,
        recorder: Recorder,
        signals: Signals,
        calendar: ShiftCalendar | None = None,
    ) -> None:
        self._hub, self._recorder, self._signals = hub, recorder, signals
        self._calendar = calendar or ShiftCalendar()

    def routes(self) -> list[Route]:
        """Return the routes, the OpenAPI document's included."""
        served = self._served()
        about = document([one.endpoint for one in served], prefix=PREFIX)

        async def describe(_request: Request) -> Response:
            return JSONResponse(about, headers=_HEADERS)

        return [
            *(Route(f"{PREFIX}{one.endpoint.path}", _answering(one)) for one in served),
            Route(f"{PREFIX}/openapi.json", describe),
        ]

    def _served(self) -> tuple[_Served, ...]:
        table: tuple[tuple[str, str, type[Query], type[object], Callable[[Any], Any]], ...] = (
            ("/state", "the line now", NoQuery, StateAnswer, self.state),
            ("/items", "stored items, newest first", ItemsQuery, ItemsAnswer, self.items),
            ("/shifts", "shifts and their OEE", ShiftsQuery, ShiftsAnswer, self.shifts),
            ("/alarms", "alarms that are not normal", NoQuery, AlarmsAnswer, self.alarms),
            ("/alarms/list", "the rationalised list", LanguageQuery, AlarmListAnswer, self.listed),
            ("/alarms/journal", "what happened", JournalQuery, JournalAnswer, self.journal),
            ("/oee", "OEE of a period (ISO 22400)", PeriodQuery, Effectiveness, self.oee),
            ("/downtime", "stops and lost time", PeriodQuery, DowntimeAnswer, self.downtime),
        )
        return tuple(
            _Served(
                endpoint=Endpoint(path=path, summary=text, query=query, answer=answer),
                handler=handler,
            )
            for path, text, query, answer, handler in table
        )

    async def state(self, _query: NoQuery) -> StateAnswer:
        """Return the line now."""
        hub, snapshot, session = self._hub, self._hub.snapshot, self._hub.session
        entries = self._signals.desk.entries()
        load = self._signals.desk.load()
        return StateAnswer(
            at=utc_now(),
            line_id=None if session is None else session.line_id,
            session_id=None if session is None else session.session_id,
            answering=hub.answering,
            state=None if snapshot is None else snapshot.state,
            mode=None if snapshot is None else snapshot.mode,
            reason="" if snapshot is None else snapshot.state_reason,
            state_s=None if snapshot is None else snapshot.state_ms / MS_PER_S,
            bundle_id=None if snapshot is None else snapshot.bundle_id,
            belt_speed_mm_per_s=None if snapshot is None else snapshot.belt_speed_mm_per_s,
            occupancy=hub.occupancy,
            items_seen=0 if snapshot is None else snapshot.totals.seen,
            latencies=() if snapshot is None else snapshot.latencies,
            minute=hub.minute_flow(),
            alarms_standing=load.standing,
            alarms_unacknowledged=load.unacknowledged,
            first_out=next((e.kind for e in entries if e.first_out and e.active), None),
        )

    async def items(self, query: ItemsQuery) -> ItemsAnswer:
        """Return a page of stored items."""
        session = self._hub.session
        session_id = query.session_id or (session.session_id if session is not None else "")
        found = await self._recorder.read(
            lambda store: store.items(
                session_id=session_id, before_seq=query.before_seq, limit=query.limit
            )
        )
        more = len(found) == query.limit and found[-1].record.record_seq > 1
        return ItemsAnswer(
            session_id=session_id,
            items=found,
            next_before_seq=found[-1].record.record_seq if more else None,
        )

    async def shifts(self, query: ShiftsQuery) -> ShiftsAnswer:
        """Return the shifts of the last days."""
        now = utc_now()
        today = self._calendar.local(now).date()
        days = [today - timedelta(days=back) for back in range(query.days)]
        begun = [s for day in days for s in self._calendar.of_day(day)[::-1] if s.start <= now]
        answers = [await self._shift(shift) for shift in begun]
        return ShiftsAnswer(time_zone=self._calendar.time_zone, shifts=tuple(answers))

    async def alarms(self, _query: NoQuery) -> AlarmsAnswer:
        """Return the alarms that are not normal."""
        desk = self._signals.desk
        return AlarmsAnswer(alarms=desk.entries(), load=desk.load())

    async def listed(self, query: LanguageQuery) -> AlarmListAnswer:
        """Return the rationalised list in one language."""
        rows = alarm_list().values()
        return AlarmListAnswer(alarms=tuple(_listed(row, query.language) for row in rows))

    async def journal(self, query: JournalQuery) -> JournalAnswer:
        """Return the alarm journal of a period."""
        start, end = query.bounds()
        return JournalAnswer(events=await self._signals.alarm_events(start, end, query.limit))

    async def oee(self, query: PeriodQuery) -> Effectiveness:
        """Return OEE of a period."""
        return await self._signals.oee(*query.bounds())

    async def downtime(self, query: PeriodQuery) -> DowntimeAnswer:
        """Return stretches and Pareto of a period."""
        start, end = query.bounds()
        stretches = await self._signals.stretches(start, end)
        return DowntimeAnswer(
            stretches=stretches[-MOST_STRETCHES:],
            pareto=await self._signals.pareto(start, end),
            reasons=tuple(
                ReasonAnswer(code=code, category=r.category, kk=r.kk, ru=r.ru, en=r.en)
                for code, r in self._signals.reasons.items()
            ),
        )

    async def _shift(self, shift: Shift) -> ShiftAnswer:
        return ShiftAnswer(
            shift_id=shift.shift_id,
            name=shift.name,
            start=shift.start,
            end=shift.end,
            effectiveness=await self._signals.oee(shift.start, shift.end),
        )


def _listed(row: AlarmDefinition, language: str) -> ListedAlarm:
    words = row.words(language)
    return ListedAlarm(
        kind=row.kind,
        area=row.area,
        priority=row.priority,
        respond_within_s=row.respond_within_s,
        stops_line=row.stops_line,
        name=words.name,
        cause=words.cause,
        consequence=words.consequence,
        response=words.response,
        review=words.review,
    )


def _answering(served: _Served) -> Callable[[Request], Awaitable[Response]]:
    adapter = TypeAdapter[Any](served.endpoint.answer)
    query_type = served.endpoint.query

    async def answer(request: Request) -> Response:
        try:
            query = query_type.model_validate(_asked(request))
        except ValidationError as error:
            return JSONResponse({"detail": _words(error)}, status_code=400, headers=_HEADERS)
        try:
            found = await served.handler(query)
        except StoreUnavailableError as error:
            return JSONResponse({"detail": str(error)}, status_code=503, headers=_HEADERS)
        # Stories of a thousand items take a while to write down: not in the event loop.
        content = await asyncio.to_thread(adapter.dump_json, found)
        return Response(content, media_type="application/json", headers=_HEADERS)

    return answer


def _asked(request: Request) -> dict[str, object]:
    """Return the parameters; one given twice becomes a list, which no query takes."""
    asked: dict[str, object] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        asked[name] = values[0] if len(values) == 1 else values
    return asked


def _words(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(str(part) for part in fault['loc']) or 'query'}: {fault['msg']}"
