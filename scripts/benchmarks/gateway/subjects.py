"""What is measured: the runtime alone, nginx, LiteLLM, our pass-through, and the gateway in two forms.

Each has two addresses or models: one leads to the runtime that streams without a pause, the other to the one
that pauses between events.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Mapping, Sequence

from scripts.benchmarks import BenchmarkError
from scripts.benchmarks.gateway import rig
from scripts.building import bundle
from scripts.lib import cache

MODELS: Final = 98
LITELLM_KEY: Final = "sk-bench"
# The form of a key, with nothing secret in it.
OUR_KEY: Final = "mr_" + "benchmark-" * 4 + "key"
_LITELLM_WITHIN: Final = 120
# The first record makes a folder beside the rules: they are read for every request for two seconds after it.
_SETTLED: Final = 1.2


@dataclass(frozen=True)
class Subject:
    """A command that serves, and where and how it is asked."""

    name: str
    command: tuple[str, ...]
    port: int
    pausing_port: int
    model: str = "stub"
    pausing_model: str = "stub"
    header: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    within: float = 30
    warm_up: float = 0.3


def direct(ports: Sequence[int]) -> Subject:
    """The runtime alone."""
    return Subject("direct", (), ports[0], ports[1])


def nginx(folder: Path, ports: Sequence[int], runtime: Sequence[int]) -> Subject | str:
    """One worker, nothing buffered; or why there is none."""
    program = _nginx()
    if program is None:
        return "nginx is not installed, and cannot be fetched with apt-get download"
    servers = "".join(
        f"upstream u{mine} {{ server 127.0.0.1:{theirs}; keepalive 64; }}\n"
        f"server {{ listen 127.0.0.1:{mine}; location / {{ proxy_pass http://u{mine}; "
        'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; '
        "client_body_buffer_size 256k; }}\n"
        for mine, theirs in zip(ports, runtime)
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;\n"
        "events { worker_connections 1024; }\n"
        "http { access_log off; keepalive_requests 10000000; tcp_nodelay on;\n"
        + "".join(
            f"{name}_temp_path {folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + servers
        + "}\n"
    )
    command = (str(program), "-p", str(folder), "-c", str(folder / "nginx.conf"))
    return Subject("nginx", command, ports[0], ports[1])


def _nginx() -> Path | None:
    """nginx of this machine, else Debian's, unpacked into the cache without installing it."""
    found = shutil.which("nginx", path=os.defpath + ":/usr/sbin:" + os.environ.get("PATH", ""))
    if found is not None:
        return Path(found)
    target = cache.folder() / "nginx"
    if not target.is_dir() and shutil.which("apt-get") and shutil.which("dpkg"):
        with cache.exclusive(target), cache.building(target) as made:
            try:
                cache.run(["apt-get", "download", "nginx-light"], cwd=made, what="fetching nginx")
                (package,) = made.glob("*.deb")
                cache.run(["dpkg", "-x", str(package), str(made)], cwd=made, what="unpacking nginx")
            except cache.PreparationError:
                return None
    program = target / "usr" / "sbin" / "nginx"
    return program if program.is_file() else None


def litellm(folder: Path, port: int, runtime: Sequence[int]) -> Subject | str:
    """At its best: one worker, httptools and uvloop, no database, no retries; or why there is none."""
    try:
        python = cache.python_environment(sys.executable, "litellm.txt")
    except cache.PreparationError as error:
        return f"LiteLLM cannot be installed: {error}"
    models = [
        {
            "model_name": name,
            "litellm_params": {
                "model": "openai/stub",
                "api_base": f"http://127.0.0.1:{there}/v1",
                "api_key": "none",
            },
        }
        for name, there in zip(("stub", "pausing"), runtime)
    ]
    config = {
        "model_list": models,
        "litellm_settings": {"num_retries": 0, "drop_params": True, "set_verbose": False},
        "general_settings": {"master_key": LITELLM_KEY},
    }
    (folder / "litellm.yaml").write_text(json.dumps(config))
    command = [str(python.with_name("litellm")), "--config", str(folder / "litellm.yaml")]
    command += ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    # What its own documents advise for production; it would fetch a list of prices otherwise.
    environ = {
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "NO_PROXY": "127.0.0.1",
    }
    return Subject(
        "LiteLLM",
        tuple(command),
        port,
        port,
        pausing_model="pausing",
        header=f"Authorization: Bearer {LITELLM_KEY}",
        environ=environ,
        within=_LITELLM_WITHIN,
        warm_up=5,
    )


