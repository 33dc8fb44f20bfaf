"""The command line as data: one parser a verb. Help and the documentation come from here."""

from __future__ import annotations

from typing import Final

from foundation.terminal import verbs
from foundation.terminal.verbs import CommandLine, Parser
from marama_route import places
from marama_route.core.keys import Role
from sovereigncode.core.words import words

PROGRAM: Final = "marama-route"
VERBS: Final = {
    "init": "write a starting configuration from what runs on this machine, and make two keys",
    "check": "say everything that is wrong with the configuration and with what it names",
    "serve": "run the gateway until it is stopped",
    "models": "list aliases and models, and whether their backends answer",
    "route": "decide which model a text would go to, and why not the others; nothing is run",
    "decisions": "list stored decisions, newest first, or show one",
    "key": "make and revoke keys",
}
KEY: Final = {
    "create": "make a key, show it once, and add its hash to the configuration",
    "revoke": "remove a key from the configuration by its hash",
}
_MOST_DECISIONS: Final = 20


def parser() -> Parser:
    """The whole command line. Options that every verb has may come before or after it."""
    top = verbs.program(PROGRAM, "One address in front of every model, that knows why and can say no.")
    made = verbs.add_verbs(top, "command", "COMMAND", VERBS)
    for name in ("init", "check", "serve", "models", "route", "decisions"):
        _config(made[name])
    _init(made["init"])
    _serve(made["serve"])
    for name in ("check", "models"):
        made[name].add_argument("--offline", action="store_true", help="do not ask the backends")
    _route(made["route"])
    _decisions(made["decisions"])
    _key(made["key"])
    return top


COMMAND_LINE: Final = CommandLine(parser, VERBS)


def _config(parser_: Parser) -> None:
    parser_.add_argument(
        "--config",
        metavar="FILE",
        help=f"the configuration; without it {places.VARIABLE}, or {places.FOLDER}/{places.CONFIG} in your "
        "config folder",
    )


def _init(parser_: Parser) -> None:
    parser_.add_argument(
        "--jurisdiction", metavar="J", help="the region in which this machine is, for example NZ"
    )
    parser_.add_argument("--tenant", metavar="T", help="what this organisation is called in decisions")
    parser_.add_argument(
        "--workspace",
        action="append",
        metavar="DIR",
        help="a folder with a capsule; may be given more than once",
    )
    parser_.add_argument(
        "--yes", action="store_true", help="accept the recommended answers and do not ask for confirmation"
    )


def _serve(parser_: Parser) -> None:
    parser_.add_argument(
        "--workspace",
        action="append",
        metavar="DIR",
        help="one more folder with a capsule; may be given more than once",
    )
    parser_.add_argument(
        "--listen", metavar="H:P", help="host and port, instead of those of the configuration"
    )
    parser_.add_argument(
        "--behind-tls",
        action="store_true",
        help="something in front ends TLS, so other addresses than loopback are allowed",
    )


def _route(parser_: Parser) -> None:
    parser_.add_argument("--model", metavar="M", help="a model's id or an alias")
    parser_.add_argument("--tenant", metavar="T", help="whose request it is, if there are several tenants")
    parser_.add_argument(
        "text", nargs="?", default="-", metavar="TEXT|-", help="what would be asked; - reads standard input"
    )


def _decisions(parser_: Parser) -> None:
    parser_.add_argument("--tenant", metavar="T", help="only those of this tenant")
    parser_.add_argument(
        "--limit", metavar="N", type=int, default=_MOST_DECISIONS, help=f"at most N ({_MOST_DECISIONS})"
    )
    parser_.add_argument("id", nargs="?", metavar="ID", help="show this decision with all its reasons")


def _key(parser_: Parser) -> None:
    made = verbs.add_verbs(parser_, "action", "ACTION", KEY)
    for action in made.values():
        _config(action)
    made["create"].add_argument(
        "--role",
        choices=words(Role),
        default=Role.CLIENT.value,
        metavar="|".join(words(Role)),
        help="a client asks models, an approver also decides about tool calls",
    )
    made["create"].add_argument("--tenant", metavar="T", help="whose key it is, if there are several tenants")
    made["revoke"].add_argument(
        "hash", metavar="HASH", help="the hash in the configuration, or its beginning"
    )
