"""Validates catalogue models end to end with the real opencode, and writes the proof.

    python3 scripts/validate_model.py KEY ...|--all [--opencode VERSION ...]
    python3 scripts/validate_model.py KEY --live --yes      the real service; needs GONKAGATE_API_KEY

Without --live a scripted stand-in answers: such a proof shows that the product's config and opencode work
together, and proves nothing about the model. Each kind has its own folder under validation/. A proof is
written if every workflow succeeded. Needs Python 3.9 or newer on Linux, macOS or WSL, git and npm; gets
everything else into .cache. Exit status: 0 if all succeeded, 1 if one did not, 2 for a wrong command line or
key.
"""

from __future__ import annotations

import argparse
import datetime
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from foundation.errors import Refusal
from foundation.secrets import Secret
from gonkagate_setup.catalog import GONKAGATE, Model
from scripts.lib import cache, opencode_versions
from scripts.validating.names import WORKFLOW_NAMES

if TYPE_CHECKING:
    from scripts.validating.outcome import Outcome
    from scripts.validating.relay import Budget

DEFAULT_VERSIONS: Final = (opencode_versions.SUPPORTED[0], opencode_versions.SUPPORTED[-1])
SECONDS_PER_WORKFLOW: Final = 300.0
# For one model with one opencode. Against the stand-in all workflows together make 20 requests.
LIVE_REQUESTS: Final = 60
LIVE_TOKENS: Final = 1_000_000
_UNUSABLE: Final = 2


def main(arguments: list[str]) -> int:
    """Validate what was asked for."""
    parser = _parser()
    options = parser.parse_args(arguments)
    known = {model.key: model for model in GONKAGATE.models}
    unknown = [key for key in options.key if key not in known]
    if unknown or bool(options.key) == options.all:
        parser.error(f"name one or more of {', '.join(known)}, or --all")
    if sys.platform == "win32":
        parser.error("the interactive session needs a pseudo-terminal: use Linux, macOS or WSL")
    key = _live_key(options)
    try:
        python = cache.python_environment(sys.executable, "test.txt")
        if Path(sys.executable) != python:
            return subprocess.call([str(python), __file__, *arguments])
        if key is not None:
            _state_limit(options)
        models = list(known.values()) if options.all else [known[name] for name in options.key]
        failed = [
            f"{model.key} with opencode {version}"
            for version in options.opencode
            for model in models
            if not _validate(model, version, key, options)
        ]
    except cache.PreparationError as error:
        print(f"validate_model: {error}", file=sys.stderr)
        return 1
    print(f"\nNot valid: {', '.join(failed)}" if failed else "\nEvery workflow succeeded.")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "key", nargs="*", metavar="KEY", help="a model of the catalogue, candidate or validated"
    )
    parser.add_argument("--all", action="store_true", help="every model of the catalogue")
    parser.add_argument(
        "--opencode",
        nargs="+",
        default=DEFAULT_VERSIONS,
        metavar="VERSION",
        help=f"default: {' '.join(DEFAULT_VERSIONS)}",
    )
    parser.add_argument(
        "--workflow",
        nargs="+",
        choices=WORKFLOW_NAMES,
        default=WORKFLOW_NAMES,
        metavar="NAME",
        help=f"only these, and write no proof; any of {', '.join(WORKFLOW_NAMES)}",
    )
    parser.add_argument("--folder", type=Path, default=cache.ROOT / "validation", help="where proofs go")
    parser.add_argument("--live", action="store_true", help="ask the real service, which costs money")
    parser.add_argument("--yes", action="store_true", help="agree to the spending limit that --live prints")
    return parser


def _live_key(options: argparse.Namespace) -> Secret | None:
    """The key for a live run, None for the stand-in. Ends the program without consent or a usable key."""
    if not options.live:
        return None
    if not options.yes:
        _state_limit(options)
        print("validate_model: run this command again with --yes to agree", file=sys.stderr)
        sys.exit(_UNUSABLE)
    from gonkagate_setup.credential import parse_key

    try:
        return parse_key(os.environ.get(GONKAGATE.key_variable, ""), GONKAGATE)
    except Refusal as error:
        print(f"validate_model: {GONKAGATE.key_variable}: {error.message}", file=sys.stderr)
        sys.exit(_UNUSABLE)


def _state_limit(options: argparse.Namespace) -> None:
    count = (len(GONKAGATE.models) if options.all else len(options.key)) * len(options.opencode)
    print(
        f"This asks the real service, {GONKAGATE.base_url}, and costs money.\n"
        f"The limit for each of {count} runs: {LIVE_REQUESTS} requests, and no new request after\n"
        f"{LIVE_TOKENS:,} tokens as the service counts them. Requests beyond it are not forwarded.",
        flush=True,
    )


def _validate(model: Model, version: str, key: Secret | None, options: argparse.Namespace) -> bool:
    from scripts.validating import judging, proofs
    from scripts.validating.relay import Budget

    mode = proofs.Mode.STAND_IN if key is None else proofs.Mode.LIVE
    print(f"\n## {model.key}, opencode {version}, {mode.value}", flush=True)
    opencode = opencode_versions.executable(version)
    budget = Budget(LIVE_REQUESTS, LIVE_TOKENS)
    live = None if key is None else (key, budget)
    outcomes = judging.judge(GONKAGATE, model, opencode, SECONDS_PER_WORKFLOW, options.workflow, say, live)
    if key is not None:
        _say_spent(budget)
    held = all(outcome.held for outcome in outcomes)
    if held and set(options.workflow) == set(WORKFLOW_NAMES):
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        value = proofs.proof(GONKAGATE, model, mode, version, today, outcomes)
        print(f"   proof: {_short(proofs.write(options.folder, value))}")
    return held


def say(outcome: Outcome) -> None:
    """Print how one workflow ended."""
    if outcome.held:
        print(f"   held    {outcome.workflow:<16} {_brief(outcome.evidence)}", flush=True)
        return
    print(f"   FAILED  {outcome.workflow}\n           expected: {outcome.expected}", flush=True)
    print(textwrap.indent(f"seen: {outcome.seen}", "           "), flush=True)


def _brief(evidence: Any) -> str:
    return ", ".join(f"{name}: {value}" for name, value in evidence.items() if "igest" not in name)


def _say_spent(budget: Budget) -> None:
    print(f"   spent: {budget.spent_requests} requests, {budget.spent_tokens:,} tokens")


def _short(path: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(cache.ROOT)) if cache.ROOT in path.parents else str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
