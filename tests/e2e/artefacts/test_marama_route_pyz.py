"""marama-route.pyz: one file for every Python from 3.10, with its libraries and their licences in it."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from scripts.benchmarks.gateway.rig import free_ports
from scripts.building import bundle
from scripts.lib import cache, pythons
from tests.stand_in.model_backend import ModelBackend

PYTHONS = [one for one in pythons.find() if one.version >= (3, 10)]
TOO_OLD = [one for one in pythons.find() if one.version < (3, 10)]
CAPSULE = {"capsule_id": "shop", "subject_id": "acme", "jurisdiction": "NZ", "sensitivity": "internal"}
KEY = "mr_" + "k" * 43
# What lies beside the file, or is named by PYTHONPATH, is never taken instead of what is in it.
PLANTED = ("aiohttp.py", "yaml.py", "foundation.py", "sovereigncode.py", "msgspec.py", "uvloop.py")

if not sys.version_info >= (3, 10):
    pytest.skip("marama-route needs Python 3.10", allow_module_level=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle.build(bundle.GATEWAY_PYZ, tmp_path_factory.mktemp("dist"))


@pytest.fixture
def backend() -> Iterator[ModelBackend]:
    with ModelBackend() as one:
        yield one


def environ(folder: Path) -> dict[str, str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    own = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(folder)}
    windows = {**os.environ, "USERPROFILE": str(home), "LOCALAPPDATA": str(home), "APPDATA": str(home)}
    return windows if os.name == "nt" else own


def run(python: str, built: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, str(built), *arguments],
        cwd=folder,
        env=environ(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def configured(folder: Path, backend: ModelBackend) -> tuple[Path, int]:
    """A configuration with one model, a workspace, and a port."""
    (port,) = free_ports(1)
    workspace = folder / "shop" / ".sovereigncode"
    workspace.mkdir(parents=True)
    (workspace / "capsule.json").write_text(json.dumps(CAPSULE))
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    tenant = {"id": "acme", "keys": [{"hash": f"sha256:{digest}", "role": "client"}]}
    model = {"id": "lumynax/coder", "backend": "near", "residency": ["NZ"], "context_tokens": 9000}
    config = {
        "version": 1,
        "listen": f"127.0.0.1:{port}",
        "store": "sqlite",
        "tenants": [{**tenant, "purpose": "software_engineering"}],
        "workspaces": [str(folder / "shop")],
        "backends": {"near": {"base_url": backend.base_url}},
        "models": [{**model, "sovereignty_tier": 3}],
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return path, port


def asked(port: int, child: subprocess.Popen[bytes], log: Path) -> tuple[int, Any]:
    """The answer to a chat, as soon as the gateway answers."""
    payload = {"model": "lumynax/auto", "messages": [{"role": "user", "content": "Kia ora"}]}
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(payload), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except OSError:
            assert child.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the gateway did not answer"
            time.sleep(0.05)
        finally:
            connection.close()


@pytest.mark.parametrize("python", PYTHONS, ids=str)
def test_it_serves_a_chat_on_every_python(
    python: pythons.Interpreter, built: Path, tmp_path: Path, backend: ModelBackend
) -> None:
    for name in PLANTED:
        (tmp_path / name).write_text("raise SystemExit('taken from outside')\n")
    config, port = configured(tmp_path, backend)
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen(
            [python.path, "-W", "error", str(built), "serve", "--config", str(config)],
            cwd=tmp_path,
            env=environ(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        status, answer = asked(port, child, tmp_path / "log")
        assert (status, answer["model"]) == (200, "lumynax/coder"), (tmp_path / "log").read_text()
    finally:
        child.send_signal(signal.SIGTERM)
        ended = child.wait(60)
    if os.name != "nt":  # where SIGTERM ends a process at once
        assert ended == 0, (tmp_path / "log").read_text()
    listed = run(python.path, built, tmp_path, "decisions", "--config", str(config), "--json")
    (decision,) = json.loads(listed.stdout)["decisions"]
    assert decision["outcome"]["state"] == "completed", decision
    assert not (tmp_path / "home" / ".shiv").exists()


@pytest.mark.parametrize("python", TOO_OLD, ids=str)
def test_an_older_python_says_what_is_needed(
    python: pythons.Interpreter, built: Path, tmp_path: Path
) -> None:
    done = run(python.path, built, tmp_path, "--version")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("marama-route needs Python 3.10 or newer, and this is Python 3.")


def test_it_has_no_native_part_every_licence_and_a_bill(
    built: Path, figure: Callable[[str, float, str], None]
) -> None:
    with zipfile.ZipFile(built) as archive:
        names = archive.namelist()
        licences = archive.read("LICENSES.txt").decode()
        bill = json.loads(archive.read(bundle.BILL))
    native = (".so", ".pyd", ".dll", ".pyc", ".pyx", ".c")
    assert [name for name in names if name.endswith(native)] == []
    pinned = bundle.GATEWAY_PYZ.pinned()
    about = {bundle.normal(name.split("/")[1].split("-")[0]) for name in names if ".dist-info/" in name}
    assert about == pinned
    assert {one["name"] for one in bill["components"]} == {"json5", *pinned}
    licensed = {one["name"]: one["licenses"][0]["expression"] for one in bill["components"]}
    assert set(" AND ".join(licensed.values()).split(" AND ")) <= {
        *("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "PSF-2.0"),
    }
    for name in pinned:
        assert f"==== site-packages/{name}" in licences.lower().replace("_", "-"), name
    # aiohttp brings another project's licence in a folder of its own.
    assert "vendor/llhttp/LICENSE" in licences
    assert "GNU GENERAL PUBLIC" not in licences
    assert str(cache.ROOT) not in licences
    figure("size of marama-route.pyz", built.stat().st_size / 1000, "kB")


def test_the_same_sources_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    previous = os.umask(0o077)
    try:
        again = bundle.build(bundle.GATEWAY_PYZ, tmp_path / "deeper")
    finally:
        os.umask(previous)
    assert again.read_bytes() == built.read_bytes()
