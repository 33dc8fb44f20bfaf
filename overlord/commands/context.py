"""What a command has: the machine, the settings, the terminal, and the runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from foundation.errors import Refusal, Where
from foundation.host import Host
from foundation.secrets import MASK, Secret
from foundation.secrets.encoded import find_known, replace_known
from foundation.terminal.terminal import Terminal
from overlord import host_shell
from overlord.command_line import Arguments
from overlord.core.json_values import Json
from overlord.core.readiness import Rules
from overlord.core.registry import public
from overlord.settings import BASE_URL, MODEL, ULTRA_MODEL, Settings
from overlord.storage.changes import Changes
from overlord.storage.home import state_folder
from overlord.storage.run_store import RunStore
from overlord.storage.runs import VARIABLE, Runs
from overlord.ui.progress import Progress
from overlord.work.recovery import settle_what_is_dead
from overlord.worktree import worktree_of

if TYPE_CHECKING:
    from overlord.service.client import ChatClient

_DEBUG_BYTES: Final = 2048


@dataclass(frozen=True)
class Context:
    """The world of one command."""

    host: Host
    settings: Settings
    terminal: Terminal
    changes: Changes
    debug: bool = False

    @property
    def shell(self) -> str:
        """The shell that the program was started from."""
        return self.settings.shell

    @cached_property
    def home(self) -> Path:
        """The folder for the state; Refusal state_unusable."""
        return state_folder(self.host, self.settings)

    @cached_property
    def runs(self) -> Runs:
        """All runs."""
        return Runs(self.home, self.host, self.changes, settle_what_is_dead)

    @cached_property
    def worktree(self) -> Path:
        """The worktree that the command is about."""
        return worktree_of(self.host.cwd)

    def key(self) -> Secret:
        """The key; Refusal key_missing, key_invalid."""
        return self.settings.key()

    def rules(self) -> Rules:
        """What readiness is measured against now."""
        settings = self.settings
        return Rules(settings.lease_ms, self.host.now(), settings.model, settings.ultra_model)

    def client(self, base_url: str, key: Secret) -> ChatClient:
        """The service; Refusal proxy_unusable, certificate_untrusted for variables that cannot be used."""
        from overlord.service.client import ChatClient

        settings = self.settings
        client = ChatClient(
            base_url, key, settings.secrets, self.host.environ, settings.timeout, self.host.now
        )
        client.check_variables()
        return client

    def progress(self) -> Progress:
        """Where it is shown how servants are doing."""
        terminal = self.terminal
        return Progress(terminal.append, on_terminal=terminal.notes_on_screen)

    def say(self, text: str) -> None:
        """A note on standard error."""
        self.terminal.say(text)

    def show_debug(self, body: bytes) -> None:
        """With --debug, the beginning of what the service said, on standard error."""
        if self.debug and body:
            # Masked before it is cut, so that no part of a key is left at the end.
            text = replace_known(body.decode("utf-8", "replace"), self.settings.secrets, MASK)
            shown = text.encode("utf-8", "replace")[:_DEBUG_BYTES].decode("utf-8", "ignore")
            self.terminal.debug(f"the service said: {shown}")

    def selected(self, arguments: Arguments) -> RunStore:
        """The run that the command is about; Refusal no_run, run_ambiguous, state_unusable."""
        named = arguments.value("--run")
        if named is None:
            named = self.host.environ.get(VARIABLE, "").strip() or None
        return self.runs.select(arguments.verb, named, self.worktree)

    def opened(self, arguments: Arguments) -> tuple[RunStore, Json]:
        """The run that the command is about, and its registry, with what dead commands left settled."""
        store = self.selected(arguments)
        return store, settle_what_is_dead(store)

    def view(self, registry: Json) -> Json:
        """The run as reports show it."""
        return public(registry, self.rules())

    def require_no_key_in(self, text: str, what: str) -> None:
        """Refuse a text that holds a key, in whatever form; Refusal message_holds_key."""
        if find_known(text, self.settings.secrets):
            raise Refusal(
                "message_holds_key",
                f"the {what} holds the key; it was neither stored nor sent",
                next_step="take the key out of it, then run this command again",
            )

    def require_same_service(self, registry: Json) -> None:
        """Refuse another service than the run was started with; Refusal provider_changed."""
        if self.settings.names_base_url and self.settings.base_url() != registry["baseUrl"]:
            self._refuse_provider(BASE_URL, "names another service than the run was started with")

    def require_same_provider(self, registry: Json, slots: list[str]) -> None:
        """Refuse settings that differ from what the run was started with; Refusal provider_changed."""
        self.require_same_service(registry)
        settings = self.settings
        for variable, named, role in (
            (MODEL, settings.model, "normal"),
            (ULTRA_MODEL, settings.ultra_model, "ultra"),
        ):
            of_role = [servant for servant in registry["servants"] if servant["role"] == role]
            asked = [servant for servant in of_role if servant["id"] in slots]
            same = [servant["model"] == named for servant in asked or of_role]
            if named is not None and same and not (all(same) if asked else any(same)):
                self._refuse_provider(variable, "names another model than the run was started with")

    def _refuse_provider(self, variable: str, what: str) -> None:
        raise Refusal(
            "provider_changed",
            f"this variable {what}",
            where=Where(variable),
            next_step=f"{host_shell.unsetting(self.shell, variable)}   (or start a new run with: "
            "mmi-cli overlord start --new)",
        )
