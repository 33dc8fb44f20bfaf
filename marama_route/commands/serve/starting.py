"""The options of serve, whether they allow it to start, and what it prints when it has. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from foundation.errors import Refusal, Where
from marama_route.core import addresses
from marama_route.core.addresses import Listen
from marama_route.core.config import Config
from marama_route.workspaces.folder import Reading


@dataclass(frozen=True)
class Options:
    """The command line: the configuration's file, more folders, and another address."""

    path: Path
    folders: tuple[str, ...] = ()
    listen: Listen | None = None
    behind_tls: bool = False

    def address(self, config: Config) -> Listen:
        """Where to listen."""
        return self.listen or config.listen

    def private(self, config: Config) -> bool:
        """Whether only this machine reaches the gateway: with TLS in front, others do."""
        return self.address(config).loopback and not self.behind_tls


def address(text: str | None) -> Listen | None:
    """What `--listen` names. Refusal usage_error."""
    if text is None:
        return None
    found = addresses.listen(text)
    if found is None:
        raise Refusal(
            "usage_error",
            "--listen needs a host and a port",
            next_step="use for example --listen 127.0.0.1:8787",
        )
    return found


def require_allowed(config: Config, options: Options) -> None:
    """Refusal listen_refused for an address that others reach without TLS, key_missing without any key."""
    listen = options.address(config)
    if not listen.loopback and not options.behind_tls:
        raise Refusal(
            "listen_refused",
            f"{listen.host} can be reached by other machines, and the gateway itself does not speak TLS",
            where=Where(str(options.path)),
            next_step="listen on 127.0.0.1, or put TLS in front and say so with --behind-tls",
        )
    if not config.keys:
        raise Refusal(
            "key_missing",
            "the configuration has no key, so nobody could use the gateway",
            where=Where(str(options.path)),
            next_step="make one with: marama-route key create",
        )


def begun(config: Config, readings: Sequence[Reading], host: str, port: int) -> str:
    """What is said on standard error: the address, the workspaces, the models."""
    shown = f"[{host}]" if ":" in host else host
    lines = [f"marama-route listens on http://{shown}:{port}/v1"]
    for reading in readings:
        faults = [str(fault.message) for fault in reading.workspace.faults]
        state = f"denies everything: {'; '.join(faults)}" if faults else f"capsule {reading.capsule_id}"
        lines.append(f"workspace {reading.folder.root}: {state}")
    if not readings:
        lines.append("no workspace is configured, so everything is denied")
    models = [f"{model.id} ({model.backend})" for model in config.registry.models.values()]
    lines.append(f"models: {', '.join(models) or 'none, so no request can be answered'}")
    return "\n".join(lines)
