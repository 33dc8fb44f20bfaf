"""The chat stand-in as a process of its own, and the proxy in front of it."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from urllib.parse import urlsplit

import pytest

from tests.contract.chat.asking import question, send
from tests.stand_in import Authority
from tests.stand_in.chat import ChatProcess, ConnectProxy, chat_stand_in
from tests.stand_in.chat.process import ROOT
from tests.support.canary import new_canary


def ask(base_url: str, key: str, slot: str = "normal-1") -> tuple[int, bytes]:
    parts = urlsplit(base_url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        answer = send(connection, key, question(slot))
        return answer.status, answer.body
    finally:
        connection.close()


def test_it_can_be_programmed_from_another_process() -> None:
    key = new_canary().key
    with ChatProcess(key=key, models=("one", "two")) as service:
        request = urllib.request.Request(f"{service.base_url}/models")
        request.add_header("Authorization", f"Bearer {key}")
        with urllib.request.urlopen(request, timeout=10) as listed:
            assert [one["id"] for one in json.load(listed)["data"]] == ["one", "two"]
        service.answer("From afar.", slot="ultra", after=0.01)
        service.fail(429, retry_after="1", slot="normal-1", times=1)
        service.fault("DROPPED", slot="normal-1", times=1)
        assert b"From afar." in ask(service.base_url, key, "ultra")[1]
        assert ask(service.base_url, key)[0] == 429
        with pytest.raises(http.client.RemoteDisconnected):
            ask(service.base_url, key)
        service.clear()
        assert ask(service.base_url, key)[0] == 404
        with pytest.raises(ValueError, match="no attribute 'NONE'"):
            service.fault("NONE")
        received = service.requests()
        assert [one["status"] for one in received] == [200, 200, 429, 200, 404]
        assert [one["outcome"] for one in received[1:4]] == ["answered", "answered", "cut"]
        assert received[1]["slot"] == "ultra"
        assert received[0]["headers"]["authorization"] == "Bearer ***"
        assert key not in json.dumps(received)


def started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.stand_in.chat", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8"
    )


def test_it_serves_without_orders_and_ends_after_its_time() -> None:
    with started("--seconds", "1", "--after", "0.01", "--model", "fugu") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["pid"] == process.pid
        assert ask(first["base_url"], "chat-stand-in-key")[0] == 200
        assert process.wait(timeout=20) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a parent's end cannot be seen there without its handle")
def test_it_ends_with_the_process_that_started_it() -> None:
    command = f"{sys.executable!r} -m tests.stand_in.chat --seconds 60 </dev/null & read -r _"
    with subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as parent:
        assert parent.stdout is not None
        pid = json.loads(parent.stdout.readline())["pid"]
        parent.communicate("go\n", timeout=20)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the process is still there")


@pytest.mark.parametrize("credentials", [None, "ada:l0velace"])
def test_the_proxy_leads_by_the_real_name(chat_authority: Authority, credentials: str | None) -> None:
    with chat_stand_in(authority=chat_authority) as service, ConnectProxy(
        {"api.sakana.ai:443": service.port}, credentials
    ) as proxy:  # fmt: skip
        parts = urlsplit(proxy.url)
        context = ssl.create_default_context(cafile=str(chat_authority.certificate))

        def through(target: str, headers: dict[str, str]) -> http.client.HTTPSConnection:
            connection = http.client.HTTPSConnection(
                str(parts.hostname), parts.port, timeout=10, context=context
            )
            connection.set_tunnel(target, 443, headers)
            return connection

        headers = {}
        if credentials is not None:
            with pytest.raises(OSError, match="407"):
                through("api.sakana.ai", {}).connect()
            headers["Proxy-Authorization"] = f"Basic {base64.b64encode(credentials.encode()).decode()}"
        connection = through("api.sakana.ai", headers)
        assert send(connection, service.key, question()).status == 200
        connection.close()
        with pytest.raises(OSError, match="502"):
            through("example.org", headers).connect()
        proxy.misbehave(403)
        proxy.misbehave("close")
        with pytest.raises(OSError, match="403"):
            through("api.sakana.ai", headers).connect()
        dropped = through("api.sakana.ai", headers)
        with pytest.raises(http.client.RemoteDisconnected):
            dropped.connect()
        dropped.close()
        statuses = [one.status for one in proxy.asked]
        assert statuses == [*([] if credentials is None else [407]), 200, 502, 403, 0]
        assert proxy.asked[-1].asked == "CONNECT api.sakana.ai:443"
        assert len(service.requests) == 1
        assert proxy.mishaps == []
