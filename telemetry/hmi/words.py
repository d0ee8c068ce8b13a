"""The page's words, from its Fluent catalogues and the rationalised alarm list, for the browser."""

from functools import cache
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from controller.alarm_list import alarm_list
from telemetry.wording import Language, Wording

PART: Final = "page-"
"""Catalogues of the page are `page-kk.ftl` and so on."""


@cache
def page_wording(language: Language) -> Wording:
    """Return the page's words; catalogues are read once."""
    return Wording(language, PART)


@cache
def page_words(language: Language) -> dict[str, str]:
    """Return key to text; what the browser puts in is written `{name}`.

    Raises:
        WordingError: a text asks for something that no browser names.
    """
    wording = page_wording(language)
    keys = tuple(wording.keys())
    texts = {key: wording.template(key) for key in keys}
    for kind, definition in alarm_list().items():
        alarm = definition.words(language.value)
        texts[f"alarm-{kind.value}"] = alarm.name
        texts[f"response-{kind.value}"] = alarm.response
    return texts


async def words(request: Request) -> Response:
    """Answer with the words of `?language=`."""
    asked = request.query_params.get("language", "")
    try:
        language = Language(asked)
    except ValueError:
        return JSONResponse({"detail": "language is kk, ru or en"}, status_code=400)
    return JSONResponse(page_words(language), headers={"cache-control": "no-cache"})
