"""The stand-in for a chat service as a process: `python -m tests.stand_in.chat`.

It prints one line of JSON with its base URL, and ends with the process that started it, or after some time.
The key is in CHAT_STAND_IN_KEY, or a fixed one.
"""

from __future__ import annotations

import argparse
import os
import sys

from tests.stand_in.chat.process import KEY_VARIABLE, serve
from tests.stand_in.chat.service import KEY, MODELS, ChatStandIn


def main(arguments: list[str]) -> int:
    """Serve until the end; exit status 0."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.stand_in.chat",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--after", type=float, default=0.0, metavar="SECONDS", help="answer after this time")
    parser.add_argument("--model", action="append", help="a model that is listed; default: fugu, fugu-ultra")
    parser.add_argument(
        "--orders", action="store_true", help="take orders on standard input, see process.py, and end with it"
    )
    parser.add_argument(
        "--seconds", type=float, default=600.0, help="end after this time; default: %(default)s"
    )
    options = parser.parse_args(arguments)
    key = os.environ.get(KEY_VARIABLE) or KEY
    with ChatStandIn(key=key, models=options.model or MODELS, port=options.port) as service:
        if options.after:
            service.answer(after=options.after)
        serve(service, sys.stdin if options.orders else None, sys.stdout, options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
