"""Every fault of the wire, and what Overlord makes of it: reason, number of tries, and the text or none.

Eight faults are met at once, each by one servant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

import pytest

from tests.stand_in.chat import ChatStandIn, Reply, faults
from tests.stand_in.chat.bodies import error
from tests.support.overlord_home import OverlordHome

WHOLE = "A whole answer."


@dataclass(frozen=True)
class Case:
    """A fault; the reasons that are right for it (None: it is answered), how often it is tried, the text."""

    name: str
    reply: Reply
    reasons: tuple[str | None, ...]
    tries: int = 1
    text: str | None = None


def case(name: str, *reasons: str | None, tries: int = 1) -> Case:
    """A fault of faults.py by its name."""
    return Case(name, getattr(faults, name), reasons, tries)


ANSWERED = [
    *(
        Case(name, getattr(faults, name), (None,), 1, WHOLE)
        for name in (
            *("CHUNKED", "UNTIL_CLOSE", "HTTP_1_0", "CONTINUE_FIRST", "EARLY_HINTS_FIRST"),
            *("NO_CONTENT_TYPE", "LONG_HEADER", "FOLDED_HEADER", "REPEATED_ID"),
        )
    ),
    *(Case(name, reply, (None,), 1, text) for name, (reply, text) in faults.UNUSUAL_TEXT.items()),
    case("AT_THE_LIMIT", None),
    case("CONTROL_CHARACTERS", None),
    case("LONE_SURROGATE", None),
]
BROKEN = [
    case("CUT_HEADERS", "connection_dropped"),
    case("CUT_BODY", "connection_dropped"),
    case("CUT_BEFORE_BODY", "connection_dropped"),
    case("RESET_IN_BODY", "connection_dropped"),
    case("CUT_CHUNKS", "connection_dropped"),
    case("CUT_IN_A_CHUNK", "connection_dropped"),
    case("BAD_CHUNK", "connection_dropped", "unexpected_answer"),
    case("NOT_HTTP", "unexpected_answer"),
    case("BINARY", "unexpected_answer"),
    case("BAD_STATUS", "unexpected_answer"),
    case("NO_STATUS_BUT_HEADERS", "unexpected_answer"),
    case("STATUS_204", "unexpected_answer"),
    case("STATUS_999", "unexpected_answer", "provider_unavailable"),
    case("HUGE_HEADER", "unexpected_answer", "too_large"),
    case("MANY_HEADERS", "unexpected_answer", "too_large"),
    case("HEADERS_WITHOUT_END", "unexpected_answer", "too_large"),
    case("BAD_LENGTH", "unexpected_answer", None),
    case("NEGATIVE_LENGTH", "unexpected_answer", None),
]
TRIED_AGAIN = [
    case("DROPPED", "connection_dropped", tries=3),
    case("RESET", "connection_dropped", tries=3),
    case("CUT_STATUS_LINE", "connection_dropped", tries=3),
    case("ERROR_AS_TEXT", "provider_unavailable", tries=3),
    case("ERROR_AS_HTML", "provider_unavailable", tries=3),
    case("ERROR_OVER_THE_LIMIT", "provider_unavailable", tries=3),
    *(Case(str(status), error(status, None), ("provider_unavailable",), 3) for status in (500, 504)),
    Case("429", error(429, "rate_limit_exceeded"), ("rate_limited",), 3),
    Case("408", error(408, None), ("request_refused",), 3),
    Case("no wait", error(503, None, headers=(("Retry-After", "soon"),)), ("provider_unavailable",), 3),
]  # fmt: skip
REFUSED = [
    case("CONTEXT_OVERFLOW", "context_overflow"),
    case("CONTEXT_OVERFLOW_413", "context_overflow"),
    case("ERROR_WITHOUT_CODE", "request_refused"),
    case("ERROR_IN_A_LIST", "request_refused"),
    *(Case(str(status), error(status, None), ("request_refused",)) for status in (404, 409, 413, 422)),
    Case("401", error(401, "invalid_api_key"), ("key_refused",)),
    Case("403", error(403, "account_deactivated"), ("account_refused",)),
    Case("501", error(501, None), ("provider_unavailable",)),
    *(
        Case(f"a redirect with {status}", faults.redirect("/v1/elsewhere", status), ("redirected",))
        for status in (301, 302, 303, 307, 308)
    ),
    Case(
        "a wait that does not fit",
        error(429, None, headers=(("Retry-After", "60"),)),
        ("rate_limited",),
    ),
    Case(
        "a date that does not fit",
        error(503, None, headers=(("Retry-After", "Fri, 31 Dec 2999 23:59:59 GMT"),)),
        ("provider_unavailable",),
    ),
]
NO_ANSWER = [
    *(
        case(name, "unexpected_answer")
        for name in (
            *("NOT_JSON", "HTML", "EMPTY", "HALF_JSON", "TWO_VALUES", "STREAMED", "JSON_TEXT", "JSON_LIST"),
            *("JSON_NULL", "NO_CHOICES", "EMPTY_CHOICES", "CHOICES_NULL", "CHOICES_OBJECT", "CHOICE_TEXT"),
            *("ERROR_WITH_200", "DEEP", "DEEP_CONTENT"),
        )
    ),
    case("NO_MESSAGE", "unexpected_answer", "no_text"),
    case("MESSAGE_TEXT", "unexpected_answer", "no_text"),
    case("NOT_A_NUMBER", "unexpected_answer", "no_text"),
    case("HUGE_NUMBER", "unexpected_answer", "no_text"),
    case("GZIP", "unexpected_answer"),
    case("LATIN_1", "unexpected_answer"),
    case("UTF_16", "unexpected_answer", None),
    case("OVER_THE_LIMIT", "too_large"),
    case("OVER_THE_LIMIT_CHUNKED", "too_large"),
    case("OVER_THE_LIMIT_UNTIL_CLOSE", "too_large"),
    case("OVER_THE_LIMIT_ANNOUNCED", "too_large"),
    case("ENDLESS", "too_large"),
    *(Case(f"text: {name}", reply, ("no_text",)) for name, reply in faults.NO_TEXT.items()),
]
NEVER_ENDING = [
    case("SILENT", "timeout"),
    case("SILENT_IN_HEADERS", "timeout"),
    case("SILENT_IN_BODY", "timeout"),
    case("SILENT_AFTER_BODY", "timeout"),
    Case("dripping", faults.dripping(0.5), ("timeout",)),
    Case("a dripping head", faults.dripping_head(0.5), ("timeout",)),
    case("ENDLESS_CONTINUE", "timeout", "unexpected_answer", "connection_dropped", tries=0),
]
ALL = [*ANSWERED, *BROKEN, *TRIED_AGAIN, *REFUSED, *NO_ANSWER, *NEVER_ENDING]


def batches() -> Iterator[Any]:
    groups: dict[str, Sequence[Case]] = {
        "answered": ANSWERED, "broken": BROKEN, "tried again": TRIED_AGAIN, "refused": REFUSED,
        "no answer": NO_ANSWER, "never ending": NEVER_ENDING,
    }  # fmt: skip
    for name, cases in groups.items():
        for at in range(0, len(cases), 8):
            yield pytest.param(cases[at : at + 8], id=f"{name} {at // 8 + 1}")


@pytest.mark.parametrize("cases", list(batches()))
def test_each_fault_has_its_reason(
    wired: OverlordHome, chat_service: ChatStandIn, cases: Sequence[Case]
) -> None:
    wired.json("start", "--normal", "8")
    by_slot = {f"normal-{number}": one for number, one in enumerate(cases, start=1)}
    before = len(chat_service.chats)
    for slot, one in by_slot.items():
        chat_service.reply(one.reply, slot=slot)
    sent = wired.json("send", ",".join(by_slot), "Where?")
    results = {one["servantId"]: one for one in sent["messageResult"]["servantResults"]}
    asked = [request.slot for request in chat_service.chats[before:]]
    wrong = []
    for slot, one in by_slot.items():
        result, servant = results[slot], wired.servant(slot)
        reason = result["failureReason"]
        if reason not in one.reasons:
            wrong.append(f"{one.name}: {reason} ({result['errorText']}), not {one.reasons}")
        if one.tries and (result["attempts"], asked.count(slot)) != (one.tries, one.tries):
            wrong.append(f"{one.name}: {asked.count(slot)} tries, {result['attempts']} told, not {one.tries}")
        if one.text is not None and result["responseText"] != one.text:
            wrong.append(f"{one.name}: {result['responseText']!r}")
        blocked = None if reason is None else ("blocked", reason)
        if ((servant["state"], servant["blockedReason"]) if blocked else None) != blocked:
            wrong.append(f"{one.name}: the servant is {servant['state']}, {servant['blockedReason']}")
        if reason is not None and (result["responseText"] is not None or not result["errorText"]):
            wrong.append(f"{one.name}: failed, with {result['responseText']!r} and {result['errorText']!r}")
    assert wrong == []
    assert len(wired.ledger()) == 9 + len(cases)
    assert chat_service.overlaps == []
    shown = wired.run("status", "--no-liveness")
    assert "\x1b" not in shown.stdout


def test_no_fault_is_left_out() -> None:
    named = {name for name, value in vars(faults).items() if isinstance(value, Reply)}
    assert named - {one.name for one in ALL} == {name for name in named if name.startswith("MODELS_")}


def test_a_redirect_is_not_followed_and_takes_no_key_along(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    wired.json("start", "--normal", "1")
    with ChatStandIn() as other:
        chat_service.reply(faults.redirect(f"{other.base_url}/chat/completions"))
        sent = wired.json("send", "normal-1", "Where?")
        assert sent["messageResult"]["failureReason"] == "redirected"
        chat_service.reply(faults.redirect(f"{other.base_url}/models"), what="models")
        assert wired.json("start", "--new")["errorCode"] == "redirected"
        assert other.connections == 0


@pytest.mark.parametrize(
    ("header", "value"),
    [("Retry-After", "0"), ("retry-after-ms", "10"), ("Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT")],
)
def test_a_short_wait_is_taken_from_any_header(
    wired: OverlordHome, chat_service: ChatStandIn, header: str, value: str
) -> None:
    wired.json("start", "--normal", "1")
    chat_service.reply(error(429, None, headers=((header, value),)), times=2)
    sent = wired.json("send", "normal-1", "Where?")
    assert sent["status"] == "success", sent
    assert sent["messageResult"]["servantResults"][0]["attempts"] == 3
    tries = chat_service.chats[-3:]
    assert [one.connection for one in tries] == sorted({one.connection for one in tries})


def test_an_error_then_a_drop_then_an_answer(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    wired.json("start", "--normal", "1")
    chat_service.fail(500, times=1)
    chat_service.reply(faults.DROPPED, times=1)
    sent = wired.json("send", "normal-1", "Where?")
    assert sent["status"] == "success", sent
    assert sent["messageResult"]["servantResults"][0]["attempts"] == 3


def test_a_refused_connection(wired: OverlordHome, chat_service: ChatStandIn) -> None:
    wired.json("start", "--normal", "1")
    with chat_service.refusing():
        sent = wired.json("send", "normal-1", "Where?")
        assert sent["messageResult"]["failureReason"] == "unreachable"
        assert wired.json("start", "--new")["errorCode"] == "unreachable"
        assert wired.json("recover")["errorCode"] == "recovery_unproved"
    assert wired.json("recover")["status"] == "success"
    assert wired.json("retry")["status"] == "success"


PREFLIGHT: dict[str, tuple[Reply, str]] = {
    "a list that is none": (faults.MODELS_WITHOUT_LIST, "unexpected_answer"),
    "no data": (faults.MODELS_WITHOUT_DATA, "unexpected_answer"),
    "a bare list": (faults.MODELS_BARE_LIST, "unexpected_answer"),
    "an empty list": (faults.MODELS_EMPTY, "model_missing"),
    "nonsense": (faults.MODELS_NONSENSE, "model_missing"),
    "over 4 MiB": (faults.MODELS_OVER_THE_LIMIT, "unexpected_answer"),
    "HTML": (faults.HTML, "unexpected_answer"),
    "deep": (faults.DEEP, "unexpected_answer"),
    "not HTTP": (faults.NOT_HTTP, "unexpected_answer"),
    "dropped": (faults.DROPPED, "connection_dropped"),
    "cut": (faults.CUT_BODY, "connection_dropped"),
    "401": (error(401, "invalid_api_key"), "key_refused"),
    "403": (error(403, None), "account_refused"),
    "404": (error(404, None), "request_refused"),
    "429": (error(429, None, headers=(("Retry-After", "1"),)), "rate_limited"),
    "503": (error(503, None), "provider_unavailable"),
    "a redirect": (faults.redirect("/v1/elsewhere"), "redirected"),
    "silence": (faults.SILENT, "timeout"),
    "dripping": (faults.dripping(0.5), "timeout"),
}


@pytest.mark.parametrize("name", PREFLIGHT)
def test_a_preflight_that_fails_starts_nothing(
    wired: OverlordHome, chat_service: ChatStandIn, name: str
) -> None:
    reply, code = PREFLIGHT[name]
    chat_service.reply(reply, what="models")
    started = wired.json("start")
    assert started["errorCode"] == code, started
    assert started["exitStatus"] == (4 if code in ("key_refused", "account_refused") else 6)
    assert (started["changed"], wired.runs()) == (False, [])
    assert [request.method for request in chat_service.requests] == ["GET"]


def test_a_list_with_nonsense_besides_both_models_is_good(
    wired: OverlordHome, chat_service: ChatStandIn
) -> None:
    chat_service.reply(faults.MODELS_WITH_NONSENSE, what="models")
    assert wired.json("start")["status"] == "success"
