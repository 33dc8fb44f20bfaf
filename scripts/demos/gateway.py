"""The demo of the gateway: the real opencode in a governed project, an edit approved, a push rejected."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final, Iterator

from scripts.benchmarks.gateway.rig import free_ports
from scripts.building import bundle
from scripts.demos import gateway_model, showing
from scripts.demos.gateway_model import AFTER, BEFORE
from scripts.demos.showing import DemoError, step, throw_away
from scripts.demos.sovereigncode import PERSON
from scripts.lib import cache, opencode_versions
from tests.stand_in.model_backend import ModelBackend

_CODER, _GIANT = "lumynax/coder", "giant/abroad"
# opencode, on a machine that is busy with other work.
_BOUND: Final = 180
_PAUSE: Final = 0.2


class Site:
    """A project with a place to push to, in a home of its own; both programs, and the gateway."""

    def __init__(self, root: Path, opencode: Path, tools: Path, ports: list[int]) -> None:
        self.root, self.project, self.home, self._bin = (
            root,
            root / "shop",
            root / "home",
            root / "bin",
        )
        self.config = root / "config.yaml"
        self.port = ports[0]
        self.key = ""
        self._tools = tools
        for folder in (self.home, self._bin, self.project):
            folder.mkdir()
        (self._bin / "opencode").symlink_to(opencode)
        for tool in ("git", "node", "sh", "bash", "env", "uname"):
            found = shutil.which(tool)
            if found is not None:
                (self._bin / tool).symlink_to(found)
        self.programs = {
            one.program.name: bundle.build(one, root)
            for one in (bundle.SOVEREIGNCODE_PYZ, bundle.GATEWAY_PYZ)
        }
        for name, packed in self.programs.items():
            print(f"{name}.pyz has {packed.stat().st_size:,} bytes.")

    @property
    def environ(self) -> dict[str, str]:
        """The whole environment of everything that runs here."""
        own = {"HOME": str(self.home), "PATH": str(self._bin), "TERM": "xterm", "LANG": "C.UTF-8"}
        return {**own, "ABTEEX_MARAMA_API_KEY": self.key, "MARAMA_ROUTE_CONFIG": str(self.config)}

    def command(self, name: str, *arguments: str) -> list[str]:
        """One of our two programs."""
        return [sys.executable, str(self.programs[name]), *arguments]

    def run(self, name: str, *arguments: str, stdin: str = "", expected: int = 0, show: bool = True) -> str:
        """Run one of our programs, and show what it says."""
        done = self._started(self.command(name, *arguments), stdin)
        if show:
            print(f"\n$ {name} {' '.join(arguments)}", flush=True)
            print(done.stderr + done.stdout, end="", flush=True)
        if done.returncode != expected:
            raise DemoError(f"{name} {arguments} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def types(self, name: str, *arguments: str, answers: list[tuple[str, str]]) -> None:
        """Run one of our programs in a second terminal, where somebody answers."""
        print(f"\n$ {name} {' '.join(arguments)}     (in a second terminal)", flush=True)
        program, *words = self.command(name, *arguments)
        done = self._started(
            [str(self._tools), "-c", PERSON, program, json.dumps(words), json.dumps(answers)]
        )
        print(done.stdout.replace("\r\n", "\n") + done.stderr, end="", flush=True)
        if done.returncode != 0:
            raise DemoError(f"{name} {arguments} in a terminal ended with {done.returncode}")

    def git(self, *arguments: str) -> str:
        """Git in the project."""
        done = self._started([shutil.which("git") or "git", *arguments])
        if done.returncode != 0:
            raise DemoError(f"git {arguments}: {done.stderr}")
        return done.stdout

    def _started(self, command: list[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.project,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_BOUND,
        )

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """The gateway, until it is stopped; it has to end cleanly."""
        print("\n$ marama-route serve", flush=True)
        log = self.root / "serve.log"
        with log.open("wb") as file:
            child = subprocess.Popen(
                self.command("marama-route", "serve"),
                cwd=self.root,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        try:
            _until(
                lambda: _status(f"http://127.0.0.1:{self.port}/readyz") == HTTPStatus.OK, "the gateway", child
            )
            print(log.read_text(encoding="utf-8"), end="", flush=True)
            yield
        finally:
            child.send_signal(signal.SIGTERM)
            status = child.wait(60)
        if status != 0:
            raise DemoError(f"marama-route serve ended with {status}")

    @contextlib.contextmanager
    def asked(self, text: str) -> Iterator[subprocess.Popen[str]]:
        """A turn of opencode that goes on meanwhile."""
        print(f'\n$ opencode run "{text}"', flush=True)
        child = subprocess.Popen(
            [str(self._bin / "opencode"), "run", "--model", "abteex-marama/lumynax/code", text],
            cwd=self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
            child.wait(30)

    def waiting(self) -> dict[str, Any]:
        """The approval that somebody is asked for now."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            said = self.run("sovereigncode", "approvals", "list", "--json", show=False)
            found.extend(one for one in json.loads(said)["data"] if one["state"] == "pending")
            return bool(found)

        _until(there, "the approval", None)
        return found[0]


