"""A gateway that decides nothing: our own pass-through, made of the same server and client as the product.

    python passing.py PORT UPSTREAM_PORT PAUSING_PORT PAUSING_UPSTREAM_PORT

It answers on PORT with what UPSTREAM_PORT says, byte for byte, and likewise on the other two.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp
from aiohttp import web


async def serve(*ports: int) -> None:
    """Until it is ended."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        for port, upstream in zip(ports[::2], ports[1::2]):
            application = web.Application(client_max_size=1 << 24)
            application.router.add_post("/v1/chat/completions", _handler(session, upstream))
            runner = web.AppRunner(application, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


def _handler(session: aiohttp.ClientSession, upstream: int) -> Any:
    address = f"http://127.0.0.1:{upstream}/v1/chat/completions"
    headers = {"Content-Type": "application/json"}

    async def passed(request: web.Request) -> web.StreamResponse:
        async with session.post(address, data=await request.read(), headers=headers) as answer:
            kind = answer.headers["Content-Type"]
            if not kind.startswith("text/event-stream"):
                body = await answer.read()
                return web.Response(status=answer.status, body=body, headers={"Content-Type": kind})
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": kind})
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    return passed


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
