"""The key is in no byte of a machine: not in a file, on a screen, in a report, or in what a child gets.

The fixtures search: `place` all its files, and conftest.py of the suite everything that was printed and the
arguments and environment of every child, in every form that support/canary.py knows.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import Callable, Final

import pytest

from tests.faults.overlord.place import Place
from tests.faults.overlord.scenarios import Stage
from tests.stand_in.chat import faults
from tests.support import canary

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the processes of place.py are POSIX")

FORMS: Final[dict[str, Callable[[str], str]]] = {
    "plain": lambda key: f"Your key is {key}, is it not?",
    "alone": lambda key: key,
    "bearer": lambda key: f"Authorization: Bearer {key}",
    "base64": lambda key: f"A: {base64.b64encode(key.encode()).decode()}",
    "base64 of a header": lambda key: base64.b64encode(f"Authorization: Bearer {key}".encode()).decode(),
    "base64 within": lambda key: base64.b64encode(f"xx{key}yy".encode()).decode(),
    "base64url": lambda key: base64.urlsafe_b64encode(f"x{key}".encode()).decode(),
    "base64 twice": lambda key: base64.b64encode(base64.b64encode(key.encode())).decode(),
    "hexadecimal": lambda key: key.encode().hex(),
    "hexadecimal in capitals": lambda key: key.encode().hex(" ").upper(),
    "JSON-escaped": lambda key: "".join(f"\\u{ord(char):04x}" for char in key),
    "percent-encoded": lambda key: "".join(f"%{ord(char):02X}" for char in key),
    "split over lines": lambda key: f"{key[:11]}\n{key[11:29]}\r\n    {key[29:]}",
    "quoted and split": lambda key: f"> {key[:17]}\n> {key[17:]}",
    "in colour": lambda key: f"{key[:8]}\x1b[31m{key[8:]}\x1b[0m",
    "with zero-width spaces": "\u200b".join,
    "in JSON in JSON": lambda key: json.dumps(json.dumps({"key": key})),
    "often": lambda key: f"{key} " * 50,
}
# 2 usage, 4 key, 5 settings, 6 blocked, 7 partial.
ANY: Final = (0, 2, 4, 5, 6, 7)
NOT_READY: Final = 6


def everything(stage: Stage) -> None:
    """Every verb once, on the screen and as JSON."""
    place = stage.place
    verbs = (
        ("start", "--new"),
        ("send", "all", "What is it?"),
        ("send", "normals", "What is it?", "--then", "ultra"),
        ("retry",),
        ("status",),
        ("status", "--no-liveness"),
        ("recover",),
        ("replace", "normal-1", "--note", "Be brief."),
        ("await-human", "Look at it."),
        ("watch",),
        ("ask", "What is it?"),
        ("list",),
        ("export",),
        ("export", "--out", str(place.root / "transcript.md")),
        ("doctor",),
        ("doctor", "--live"),
        ("start", "--dry-run", "--new"),
        ("stop",),
    )
    for number, verb in enumerate(verbs):
        flags = (("--json",), ("--debug",), ("--json", "--debug"))[number % 3]
        fate = stage.run(*verb, *flags)
        assert fate.status in ANY, fate


def test_in_a_text(stage: Stage, deep: bool) -> None:
    """Each form of the key in an answer, stored, shown and sent again."""
    service = stage.place.service
    stage.do("start")
    for form, text in FORMS.items():
        service.clear()
        service.answer(text(service.key))
        results = stage.do("send", "all", f"In which form? {form}", "--json").report["messageResult"]
        assert all("***" in result["responseText"] for result in results["servantResults"]), (form, results)
    for request in service.chats:
        assert canary.in_all(canary.ISSUED, request.body, "a request") == []
    for text in FORMS.values() if deep else ():
        service.clear()
        service.answer(text(service.key))
        everything(stage)


def test_in_everything_that_a_service_says(stage: Stage, deep: bool) -> None:
    service = stage.place.service
    held = faults.holding(service.key)
    assert len(held) >= 10
    for reply in held.values():
        service.clear()
        service.reply(reply)
        if deep and reply.status < 500:
            everything(stage)
        for verb in (("start", "--new", "--normal", "1"), ("ask", "What is it?", "--normal", "1")):
            assert stage.run(*verb, "--debug").status in ANY


def test_in_the_models_and_in_an_id(stage: Stage) -> None:
    service = stage.place.service
    key = service.key
    service.reply(faults.models_holding(key, "fugu", "fugu-ultra"), what="models")
    service.answer("Fine.", request_id=f"req-{key}", body_id=key)
    everything(stage)
    service.clear()
    service.reply(faults.models_holding(key), what="models")
    everything(stage)
    service.clear()
    service.fail(401, code=key, message=key, request_id=key, what="models")
    everything(stage)
    service.clear()
    service.fail(400, code=key, message=key, request_id=key, retry_after=key)
    everything(stage)


MISUSES: Final[tuple[Callable[[str], tuple[str, ...]], ...]] = (
    lambda key: ("send", "all", f"My key is {key}."),
    lambda key: ("send", "all", base64.b64encode(key.encode()).decode()),
    lambda key: ("send", key, "Hello."),
    lambda key: ("send", "all", "Hello.", f"--{key}"),
    lambda key: ("send", "all", "Hello.", "--then", key),
    lambda key: ("send", "all", "--file", key),
    lambda key: ("start", "--new", "--assignment", key),
    lambda key: ("start", "--new", "--assign", f"ultra={key}"),
    lambda key: ("start", "--new", "--assign", f"{key}=x"),
    lambda key: ("start", "--new", "--profile", key),
    lambda key: ("start", "--new", "--normal", key),
    lambda key: ("start", "--api-key", key),
    lambda key: ("start", f"--api-key={key}"),
    lambda key: ("start", f"--api-key-file={key}"),
    lambda key: ("replace", "ultra", "--note", key),
    lambda key: ("replace", "ultra", "--assignment", key),
    lambda key: ("replace", key),
    lambda key: ("retry", key),
    lambda key: ("recover", key),
    lambda key: ("await-human", key),
    lambda key: ("status", "--run", key),
    lambda key: ("status", "--cwd", key),
    lambda key: ("delete", key),
    lambda key: ("ask", key),
    lambda key: (key,),
    lambda key: ("export", "--out", f"/proc/{key}"),
)


def test_given_by_mistake(stage: Stage) -> None:
    """The key where it does not belong: refused, and not repeated."""
    place = stage.place
    stage.do("start")
    before = place.only_run().registry
    asked = len(place.service.requests)
    for number, misuse in enumerate(MISUSES):
        fate = stage.run(*misuse(place.service.key), *((), ("--json",))[number % 2])
        assert fate.status in (2, 5, 8), fate
    assert place.only_run().registry == before
    assert len(place.service.requests) == asked


@pytest.mark.parametrize(
    "variable",
    ["MMI_OVERLORD_LLM_BASE_URL", "MMI_OVERLORD_LLM_MODEL", "MMI_OVERLORD_LLM_ULTRA_MODEL"],
)
def test_in_a_setting(stage: Stage, variable: str) -> None:
    key = stage.place.service.key
    value = f"https://user:{key}@localhost/v1" if variable.endswith("URL") else f"fugu-{key}"
    for verb in (("start",), ("doctor",), ("doctor", "--live", "--json"), ("ask", "What?"), ("list",)):
        assert stage.run(*verb, how=None, **{variable: value}).status in ANY
    assert stage.place.run_folders() == []


def test_of_the_other_variable(stage: Stage) -> None:
    """Both keys are set: the one that is not used is masked too."""
    other = canary.new_canary().key
    stage.place.service.answer(f"The other one is {other}.", request_id=other)
    for verb in (("start",), ("send", "all", "Which?"), ("send", "all", other), ("export",), ("status",)):
        assert stage.run(*verb, "--json", SAKANA_API_KEY=other).status in ANY


FAULTS: Final = {
    "in a command": "from overlord.storage import run_store as m; m.RunStore.load = broken",
    "in a thread": "from overlord.service import client as m; m.ChatClient.complete = broken",
    "while storing": "from overlord.core import ledger_event as m; import overlord.work.settling as s;"
    " s.new_event = broken",
}
BROKEN: Final = """
import os, sys
def broken(*given, **named):
    secret = os.environ["MMI_OVERLORD_LLM_API_KEY"]
    try:
        raise ValueError(f"Bearer {secret}")
    except ValueError as cause:
        raise RuntimeError(secret, given) from cause
