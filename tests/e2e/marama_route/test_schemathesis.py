"""Schemathesis asks the gateway what its own OpenAPI document allows, and what it does not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.marama_route.sites import HEADER, Site
from tests.support.clients.driven import environment

EXAMPLES, DEEP_EXAMPLES = 5, 100
# It also holds against a server that it refuses what the document allows. Ours refuses names that cannot be
# shown, which a JSON Schema cannot say.
LEFT_OUT = "positive_data_acceptance"


def test_every_answer_is_one_of_the_document(site: Site, tmp_path: Path, deep: bool) -> None:
    # In a file and a variable, because everybody can read the arguments of a process.
    headers = f'headers = {{ Authorization = "Bearer ${{KEY}}", {HEADER} = "shop" }}\n'
    (tmp_path / "schemathesis.toml").write_text(headers, encoding="utf-8")
    python = environment("clients.txt")
    done = subprocess.run(
        [
            *(str(python.with_name("st")), "run", f"{site.gateway.url}/openapi.json", "--no-color"),
            *("--seed", "1", "--max-examples", str(DEEP_EXAMPLES if deep else EXAMPLES)),
            *("--exclude-checks", LEFT_OUT, "--request-timeout", "30"),
        ],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": os.defpath, "LANG": "C.UTF-8", "KEY": site.gateway.approver},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=1200,
        check=False,
    )
    if "Traceback" in done.stderr:
        pytest.fail(done.stderr)
    assert done.returncode == 0, done.stdout
    assert "Selected: 14/14" in done.stdout, done.stdout
    logged = [line for line in site.gateway.logged if line.get("event") == "request"]
    # 503: nothing can be recorded for some of the workspaces that it names.
    assert {line["status"] for line in logged if line["status"] >= 500} <= {502, 503, 504}
    assert len(logged) > 300
