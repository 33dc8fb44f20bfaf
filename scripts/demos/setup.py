"""Shows the main job on a fresh machine: set GonkaGate up, then run plain opencode.

NAME is pyz, native, nuitka, wheel or sdist, as scripts/build.py put it into dist/; PATH is any such file. A
wheel or an sdist is installed into its own environment.

A scripted stand-in on this machine answers as api.gonkagate.com: the demo shows the wiring, not a model.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Final, Mapping

from scripts.building import native, pyz
from scripts.building.stage import SETUP, version
from scripts.demos import showing
from scripts.demos.showing import DemoError, say, short, step, throw_away
from scripts.lib import cache, installing, opencode_versions

if TYPE_CHECKING:
    from tests.stand_in import Request
    from tests.support.machine import Finished, Machine

_TASK: Final = "WRITE hello.txt: This file was written by opencode on GonkaGate."
_EXPECTED: Final = "This file was written by opencode on GonkaGate.\n"
_CONFIG_BEFORE: Final = """\
{
  "$schema": "https://opencode.ai/config.json",
  // your own line, which is kept as it is
  "autoupdate": false
}
"""


_NAMES: Final[Mapping[str, Callable[[], str]]] = {
    "pyz": lambda: pyz.name(SETUP),
    "native": native.name,
    "nuitka": lambda: native.name("-nuitka"),
    "wheel": lambda: f"gonkagate_setup-{version(SETUP)}-py3-none-any.whl",
    "sdist": lambda: f"gonkagate_setup-{version(SETUP)}.tar.gz",
}
# What is shown must come from the artefact alone.
_NO_CHECKOUT: Final = {"PYTHONPATH": ""}


def show(arguments: list[str]) -> None:
    """Show it; DemoError for what did not happen."""
    parser = showing.options("setup", __doc__)
    parser.add_argument("--artifact", metavar="NAME|PATH", help="use this one instead of building one")
    showing.add_opencode(parser)
    _show(parser.parse_args(arguments))


def _show(options: argparse.Namespace) -> None:
    from tests.stand_in import HOST, Authority, StandIn
    from tests.support.machine import Machine

    print("Everything below happens in a throw-away folder; your own home is not touched.")
    step("Getting a real opencode from the npm registry")
    opencode = opencode_versions.executable(options.opencode)
    print(f"   opencode {options.opencode} is in {short(opencode.parents[2])}")
    artefact = _artefact(options.artifact)
    with throw_away("gonkagate-setup", keep=options.keep) as root:
        program = _program(artefact, root / "installed")
        (root / "authority").mkdir()
        with StandIn(Authority(root / "authority", HOST)) as service:
            machine = Machine(root / "machine", service, opencode)
            machine.python = program
            print(f"   {short(artefact)} says: {_version(machine)}")
            _set_up(machine)
            _use(machine)
            _received(machine)
            _check_leaks(machine)
    print(
        "\nDone. The answers came from a scripted stand-in for the service on this machine: it shows that\n"
        "setup, opencode, key and model are wired together. It says nothing about a model."
    )


def _artefact(wanted: str | None) -> Path:
    if wanted is None:
        step("Building gonkagate-setup.pyz")
        cache.run([sys.executable, "scripts/build.py", "pyz"], cwd=cache.ROOT, what="building the .pyz")
    name = _NAMES.get(wanted or "pyz")
    found = Path(wanted or "") if name is None else cache.ROOT / "dist" / name()
    if not found.is_file():
        raise DemoError(f"there is no file {found}")
    return found.resolve()


def _program(artefact: Path, folder: Path) -> list[str]:
    if artefact.suffix == ".pyz":
        return [sys.executable, str(artefact)]
    if artefact.name.endswith((".whl", ".tar.gz")):
        step(f"Installing {artefact.name} into its own environment")
        return [str(installing.install(artefact, folder))]
    return [str(artefact)]


def _version(machine: Machine) -> str:
    done = machine.run_setup("--version", env=_NO_CHECKOUT)
    _expect(done, "--version")
    return done.stdout.strip()


def _set_up(machine: Machine) -> None:
    step("Setting up GonkaGate in a home that already has an opencode config")
    machine.config_folder.mkdir(parents=True)
    machine.user_config.write_text(_CONFIG_BEFORE, encoding="utf-8")
    before = machine.tree(machine.home)
    print("   $ gonkagate-setup --scope user --yes --api-key-stdin      (the key is piped in)")
    done = machine.run_setup(
        "--scope", "user", "--yes", "--api-key-stdin", stdin=machine.key + "\n", env=_NO_CHECKOUT
    )
    _expect(done, "the setup")
    say((done.stderr + done.stdout).replace(str(machine.home), "~"))
    print("\n   Files that it wrote:")
    ours = (machine.user_config, machine.key_file, machine.state_file)
    after = machine.tree(machine.home)
    for path in ours:
        if path == machine.key_file:
            shown = "(the key, in this one file only; not shown here)"
        else:
            shown = path.read_text(encoding="utf-8")
        mode = after[str(path)][0]
        news = "changed" if str(path) in before else "new"
        print(f"\n   ~/{path.relative_to(machine.home).as_posix()}   {mode}, {news}")
        print(textwrap.indent(shown.rstrip(), "      "))


def _use(machine: Machine) -> None:
    step("Running plain opencode, as you would")
    print(f'   $ opencode run "{_TASK}"')
    done = machine.opencode("run", _TASK)
    _expect(done, "opencode run")
    say(done.stdout)
    written = machine.project / "hello.txt"
    if not written.is_file() or written.read_text(encoding="utf-8") != _EXPECTED:
        raise DemoError("opencode run did not write hello.txt as asked")
    print(f"\n   hello.txt, written by opencode: {_EXPECTED.strip()}")


def _received(machine: Machine) -> None:
    step("What the service received")
    requests = machine.stand_in.requests
    for request in requests:
        print(f"   {request.method} https://{request.host}{request.path}   {_describe(request)}")
    chunks = ", ".join(map(str, machine.stand_in.streamed))
    print(f"   Each answer was streamed, in {chunks} chunks.")
    if {request.key for request in requests} != {machine.key}:
        raise DemoError("a request came without the right key")
    refused = [request.status for request in requests if request.status != HTTPStatus.OK]
    if refused:
        raise DemoError(f"the service refused requests, with status {refused}")


def _describe(request: Request) -> str:
    key = request.key or ""
    purpose = "the session title" if request.is_title else "the task"
    tools = sum(message.get("role") == "tool" for message in request.json.get("messages", []))
    if tools:
        purpose = "the task, with the tool's result"
    return f"key {key[:3]}*** ({len(key)} characters), model {request.json.get('model')}, for {purpose}"


def _check_leaks(machine: Machine) -> None:
    found = machine.leaks()
    if found:
        raise DemoError("the key is where it must not be: " + "; ".join(found))
    print("\n   The key was looked for in every file of this home and in everything that was printed:")
    print("   it is in its own file and nowhere else.")


def _expect(done: Finished, what: str) -> None:
    if done.status != 0:
        raise DemoError(f"{what} ended with status {done.status}\n{textwrap.indent(done.stderr, '   ')}")
