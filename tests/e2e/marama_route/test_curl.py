"""curl, and a reader of event streams by hand: what is on the wire."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.marama_route.sites import GENERAL, HEADER, Site
from tests.stand_in.model_backend import (
    Hang,
    Pause,
    Until,
    chunk,
    completion,
    event,
    finish,
    stream,
    usage,
    whole,
)

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed here")
LIMIT = 30


def curl(site: Site, tmp_path: Path, payload: object, *more: str) -> tuple[dict[str, list[str]], bytes]:
    """The headers by lower-case name, with the status line under an empty one; and the body."""
    body, head = tmp_path / "body.json", tmp_path / "head"
    body.write_text(json.dumps(payload), encoding="utf-8")
    done = subprocess.run(
        _command(site, body, "--dump-header", str(head), *more), capture_output=True, check=True
    )
    first, *lines = head.read_bytes().decode("latin-1").strip().split("\r\n")
    headers: dict[str, list[str]] = {"": [first]}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    return headers, done.stdout


def _command(site: Site, body: Path, *more: str) -> list[str]:
    # The key is in a file, because everybody can read the arguments of a process.
    secret = body.with_name("headers")
    secret.write_text(f"Authorization: Bearer {site.gateway.key}\n", encoding="utf-8")
    options = [
        "--silent",
        "--no-buffer",
        "--max-time",
        str(LIMIT),
        "--noproxy",
        "*",
        "--header",
        f"@{secret}",
    ]
    options += ["--header", "Content-Type: application/json", "--header", f"{HEADER}: shop"]
    return [
        str(CURL),
        *options,
        *more,
        "--data-binary",
        f"@{body}",
        f"{site.gateway.base_url}/chat/completions",
    ]


def test_a_whole_answer_and_its_headers(site: Site, tmp_path: Path) -> None:
    site.first.answers = [whole(completion("Hi"), headers=[("set-cookie", "a=b"), ("server", "theirs")])]
    headers, body = curl(
        site, tmp_path, site.chat(), "--header", "Cookie: c=d", "--header", "X-Forwarded-For: 1.2.3.4"
    )
    assert headers[""][0].split()[1] == "200"
    assert json.loads(body)["model"] == GENERAL
    assert headers["x-marama-model"] == [GENERAL]
    assert headers["x-marama-decision-id"][0].startswith("rd_")
    assert headers["x-marama-policy"] == ["allow_with_obligations"]
    assert len(headers["x-request-id"]) == 1
    assert "set-cookie" not in headers
    assert "theirs" not in str(headers)
    sent = {name.lower() for name, _ in site.first.requests[0].headers}
    assert sent <= {
        *("host", "content-type", "content-length", "accept", "accept-encoding", "user-agent", "traceparent"),
        "authorization",
    }
    assert site.gateway.key not in str(site.first.requests[0].headers)


def test_the_bytes_of_a_stream(site: Site, tmp_path: Path) -> None:
    odd = chunk("ora", reasoning_content="hm", x={"y": [1.50, None]})
    site.first.answers = [
        stream(
            b": theirs\n\n",
            chunk("Kia "),
            event(odd).replace(b"\n\n", b"\r\n\r\n"),
            finish(),
            usage(0, 0),
            b"data: [DONE]\n\n",
        )
    ]
    headers, body = curl(site, tmp_path, site.chat(stream=True, stream_options={"include_usage": True}))
    assert headers["content-type"][0].startswith("text/event-stream")
    assert headers.get("content-length") is None
    blocks = body.decode().removesuffix("\n\n").split("\n\n")
    assert blocks[-1] == "data: [DONE]"
    assert blocks.count("data: [DONE]") == 1
    values = [json.loads(block.removeprefix("data: ")) for block in blocks[:-1]]
    expected = [chunk("Kia "), odd, finish(), usage(0, 0)]
    assert values == [{**one, "model": GENERAL} for one in expected]


def test_each_piece_comes_when_the_backend_sends_it(site: Site, tmp_path: Path) -> None:
    more = threading.Event()
    site.first.answers = [stream(chunk("first"), Until(more), chunk("second"), finish())]
    body = tmp_path / "body.json"
    body.write_text(json.dumps(site.chat(stream=True)), encoding="utf-8")
    with subprocess.Popen(_command(site, body), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        # Only now the backend goes on.
        more.set()
        rest = process.stdout.read()
    assert b"first" in first
    assert b"second" in rest
    assert rest.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("moment", ["before the first byte", "in the stream", "whole"])
def test_a_client_that_goes_away_cancels_the_backend(site: Site, tmp_path: Path, moment: str) -> None:
    streamed = moment != "whole"
    steps = stream(chunk("first"), Hang()) if moment == "in the stream" else [Hang()]
    site.first.answers = [steps]
    body = tmp_path / "body.json"
    body.write_text(json.dumps(site.chat(name=GENERAL, stream=streamed)), encoding="utf-8")
    with subprocess.Popen(_command(site, body), stdout=subprocess.PIPE) as process:
        request = site.first.wait()
        if moment == "in the stream":
            assert process.stdout is not None
            assert b"first" in process.stdout.readline()
        gone = time.monotonic()
        process.kill()
        assert request.gone.wait(10)
    assert request.gone_at - gone < 1.0
    decisions = [record["decision_id"] for record in site.gateway.audited() if record["kind"] == "route"]
    assert site.gateway.ended_decision(decisions[-1])["outcome"]["state"] == "cancelled"


def test_a_slow_backend_does_not_hold_others_up(site: Site, tmp_path: Path) -> None:
    site.second.answers = [[Pause(3), *whole(completion("slow"))]]
    slow = threading.Thread(target=lambda: site.ask(site.chat(name="lumynax/second")))
    slow.start()
    site.second.wait()
    _, body = curl(site, tmp_path, site.chat())
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hello"
    assert slow.is_alive()
    slow.join()
