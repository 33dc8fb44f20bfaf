"""serve: the gateway, until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from foundation.host import Host
from foundation.program import Report
from foundation.terminal.terminal import Terminal
from marama_route import config_file, places
from marama_route.commands.serve import starting
from marama_route.commands.serve.life import Life
from marama_route.core.errors import Exit
from marama_route.observing.lines import Lines


def run(arguments: argparse.Namespace, host: Host, terminal: Terminal) -> Report:
    """Serve until SIGTERM or SIGINT. Raises Refusal if the gateway may not or cannot begin."""
    path = places.config_file(host, arguments.config)
    config = config_file.load(path)
    options = starting.Options(
        path=path,
        folders=tuple(arguments.workspace or ()),
        listen=starting.address(arguments.listen),
        behind_tls=arguments.behind_tls,
    )
    starting.require_allowed(config, options)
    # What aiohttp and asyncio log about a fault may quote a request.
    logging.disable(logging.CRITICAL)
    lines = Lines(sys.stderr, host.now)
    try:
        asyncio.run(Life(options, config, host, lines, terminal.say).live())
    finally:
        lines.close()
    return Report("serve", Exit.DONE, "the gateway has ended, and every decision has its outcome")
