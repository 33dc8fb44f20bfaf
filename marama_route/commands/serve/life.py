"""The gateway's life: begin, read the configuration again at SIGHUP, end at SIGTERM with every outcome."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from contextlib import AsyncExitStack, suppress
from typing import Any, Callable, Final, Mapping, NoReturn

from foundation.errors import Refusal, Where
from foundation.host import Host
from marama_route import config_file
from marama_route.backends.client import Backends
from marama_route.commands import stores
from marama_route.commands.serve.starting import Options, begun, require_allowed
from marama_route.core.config import Config
from marama_route.deciding.callers import Callers
from marama_route.deciding.records import Records
from marama_route.deciding.setup import Setup
from marama_route.http.gateway import Gateway
from marama_route.http.server import Serving
from marama_route.observing.lines import Lines
from marama_route.observing.metrics import Metrics
from marama_route.workspaces.choosing import Chosen
from marama_route.workspaces.folder import Folder
from marama_route.workspaces.workspaces import Workspaces
from sovereigncode.audit.record import Entry
from sovereigncode.content import Verdicts

# Open streams have so long once the gateway is being stopped.
GRACE_SECONDS: Final = 30.0
_HOUSEKEEPING_SECONDS: Final = 60.0
_VERDICT_KEY_BYTES: Final = 32


class Life:
    """One run of the gateway."""

    def __init__(
        self, options: Options, config: Config, host: Host, lines: Lines, say: Callable[[str], None]
    ) -> None:
        self._options = options
        self._config = config
        self._host = host
        self._lines = lines
        self._say = say
        self._reload = asyncio.Event()

    async def live(self) -> None:
        """From the first record to the last. Raises Refusal if it cannot begin."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._fault)
        async with AsyncExitStack() as stack:
            store = stores.opened(self._config, self._host)
            stack.push_async_callback(store.close)
            records = Records(store)
            stack.push_async_callback(records.close)
            backends = await stack.enter_async_context(Backends(self._config.backends, self._host))
            gateway = Gateway(
                host=self._host,
                store=store,
                records=records,
                verdicts=Verdicts(secrets.token_bytes(_VERDICT_KEY_BYTES)),
                metrics=Metrics(),
                lines=self._lines,
                setup=self._setup(self._config, backends, None),
                backends=backends,
                private=self._options.private(self._config),
            )
            self._listen_for_signals(gateway.stop)
            await store.interrupted()
            await self._record_config(gateway)
            serving = Serving(gateway)
            host, port = await self._begin(serving)
            readings = [folder.read() for folder in gateway.setup.workspaces.folders]
            self._say(begun(self._config, readings, host, port))
            tasks = [loop.create_task(self._reloading(gateway)), loop.create_task(self._tidying(gateway))]
            await gateway.stop.wait()
            for task in tasks:
                task.cancel()
            await serving.stop(GRACE_SECONDS)
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self, serving: Serving) -> tuple[str, int]:
        listen = self._options.address(self._config)
        try:
            return await serving.start(listen.host, listen.port)
        except OSError as problem:
            _cannot_listen(listen.host, listen.port, problem)

    def _setup(self, config: Config, backends: Backends, before: Setup | None) -> Setup:
        return Setup(
            config=config,
            callers=Callers(config, time.monotonic, None if before is None else before.callers.allowances),
            workspaces=Workspaces.of(
                [*config.workspaces, *self._options.folders],
                self._host,
                None if before is None else before.workspaces,
            ),
            backends=backends.as_configured(),
        )

    def _listen_for_signals(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        for name, react in (("SIGTERM", stop.set), ("SIGINT", stop.set), ("SIGHUP", self._reload.set)):
            number = getattr(signal, name, None)
            if number is not None:
                _on_signal(loop, number, react)

    def _fault(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        """What nobody waited for went wrong; its text could quote a request."""
        del loop
        fault = context.get("exception")
        if not isinstance(fault, ConnectionError):
            self._lines.write("internal_error", {"type": type(fault).__name__})

    async def _reloading(self, gateway: Gateway) -> None:
        while True:
            await self._reload.wait()
            self._reload.clear()
            await self._read_again(gateway)

    async def _read_again(self, gateway: Gateway) -> None:
        """The file again; what is wrong with it changes nothing and is logged."""
        try:
            found = await asyncio.to_thread(config_file.read, self._options.path)
            config = found.required()
            require_allowed(config, self._options)
            gateway.backends.configure(config.backends)
        except Refusal as refusal:
            where = None if refusal.where is None else str(refusal.where)
            self._lines.write(
                "configuration_refused",
                {"code": refusal.kind, "message": refusal.message, "where": where},
            )
            return
        gateway.setup = self._setup(config, gateway.backends, gateway.setup)
        self._lines.write(
            "configuration_read",
            {
                "config_hash": config.hash,
                "needs_restart": [
                    name
                    for name, differs in (
                        ("listen", config.listen != self._config.listen and self._options.listen is None),
                        ("store", config.store != self._config.store),
                    )
                    if differs
                ],
            },
        )
        await self._record_config(gateway)

    async def _record_config(self, gateway: Gateway) -> None:
        """The configuration's hash in every chain; a chain that cannot be written stops no other."""
        setup = gateway.setup
        chains = [
            (gateway.records.chain(Chosen(reading.rules, reading), tenant.id), tenant.id)
            for tenant in setup.config.tenants
            for reading in setup.workspaces.of_tenant(tenant.id)
        ]
        chains += [(gateway.store.audit(tenant.id), tenant.id) for tenant in setup.config.tenants]
        seen: dict[Any, str] = {}
        for chain, tenant in chains:
            seen.setdefault(chain, tenant)

        async def record(chain: Any, tenant: str) -> None:
            entry = Entry(
                kind="config",
                decision="read",
                tenant=tenant,
                actor="gateway",
                action="config",
                request_hash=setup.config.hash,
            )
            try:
                await gateway.records.append(chain, [entry])
            except Refusal as refusal:
                self._lines.write(
                    "configuration_not_recorded", {"tenant": tenant, "message": refusal.message}
                )

        await asyncio.gather(*(record(chain, tenant) for chain, tenant in seen.items()))

    async def _tidying(self, gateway: Gateway) -> None:
        """Now and then: decisions past their time are removed, approvals past theirs are marked."""
        while True:
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)
            with suppress(Refusal):
                await gateway.store.expire()
            for folder in gateway.setup.workspaces.folders:
                with suppress(Refusal):
                    await asyncio.to_thread(_expire, folder)


def _on_signal(loop: asyncio.AbstractEventLoop, number: int, react: Callable[[], None]) -> None:
    if sys.platform != "win32":
        loop.add_signal_handler(number, react)
        return
    # The loops of Windows have no signal handlers (docs.python.org, asyncio: "Platform Support").
    signal.signal(number, lambda *_: loop.call_soon_threadsafe(react))


def _expire(folder: Folder) -> None:
    # Looking must not make the folder of approvals.
    if folder.approvals.folder.exists():
        folder.approvals.expire()


def _why(problem: OSError) -> str:
    # asyncio puts the address and a sentence of its own into `strerror`.
    return type(problem).__name__ if problem.errno is None else os.strerror(problem.errno).lower()


def _cannot_listen(host: str, port: int, problem: OSError) -> NoReturn:
    raise Refusal(
        "listen_refused",
        f"nothing can listen on {host}:{port} ({_why(problem)})",
        where=Where(f"{host}:{port}"),
        next_step="end the program that uses this address, or choose another one with --listen",
    ) from None