"""


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
@pytest.mark.parametrize("flags", [(), ("--json",), ("--debug",)], ids=["screen", "json", "debug"])
def test_in_a_fault_of_our_own(place: Place, fault: str, flags: tuple[str, ...]) -> None:
    place.json("start")
    code = f"{BROKEN}{fault}\nfrom overlord.cli import main\nsys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "send", "all", "What is it?", *flags],
        cwd=place.worktree, env=place.environ(), capture_output=True, encoding="utf-8", timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1, done
    assert "nternal error (RuntimeError)" in done.stdout + done.stderr
    assert canary.in_all(canary.ISSUED, (done.stdout + done.stderr).encode(), "said") == []
    (report,) = place.crash_reports()
    assert "RuntimeError" in report
    assert "What is it?" not in report
    assert "Traceback" not in done.stderr
    # The next command works, and settles what was left.
    assert place.run("status", "--no-liveness").status in (0, NOT_READY)
    assert place.only_run().problems() == []


def test_the_search_finds_it() -> None:
    """What is searched for is found if it is there."""
    one = canary.new_canary()
    missed = {name for name, text in FORMS.items() if not one.encodings_in(text(one.key).encode())}
    assert missed <= {"base64 twice", "hexadecimal in capitals", "in colour", "with zero-width spaces"}


def test_a_key_is_only_in_the_header(place: Place) -> None:
    """With real processes, whose children and their environments would be seen."""
    place.json("start")
    place.json("send", "all", "What is it?")
    place.json("stop")
    assert len(place.service.requests) == 1 + 3 + 3
    for request in place.service.requests:
        assert request.key == place.service.key
        rest = [f"{name}: {value}" for name, value in request.headers.items() if name != "authorization"]
        said = "\n".join([request.path, *rest]).encode() + request.body
        assert canary.in_all(canary.ISSUED, said, f"request {request.number}") == []
