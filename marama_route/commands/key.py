"""key: a key made and shown once, or revoked by its hash; the configuration keeps the hash only."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Callable, Final, NoReturn

from foundation.errors import Refusal, Where
from foundation.host import Host
from foundation.program import Report
from marama_route import config_edit, config_file, places
from marama_route.commands import new_keys, tenants
from marama_route.core import keys
from marama_route.core.config import Config
from marama_route.core.errors import Exit
from marama_route.core.keys import Key, Role

_PREFIX: Final = "sha256:"
_BEGINNING: Final = re.compile(r"sha256:[0-9a-f]{6,64}")
_RELOAD: Final = "next: a gateway that runs reads it after `kill -HUP`, or when it is started again"


def run(arguments: argparse.Namespace, host: Host) -> Report:
    """Make or revoke a key. Raises Refusal, and then the configuration is as it was."""
    if arguments.action is None:
        raise Refusal(
            "usage_error",
            "key needs an action",
            next_step="use `key create` or `key revoke HASH`; see: marama-route key --help",
        )
    path = places.config_file(host, arguments.config)
    if arguments.action == "create":
        return _create(arguments, path, host)
    return _revoke(_beginning(arguments.hash), path, host)


def _create(arguments: argparse.Namespace, path: Path, host: Host) -> Report:
    tenant = tenants.chosen(config_file.load(path), arguments.tenant).id
    made = new_keys.new()
    key = Key(keys.hash_of(made), Role(arguments.role))
    config_file.edit(path, host, _adding(path, tenant, key))
    text = "\n".join(
        [
            f"{made.reveal()}",
            f"This {key.role.value} key of the tenant {tenant} is shown only now.",
            f"{path} has its hash: {key.hash}",
            _RELOAD,
        ]
    )
    details = {
        "key": made.reveal(),
        "hash": key.hash,
        "role": key.role.value,
        "tenant": tenant,
        "file": str(path),
    }
    return Report("key create", Exit.DONE, f"the {key.role.value} key was made", text, details)


def _adding(path: Path, tenant: str, key: Key) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        try:
            return config_edit.with_key(data, tenant, key)
        except (KeyError, config_edit.NotEditableError):
            _refuse(path, f"add to the keys of {tenant}, by hand: {config_edit.entry(key)}")

    return change


def _revoke(beginning: str, path: Path, host: Host) -> Report:
    hash_ = _meant(beginning, config_file.load(path), path)

    def change(data: bytes) -> bytes:
        try:
            return config_edit.without_key(data, hash_)
        except (KeyError, config_edit.NotEditableError):
            _refuse(path, f"remove the entry with {hash_} by hand")

    config_file.edit(path, host, change)
    text = f"The key with the hash {hash_} is no longer in {path}.\n{_RELOAD}"
    return Report("key revoke", Exit.DONE, "the key was revoked", text, {"hash": hash_, "file": str(path)})


def _beginning(named: str) -> str:
    """A hash, or its beginning. What was typed is not repeated: it could be a key."""
    beginning = _PREFIX + named.removeprefix(_PREFIX).lower()
    if not _BEGINNING.fullmatch(beginning):
        raise Refusal(
            "usage_error",
            "HASH is not a hash: at least its first 6 hex digits are needed",
            next_step="name the hash in the configuration, never the key itself",
        )
    return beginning


def _meant(beginning: str, config: Config, path: Path) -> str:
    """The one hash that begins like this."""
    found = [key.hash for key, _ in config.keys if key.hash.startswith(beginning)]
    if len(found) != 1:
        count = "no key" if not found else f"{len(found)} keys"
        raise Refusal(
            "key_unknown",
            f"{count} of the configuration begin{'s' if not found else ''} like this",
            where=Where(str(path)),
            next_step="name the whole hash as it is in the file",
        )
    return found[0]


def _refuse(path: Path, next_step: str) -> NoReturn:
    raise Refusal(
        "config_not_editable",
        "this file has a form in which keys cannot be changed without changing more; nothing was written",
        where=Where(str(path)),
        next_step=next_step,
    ) from None
