"""Aider, run for real: it edits a file by what the model says, and stops at a no."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.marama_route.sites import CODER, HEADER, Site
from tests.stand_in.model_backend import chunk, finish, stream, usage
from tests.support.clients.driven import environment

pytestmark = [
    pytest.mark.skipif(sys.version_info >= (3, 13), reason="Aider has no release for Python 3.13 or newer"),
    pytest.mark.skipif(sys.platform != "linux", reason="Aider is 700 MB: it is run on Linux only"),
]
QUIET = (
    *("--yes-always", "--no-git", "--no-pretty", "--no-fancy-input", "--map-tokens", "0", "--no-auto-lint"),
    *("--no-show-model-warnings", "--no-show-release-notes", "--no-check-update", "--analytics-disable"),
    *("--no-detect-urls", "--no-suggest-shell-commands", "--edit-format", "whole"),
)
SECONDS = 120


def aider(site: Site, folder: Path, text: str, **parameters: Any) -> str:
    """What it says when it is asked to do this to a small program; `parameters` go into its requests."""
    (folder / "app.py").write_text("price = 1\n", encoding="utf-8")
    home = folder / "home"
    home.mkdir()
    settings = home / "settings.yml"
    given = {"extra_headers": {HEADER: "shop"}, **parameters}
    settings.write_text(json.dumps([{"name": "aider/extra_params", "extra_params": given}]), encoding="utf-8")
    program = environment("aider.txt").with_name("aider")
    done = subprocess.run(
        [
            *(str(program), "--model", "openai/lumynax/code", "--message", text, *QUIET),
            *("--model-settings-file", str(settings), "app.py"),
        ],
        cwd=folder,
        env={
            "HOME": str(home),
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "OPENAI_API_BASE": site.gateway.base_url,
            "OPENAI_API_KEY": site.gateway.key,
            # It asks the internet for prices of models, which it does not need.
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "HTTPS_PROXY": "http://127.0.0.1:9",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return " ".join((done.stdout + done.stderr).split())


def asked(site: Site) -> int:
    """How many chats the gateway has answered."""
    return sum(line.get("route") == "/v1/chat/completions" for line in site.gateway.logged)


def test_it_changes_a_file(site: Site, tmp_path: Path) -> None:
    edit = ["app.py\n", "```\n", "price = 2\n", "```\n"]
    site.first.answers = [stream(*map(chunk, edit), finish(), usage(10, 5))]
    said = aider(site, tmp_path, f"Raise the price {site.gateway.word}")
    assert "Applied edit to app.py" in said
    assert (tmp_path / "app.py").read_text(encoding="utf-8") == "price = 2\n"
    (request,) = site.first.requests
    assert request.json()["stream"] is True
    route = [record for record in site.gateway.audited() if record["kind"] == "route"][-1]
    assert site.gateway.ended_decision(route["decision_id"])["selected_model"] == CODER


def test_it_stops_at_a_denial_and_shows_our_words(site: Site, tmp_path: Path) -> None:
    before = asked(site)
    said = aider(site, tmp_path, "Raise the price", extra_headers={HEADER: "closed"})
    assert "capsule_revoked" in said
    assert "Retrying" not in said
    assert asked(site) == before + 1
    assert site.received == 0
    assert (tmp_path / "app.py").read_text(encoding="utf-8") == "price = 1\n"


def test_it_stops_where_no_model_is_eligible_though_it_cannot_say_why(site: Site, tmp_path: Path) -> None:
    # Aider sets LiteLLM's drop_params, and then LiteLLM asks a second time after every 422 and answers None.
    before = asked(site)
    abroad = {HEADER: "shop", "X-AbteeX-Route-Jurisdiction": "AU"}
    said = aider(site, tmp_path, "Raise the price", extra_headers=abroad)
    assert "'NoneType' object is not iterable" in said
    assert "Retrying" not in said
    assert asked(site) == before + 2
    assert site.received == 0
    assert (tmp_path / "app.py").read_text(encoding="utf-8") == "price = 1\n"
