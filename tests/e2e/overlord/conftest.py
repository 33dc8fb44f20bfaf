"""Both services behind one set of words, and a home for Overlord in front of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, Mapping, Protocol

import pytest

from tests.stand_in.chat import ChatStandIn
from tests.support.overlord_home import OverlordHome
from tests.support.second_service import SecondService

SERVICES = ("stand-in", "llmock")


class Service(Protocol):
    """What the scenarios need of a chat service; `path` in `fail` is the chat's or the models'."""

    key: str
    model: str
    ultra_model: str

    @property
    def base_url(self) -> str: ...

    def fail(
        self, status: int, *, retry_after: float | None = None, model: str | None = None,
        code: str | None = None, times: int | None = 1, models: bool = False,
    ) -> None: ...  # fmt: skip

    def reply(self, text: str, *, model: str | None = None, times: int | None = 1) -> None: ...

    def delay(self, seconds: float, *, model: str | None = None, times: int | None = 1) -> None: ...

    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of all chat requests, in order of arrival."""

    def lists(self) -> int:
        """How often the models were listed."""

    def findings(self) -> list[str]:
        """What the service holds against its client."""


class StandInService:
    """Our stand-in."""

    model, ultra_model = "fugu", "fugu-ultra"

    def __init__(self, service: ChatStandIn) -> None:
        self._service = service
        self.key = service.key
        self._wait = 0.0

    @property
    def base_url(self) -> str:
        return self._service.base_url

    def fail(
        self, status: int, *, retry_after: float | None = None, model: str | None = None,
        code: str | None = None, times: int | None = 1, models: bool = False,
    ) -> None:  # fmt: skip
        wait = None if retry_after is None else f"{retry_after:g}"
        self._wait = retry_after or 0.0
        what: Any = "models" if models else "chat"
        self._service.fail(status, code=code, retry_after=wait, what=what, model=model, times=times)

    def reply(self, text: str, *, model: str | None = None, times: int | None = 1) -> None:
        self._service.answer(text, model=model, times=times)

    def delay(self, seconds: float, *, model: str | None = None, times: int | None = 1) -> None:
        self._service.answer(after=seconds, model=model, times=times)

    def bodies(self) -> list[dict[str, Any]]:
        return [request.json for request in self._service.chats]

    def lists(self) -> int:
        return sum(request.method == "GET" for request in self._service.requests)

    def findings(self) -> list[str]:
        pairs = [f"{one.number} and {other.number} overlap" for one, other in self._service.overlaps]
        return [*self._service.violations, *pairs, *self._tried_too_early()]

    def _tried_too_early(self) -> list[str]:
        chats, found = self._service.chats, []
        for index, limited in enumerate(chats):
            later = [one for one in chats[index + 1 :] if one.slot == limited.slot]
            if limited.status == 429 and later and limited.ended is not None:
                waited = later[0].arrived - limited.ended
                found += [f"tried again after {waited} s"] if waited < self._wait else []
        return found


class LlmockService:
    """llmock, from PyPI."""

    def __init__(self, service: SecondService) -> None:
        self._service = service
        self.key = service.key
        self.base_url = service.base_url
        self.model, self.ultra_model = service.model, service.ultra_model

    def fail(
        self, status: int, *, retry_after: float | None = None, model: str | None = None,
        code: str | None = None, times: int | None = 1, models: bool = False,
    ) -> None:  # fmt: skip
        path = "/v1/models" if models else "/v1/chat/completions"
        self._service.fail(status, retry_after=retry_after, model=model, code=code, times=times, path=path)

    def reply(self, text: str, *, model: str | None = None, times: int | None = 1) -> None:
        self._service.reply(text, model=model, times=times)

    def delay(self, seconds: float, *, model: str | None = None, times: int | None = 1) -> None:
        self._service.delay(seconds, model=model, times=times)

    def bodies(self) -> list[dict[str, Any]]:
        return self._service.chats()

    def lists(self) -> int:
        return sum(one["path"] == "/v1/models" for one in self._service.requests())

    def findings(self) -> list[str]:
        # That a failure is retried at most twice, and some failures never, is Overlord's rule.
        return [code for code in self._service.findings() if code != "gave_up"]


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Service:
    """Each of the two services in turn."""
    if request.param == "stand-in":
        return StandInService(request.getfixturevalue("chat_service"))
    return LlmockService(request.getfixturevalue("second_service"))


def environ_for(service: Service | ChatStandIn) -> Mapping[str, str]:
    """The settings that lead Overlord to a service, with the shortest time that a servant can have."""
    environ = {
        "MMI_OVERLORD_LLM_BASE_URL": service.base_url,
        "MMI_OVERLORD_LLM_API_KEY": service.key,
        "MMI_OVERLORD_LLM_TIMEOUT_MS": "5000",
    }
    if not isinstance(service, ChatStandIn):
        environ["MMI_OVERLORD_LLM_MODEL"] = service.model
        environ["MMI_OVERLORD_LLM_ULTRA_MODEL"] = service.ultra_model
    return environ


@pytest.fixture
def home(service: Service, tmp_path: Path) -> Iterator[OverlordHome]:
    """A home in front of each of the two services; no key may be found in it."""
    made = OverlordHome(tmp_path / "overlord", environ_for(service))
    yield made
    assert made.leaks() == []


@pytest.fixture
def wired(chat_service: ChatStandIn, tmp_path: Path) -> Iterator[OverlordHome]:
    """A home in front of our stand-in, which has faults that the other service has not."""
    made = OverlordHome(tmp_path / "overlord", environ_for(chat_service))
    yield made
    assert made.leaks() == []
