"""What the service said is shown with --debug only, without a key, whole or in part."""

from __future__ import annotations

import io
from datetime import datetime, timezone
from pathlib import Path

import pytest

from foundation.errors import Refusal
from foundation.host import Host
from foundation.terminal.terminal import Terminal
from overlord.commands.context import Context
from overlord.core.json_values import Json
from overlord.settings import Settings
from overlord.storage.changes import Changes
from tests.support.overlord_runs import ready

KEY = "sk-4711-of-a-test"


def context(
    environ: dict[str, str], *, debug: bool = True, shell: str = "posix"
) -> tuple[Context, io.StringIO]:
    err = io.StringIO()
    terminal = Terminal.from_streams(
        None, io.StringIO(), err, {}, json=True, quiet=False, platform="linux", clean=lambda text, _: text
    )
    host = Host(
        environ, Path("/home/ada"), Path("/home/ada"), "linux", now=lambda: datetime.now(timezone.utc)
    )
    return Context(host, Settings(environ, shell), terminal, Changes(), debug=debug), err


def test_a_key_is_masked_before_the_text_is_cut() -> None:
    world, err = context({"SAKANA_API_KEY": KEY})
    body = b"x" * 2040 + KEY.encode() + b"y" * 100
    world.show_debug(body)
    said = err.getvalue()
    assert said == "the service said: " + "x" * 2040 + "***" + "y" * 5 + "\n"


def test_without_debug_nothing_is_said() -> None:
    world, err = context({}, debug=False)
    world.show_debug(b"text")
    assert err.getvalue() == ""


@pytest.mark.parametrize(
    ("environ", "slots", "variable"),
    [
        ({"MMI_OVERLORD_LLM_BASE_URL": "https://example.com/v1"}, ["ultra"], "MMI_OVERLORD_LLM_BASE_URL"),
        ({"MMI_OVERLORD_LLM_BASE_URL": "https://api.sakana.ai/v1/"}, ["ultra"], None),
        ({"MMI_OVERLORD_LLM_MODEL": "other"}, ["normal-1"], "MMI_OVERLORD_LLM_MODEL"),
        ({"MMI_OVERLORD_LLM_MODEL": "other"}, ["ultra"], "MMI_OVERLORD_LLM_MODEL"),
        ({"MMI_OVERLORD_LLM_ULTRA_MODEL": "other"}, ["normal-1"], "MMI_OVERLORD_LLM_ULTRA_MODEL"),
        ({"MMI_OVERLORD_LLM_MODEL": "fugu", "MMI_OVERLORD_LLM_ULTRA_MODEL": "fugu-ultra"}, ["ultra"], None),
        ({}, ["ultra", "normal-1"], None),
    ],
)
def test_another_service_or_model_than_the_runs_is_refused(
    environ: dict[str, str], slots: list[str], variable: str | None
) -> None:
    world, _ = context(environ, shell="pwsh")
    if variable is None:
        world.require_same_provider(ready(), slots)
        return
    with pytest.raises(Refusal) as caught:
        world.require_same_provider(ready(), slots)
    assert (caught.value.kind, str(caught.value.where)) == ("provider_changed", variable)
    assert caught.value.next_step.startswith(f"Remove-Item Env:{variable}")


def test_a_servant_that_was_replaced_goes_by_its_own_model() -> None:
    registry: Json = ready()
    registry["servants"][1].update(model="other", llmModel="other")
    world, _ = context({"MMI_OVERLORD_LLM_MODEL": "other"})
    world.require_same_provider(registry, ["normal-1"])
    with pytest.raises(Refusal):
        world.require_same_provider(registry, ["normal-1", "normal-2"])


@pytest.mark.parametrize("text", [KEY, f"a {KEY} b", KEY.encode().hex(), f"{KEY[:6]}\n{KEY[6:]}"])
def test_a_text_with_a_key_is_refused(text: str) -> None:
    world, _ = context({"MMI_OVERLORD_LLM_API_KEY": "another", "SAKANA_API_KEY": KEY})
    with pytest.raises(Refusal) as caught:
        world.require_no_key_in(text, "message")
    assert caught.value.kind == "message_holds_key"
    assert KEY not in f"{caught.value.message}{caught.value.next_step}"


def test_what_the_service_said_has_at_most_2_kib() -> None:
    world, err = context({})
    world.show_debug(b"a" + "\u00e4".encode() * 5000)
    said = err.getvalue().partition(": ")[2].rstrip("\n")
    assert said == "a" + "\u00e4" * 1023