def fast_python() -> Path:
    """A Python with what the wheel's extra `fast` brings."""
    return cache.python_environment(sys.executable, "marama-route-fast.txt")


def passing(python: Sequence[str], name: str, ports: Sequence[int], runtime: Sequence[int]) -> Subject:
    """Our own pass-through; `python` says with which libraries."""
    pairs = [str(port) for pair in zip(ports, runtime) for port in pair]
    return Subject(name, (*python, str(rig.PARTS / "passing.py"), *pairs), ports[0], ports[1])


def pure_python(packed: Path) -> tuple[str, ...]:
    """A Python with the libraries of the .pyz."""
    start = f"import runpy, sys; sys.path.insert(0, {str(packed / 'site-packages')!r}); sys.argv.pop(0); "
    return (sys.executable, "-S", "-c", start + "runpy.run_path(sys.argv[0], run_name='__main__')")


def packed(folder: Path) -> Path:
    """The single file of the gateway, built now."""
    return bundle.build(bundle.GATEWAY_PYZ, folder)


def governed(name: str, start: Sequence[str], folder: Path, port: int, runtime: Sequence[int]) -> Subject:
    """The gateway as it is shipped: 98 models, a workspace with capsule and policy, everything on."""
    home, shop = folder / "home", folder / "shop"
    workspace = shop / ".sovereigncode"
    for made in (home, workspace):
        made.mkdir(parents=True)
    (workspace / "capsule.json").write_text(json.dumps(_CAPSULE))
    (workspace / "tenant-policy.yaml").write_text(_POLICY)
    digest = hashlib.sha256(OUR_KEY.encode()).hexdigest()
    models = [_model(number) for number in range(MODELS - 1)]
    models.append({**_model(MODELS), "id": "lumynax/pausing", "backend": "pausing"})
    config = {
        "version": 1,
        "listen": f"127.0.0.1:{port}",
        "store": "sqlite",
        "tenants": [
            {
                "id": "acme",
                "keys": [{"hash": f"sha256:{digest}", "role": "client"}],
                "purpose": "software_engineering",
                "requests_per_minute": 1_000_000,
            }
        ],
        "workspaces": [str(shop)],
        "backends": {
            name: {"base_url": f"http://127.0.0.1:{there}/v1"}
            for name, there in zip(("stub", "pausing"), runtime)
        },
        "models": models,
    }
    # JSON is YAML, too.
    (folder / "config.yaml").write_text(json.dumps(config))
    return Subject(
        name,
        (*start, "serve", "--config", str(folder / "config.yaml")),
        port,
        port,
        model="lumynax/auto",
        pausing_model="lumynax/pausing",
        header=f"Authorization: Bearer {OUR_KEY}",
        environ={"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "PYTHONPATH": str(cache.ROOT)},
        warm_up=_SETTLED,
    )


_CAPSULE: Final = {
    "capsule_id": "shop",
    "subject_id": "acme",
    "jurisdiction": "NZ",
    "sensitivity": "restricted",
    "allowed_purposes": ["software_engineering"],
}
_POLICY: Final = """\
version: 1
tenant: acme
purposes: {allowed: [software_engineering], default: software_engineering}
residency: [NZ]
models: {allow: ["lumynax/*"]}
"""


def _model(number: int) -> dict[str, object]:
    """Different in everything that is judged or scored."""
    return {
        "id": f"lumynax/model-{number:02}",
        "backend": "stub",
        "upstream_model": "stub",
        "license": "apache-2.0",
        "modalities": ["text"],
        "context_tokens": 131072,
        "max_output_tokens": 32768,
        "residency": ["NZ"] if number % 3 else ["US"],
        "jurisdiction": "NZ",
        "sovereignty_tier": 3 if number % 3 else 0,
        "tags": ["code"] if number % 2 else ["general"],
        "supports_tools": True,
        "supports_json": number % 5 != 0,
        "quality_rank": 1 + number % 10,
        "cost_rank": 1 + number % 7,
        "active_params_b": 1 + number % 30,
    }


def require_ready(subject: Subject | str) -> Subject:
    """The subject; BenchmarkError with the reason if there is none."""
    if isinstance(subject, str):
        raise BenchmarkError(subject)
    return subject