def show(arguments: list[str]) -> None:
    """The whole job; DemoError for what did not happen."""
    parser = showing.options("gateway", __doc__)
    showing.add_opencode(parser)
    options = parser.parse_args(arguments)
    tools = cache.python_environment(sys.executable, "test.txt")
    opencode = opencode_versions.executable(options.opencode)
    with throw_away("marama-route", keep=options.keep) as root:
        print("Everything below happens in a throw-away folder. Building both programs first.")
        with (
            ModelBackend(answerer=gateway_model.answer) as near,
            ModelBackend(answerer=gateway_model.answer) as abroad,
        ):
            _job(Site(root, opencode, tools, free_ports(1)), near, abroad)
    print("\nDone. opencode and both programs are real; the models are stand-ins with fixed answers.")


def _job(site: Site, near: ModelBackend, abroad: ModelBackend) -> None:
    step("A project with restricted data, and where it may be pushed to")
    _make_project(site)
    site.run(
        *("sovereigncode", "init", "--yes", "--sensitivity", "restricted", "--jurisdiction", "NZ"),
        *("--purpose", "software_engineering", "--tenant", "acme"),
    )
    _at_port(site)
    step("A gateway with two models: one on this machine, and a better one in the US only")
    _make_config(site, near, abroad)
    made = json.loads(site.run("marama-route", "key", "create", "--tenant", "acme", "--json", show=False))
    site.key = made["key"]
    print("\n$ marama-route key create --tenant acme     (the key is shown once, and not here)")
    site.run("marama-route", "check")
    with site.serving():
        site.run("marama-route", "models")
        step("opencode asks for a change; its model edits a file, and then wants to push")
        with site.asked("Set the price to 2, and push it.") as turn:
            _approve(site)
            _reject(site)
            text, _ = turn.communicate(timeout=_BOUND)
        print(f"\n(opencode, in the first terminal)\n{text.strip()}")
        _require(turn.returncode == 0, f"opencode ended with {turn.returncode}")
        _require((site.project / "price.py").read_text() == AFTER, "the approved edit was not made")
        _require(site.git("ls-remote", "origin") == "", "something was pushed")
        print("\nThe file is changed, and nothing was pushed.")
        step("The better model abroad, asked for by name")
        site.run("marama-route", "route", "--model", _GIANT, "Kia ora", expected=6)
        status, answer = _posted(
            site, {"model": _GIANT, "messages": [{"role": "user", "content": "Kia ora"}]}
        )
        print(f"\n(A chat with it, asked of the gateway)\n{status} {answer}")
        _require(status == HTTPStatus.FORBIDDEN, f"the gateway answered {status}")
        _require(not _chats(abroad), "the model abroad was asked")
        print(f"\nThe model here was asked {_chats(near)} times, the one abroad never.")
        step("What was decided, and whether the record holds")
        site.run("marama-route", "decisions")
        newest = json.loads(site.run("marama-route", "decisions", "--json", show=False))["decisions"]
        chosen = next(one for one in newest if one["selected_model"] == _CODER and one["approvals"])
        site.run("marama-route", "decisions", chosen["id"])
    site.run("sovereigncode", "audit", "show")
    site.run("sovereigncode", "audit", "verify")


