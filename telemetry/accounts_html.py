"""The accounts' own pages as HTML: a form for weighbridge tickets, reports that were refused.

Everything that a person or a receiver wrote is escaped here, in one place.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from telemetry.delivery.queue import ParcelStanding, ParcelState
from telemetry.ledger.entries import Entry, Operation, Received
from telemetry.wording import Language, Wording

NEEDED: Final = ("ticket", "weighed_at", "gross_kg", "tare_kg", "by")
FIELDS: Final = (
    *("ticket", "weighed_at", "gross_kg", "tare_kg", "net_kg", "direction", "code", "supplier"),
    *("vehicle", "batch", "operation", "destination", "by"),
)
"""Of a ticket in the order of the form, and who enters it."""
_SHOWN_ERRORS: Final = 400
_CHOICES: Final = {
    "direction": ("in", "out"),
    "operation": ("", *(one.value for one in Operation)),
}


def ticket_form(words: Wording, values: Mapping[str, str], problems: Iterable[str]) -> str:
    """Return the form, filled in, with what is wrong above it."""
    rows = "".join(_field(words, name, values.get(name, "")) for name in FIELDS)
    button = escape(words.text("page-check"))
    form = (
        f'<form method="post" action="/weighbridge/check">{_language(words)}'
        f'{rows}<p><button>{button}</button></p></form><p class="hint">'
        f"{escape(words.text('page-ticket-hint'))}</p>"
    )
    return _page(words, "page-weighbridge", _problems(words, problems) + form, "/weighbridge")


def ticket_confirm(words: Wording, values: Mapping[str, str], entry: Entry, *, known: bool) -> str:
    """Return what would be booked, to be confirmed."""
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(values.get(name, ""))}">'
        for name in FIELDS
    )
    told = f'<p class="hint">{escape(words.text("page-ticket-known"))}</p>' if known else ""
    form = (
        f'<form method="post" action="/weighbridge/enter">{_language(words)}{hidden}'
        f'<p><button name="do" value="enter">{escape(words.text("page-enter"))}</button> '
        f'<button formaction="/weighbridge/back">{escape(words.text("page-back"))}</button></p>'
        "</form>"
    )
    return _page(words, "page-confirm", told + _booked(words, entry) + form, "/weighbridge")


def ticket_done(words: Wording, entry: Entry, *, known: bool) -> str:
    """Return that a ticket stands in the ledger."""
    key = "page-ticket-known" if known else "page-ticket-entered"
    more = escape(words.text("page-another"))
    body = (
        f'<p class="good">{escape(words.text(key))}</p>{_booked(words, entry)}'
        f'<p><a href="/weighbridge?lang={words.language.value}">{more}</a></p>'
    )
    return _page(words, "page-weighbridge", body, "/weighbridge")


def deliveries_page(
    words: Wording, parcels: Iterable[ParcelStanding], problems: Iterable[str] = (), *, by: str = ""
) -> str:
    """Return every parcel, dead ones first, with what can be done about them."""
    listed = sorted(parcels, key=lambda parcel: parcel.state is not ParcelState.DEAD)
    dead = sum(parcel.state is ParcelState.DEAD for parcel in listed)
    said = words.text("page-dead", count=str(dead)) if dead else words.text("page-none-dead")
    kind = "bad" if dead else "good"
    keys = ("receiver", "report", "state", "tries", "queued", "said", "action")
    heads = "".join(f"<th>{escape(words.text(f'col-{key}'))}</th>" for key in keys)
    rows = "".join(_parcel(words, parcel, by) for parcel in listed)
    body = (
        f'{_problems(words, problems)}<p class="{kind}">{escape(said)}</p>'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )
    return _page(words, "page-deliveries", body, "/accounts/deliveries")


def trouble_page(words: Wording, text: str) -> str:
    """Return a page that says why there is none."""
    return _page(words, "page-trouble", _problems(words, [text]), "/weighbridge")


def _field(words: Wording, name: str, value: str) -> str:
    label, needed = escape(words.text(f"ticket-{name}")), " required" * (name in NEEDED)
    if name in _CHOICES:
        options = "".join(
            f'<option value="{one}"{" selected" * (one == value)}>'
            f"{escape(_choice(words, name, one))}</option>"
            for one in _CHOICES[name]
        )
        return f'<p><label>{label}<select name="{name}">{options}</select></label></p>'
    kind = "datetime-local" if name == "weighed_at" else "text"
    decimal = ' inputmode="decimal"' if name.endswith("_kg") else ""
    return (
        f'<p><label>{label}{" *" * bool(needed)}<input type="{kind}" name="{name}" '
        f'value="{escape(value)}" maxlength="100"{decimal}{needed}></label></p>'
    )


def _choice(words: Wording, name: str, value: str) -> str:
    if not value:
        return ""
    return words.text(f"direction-{value}") if name == "direction" else words.word(name, value)


def _booked(words: Wording, entry: Entry) -> str:
    body = entry.body
    rows = [("page-uid", entry.uid), ("page-shift", entry.shift)]
    if isinstance(body, Received):
        rows += [("ticket-direction", words.text("direction-in"))]
        rows += [("ticket-supplier", body.supplier), ("ticket-vehicle", body.vehicle)]
    else:
        rows += [("ticket-direction", words.text("direction-out"))]
    mass, code = getattr(body, "mass", None), getattr(body, "code", "")
    if mass is not None:
        rows.append(("ticket-net_kg", words.number(mass.mass_g / 1000, 3)))
    rows += [("ticket-code", code), ("ticket-weighed_at", words.instant(entry.at))]
    cells = "".join(
        f"<tr><th>{escape(words.text(key))}</th><td>{escape(value)}</td></tr>"
        for key, value in rows
        if value
    )
    return f"<table>{cells}</table>"


def _parcel(words: Wording, parcel: ParcelStanding, by: str) -> str:
    state = "held" if parcel.held else parcel.state.value
    said = (parcel.last_error or parcel.receipt)[:_SHOWN_ERRORS]
    cells = (
        *(parcel.destination, parcel.key, words.text(f"state-{state}"), str(parcel.attempts)),
        *(words.instant(parcel.queued_at), said),
    )
    told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    action = _actions(words, parcel.parcel_id, by) if parcel.state is ParcelState.DEAD else ""
    return f'<tr class="{state}">{told}<td>{action}</td></tr>'


def _actions(words: Wording, parcel_id: int, name: str) -> str:
    by, reason = escape(words.text("ticket-by")), escape(words.text("page-reason"))
    return (
        f'<form method="post" action="/accounts/deliveries/drop">{_language(words)}'
        f'<input type="hidden" name="parcel_id" value="{parcel_id}">'
        f'<label>{by} *<input name="by" value="{escape(name)}" maxlength="100" required></label>'
        f'<label>{reason}<input name="reason" maxlength="200"></label>'
        f'<button formaction="/accounts/deliveries/retry">{escape(words.text("page-retry"))}'
        f"</button> <button>{escape(words.text('page-drop'))}</button></form>"
    )


def _problems(words: Wording, problems: Iterable[str]) -> str:
    listed = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    if not listed:
        return ""
    return f'<div class="bad"><p>{escape(words.text("page-refused"))}</p><ul>{listed}</ul></div>'


def _language(words: Wording) -> str:
    return f'<input type="hidden" name="lang" value="{words.language.value}">'


def _page(words: Wording, title: str, body: str, path: str) -> str:
    heading = escape(words.text(title))
    others = " ".join(f'<a href="{path}?lang={one.value}">{one.value}</a>' for one in Language)
    links = (
        f'<a href="/">{escape(words.text("page-line"))}</a> '
        f'<a href="/weighbridge?lang={words.language.value}">'
        f"{escape(words.text('page-weighbridge'))}</a> "
        f'<a href="/accounts/deliveries?lang={words.language.value}">'
        f"{escape(words.text('page-deliveries'))}</a>"
    )
    return (
        f'<!DOCTYPE html><html lang="{words.language.value}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{heading}</title>'
        '<link rel="stylesheet" href="/static/accounts.css">'
        '<script src="/static/accounts.js" defer></script></head><body>'
        f"<nav>{links} <span>{others}</span></nav><main><h1>{heading}</h1>{body}"
        "</main></body></html>"
    )
