"""The command line as data: one parser a verb. Help and the documentation come from here."""

from __future__ import annotations

from typing import Final

from foundation.terminal import verbs
from foundation.terminal.verbs import CommandLine, Parser
from sovereigncode.core.words import Sensitivity, words

PROGRAM: Final = "sovereigncode"
VERBS: Final = {
    "init": "make this folder a workspace: capsule, tenant policy, and the provider in opencode's config",
    "check": "say everything that is wrong with this workspace, with file, line and column",
    "evaluate": "decide one request, and record the decision",
    "approvals": "list, show and decide what waits for a person's yes or no",
    "audit": "check, show and export the records",
}
APPROVALS: Final = {
    "list": "every approval, newest first",
    "show": "one approval, with its diff",
    "approve": "say yes to one, in a terminal",
    "reject": "say no to one",
    "watch": "show new ones as they come, and ask",
}
AUDIT: Final = {
    "verify": "check that the chain of records holds",
    "show": "show records",
    "export": "write records as CSV or JSON",
}


def parser() -> Parser:
    """The whole command line. Options that every verb has may come before or after it."""
    top = verbs.program(PROGRAM, "Decide, approve and record what an agent may do with a workspace.")
    made = verbs.add_verbs(top, "command", "COMMAND", VERBS)
    _init(made["init"])
    made["evaluate"].add_argument(
        "file", nargs="?", default="-", metavar="FILE|-", help="the request as JSON"
    )
    _approvals(made["approvals"])
    _audit(made["audit"])
    return top


COMMAND_LINE: Final = CommandLine(parser, VERBS)


def _init(parser_: Parser) -> None:
    parser_.add_argument(
        "--sensitivity", choices=words(Sensitivity), metavar="S", help="how the data is treated"
    )
    parser_.add_argument("--jurisdiction", metavar="J", help="the region whose law counts, for example NZ")
    parser_.add_argument(
        "--purpose",
        action="append",
        metavar="P",
        help="what requests may be for; may be given more than once",
    )
    parser_.add_argument("--tenant", metavar="T", help="whose policy this is")
    parser_.add_argument(
        "--key-file", metavar="F", help="opencode reads its key for the gateway from this file"
    )
    parser_.add_argument(
        "--yes", action="store_true", help="accept the recommended answers and do not ask for confirmation"
    )


def _approvals(parser_: Parser) -> None:
    made = verbs.add_verbs(parser_, "action", "ACTION", APPROVALS)
    for action in ("show", "approve", "reject"):
        made[action].add_argument("id", metavar="ID", help="the approval's id, or its beginning")
    for action in ("approve", "reject"):
        made[action].add_argument("--note", metavar="TEXT", help="a sentence that is kept with the answer")
    made["list"].add_argument("--state", metavar="STATE", help="only those in this state")


def _audit(parser_: Parser) -> None:
    made = verbs.add_verbs(parser_, "action", "ACTION", AUDIT)
    _records(made["show"])
    _records(made["export"])
    made["export"].add_argument(
        "--format", choices=("csv", "json"), default="csv", help="csv (default) or json"
    )
    made["export"].add_argument("--output", metavar="FILE", help="write to a new file instead of stdout")


def _records(parser_: Parser) -> None:
    for name in ("kind", "decision", "actor", "model"):
        parser_.add_argument(f"--{name}", metavar=name.upper(), help=f"only records with this {name}")
    parser_.add_argument(
        "--since", metavar="TIME", help="only records from this time on, for example 2026-11-27"
    )
    parser_.add_argument("--limit", metavar="N", type=int, help="only the newest N")