def _make_project(site: Site) -> None:
    (site.project / "price.py").write_text(BEFORE)
    # `opencode run` has nobody whom it could ask: so init lets the gateway ask.
    allowed = dict.fromkeys(("edit", "bash", "webfetch"), "allow")
    (site.project / "opencode.json").write_text(json.dumps({"permission": allowed}, indent=2) + "\n")
    site.git("init", "--quiet", "--initial-branch", "main")
    site.git("init", "--quiet", "--bare", str(site.root / "origin.git"))
    site.git("remote", "add", "origin", str(site.root / "origin.git"))
    site.git("add", ".")
    site.git("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "-m", "A price")


def _at_port(site: Site) -> None:
    """Beside a gateway that this machine may have already."""
    file = site.project / "opencode.json"
    file.write_text(file.read_text().replace("127.0.0.1:8787", f"127.0.0.1:{site.port}"))


def _make_config(site: Site, near: ModelBackend, abroad: ModelBackend) -> None:
    common = {
        "context_tokens": 131072,
        "max_output_tokens": 32768,
        "modalities": ["text"],
        "tags": ["code"],
        "supports_tools": True,
        "supports_json": True,
    }
    here = {"residency": ["NZ"], "jurisdiction": "NZ", "sovereignty_tier": 3, "quality_rank": 3}
    there = {"residency": ["US"], "jurisdiction": "US", "sovereignty_tier": 0, "quality_rank": 1}
    config = {
        "version": 1,
        "listen": f"127.0.0.1:{site.port}",
        "store": "sqlite",
        "tenants": [{"id": "acme", "keys": [], "purpose": "software_engineering"}],
        "workspaces": [str(site.project)],
        "backends": {"near": {"base_url": near.base_url}, "abroad": {"base_url": abroad.base_url}},
        "models": [
            {"id": _CODER, "backend": "near", **common, **here},
            {"id": _GIANT, "backend": "abroad", **common, **there},
        ],
    }
    # JSON is YAML, too, but a key is added to a file of lines.
    text = "\n".join(f"{name}: {json.dumps(value)}" for name, value in config.items() if name != "tenants")
    tenants = "tenants:\n  - id: acme\n    purpose: software_engineering\n    keys: []\n"
    site.config.write_text(f"{text}\n{tenants}")
    site.config.chmod(0o600)


def _approve(site: Site) -> None:
    wanted = site.waiting()
    _require(wanted["class"] == "file_write", f"the first approval is about {wanted['class']}")
    _require((site.project / "price.py").read_text() == BEFORE, "the edit was made before its approval")
    site.types("sovereigncode", "approvals", "approve", wanted["id"], answers=[("Type yes", "yes")])


def _reject(site: Site) -> None:
    wanted = site.waiting()
    _require(wanted["class"] == "publish", f"the second approval is about {wanted['class']}")
    site.run("sovereigncode", "approvals", "reject", wanted["id"], "--note", "not on a Friday")


def _chats(backend: ModelBackend) -> int:
    return sum(one.method == "POST" for one in backend.requests)


def _require(happened: bool, otherwise: str) -> None:
    if not happened:
        raise DemoError(otherwise)


def _until(check: Any, what: str, child: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + _BOUND
    while not check():
        if time.monotonic() > deadline or (child is not None and child.poll() is not None):
            raise DemoError(f"{what} was not there")
        time.sleep(_PAUSE)


def _posted(site: Site, payload: dict[str, Any]) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {site.key}", "Content-Type": "application/json"}
    connection = HTTPConnection("127.0.0.1", site.port, timeout=_BOUND)
    with contextlib.closing(connection):
        connection.request("POST", "/v1/chat/completions", json.dumps(payload).encode(), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own, on loopback
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
