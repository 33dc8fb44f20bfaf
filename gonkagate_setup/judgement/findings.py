"""A finding: one fact that the judgement established, with its place and the fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Mapping

from foundation.errors import Where

BLOCKER: Final = "blocker"
NOTICE: Final = "notice"
DURABLE: Final = "durable"
SESSION: Final = "session"

# Every code with what it says; docs/troubleshooting.md has an entry for each.
CODES: Final[Mapping[str, str]] = {
    "model_overridden": "another layer sets a different model or small_model",
    "model_not_set": "no layer sets the model or small_model",
    "provider_overridden": "another layer changes a value of the provider's catalogue",
    "provider_incomplete": "a value of the provider's catalogue is missing",
    "provider_extended": "the provider has a setting that is not in the catalogue",
    "provider_not_enabled": "an allow list leaves the provider out",
    "provider_disabled": "a deny list names the provider",
    "provider_not_offered": "opencode does not offer the provider or the model",
    "model_hidden": "a whitelist, blacklist or status hides the selected model",
    "agent_model_overridden": "the agent that opencode starts with uses another model",
    "agent_unusable": "the agent that opencode should start with does not exist or cannot be used",
    "agent_model": "another agent or a command uses a model of its own",
    "key_binding_missing": "the user's config does not set the key to the key file",
    "key_binding_replaced": "the user's config sets the key to something else",
    "key_defined_elsewhere": "a layer other than the user's sets the key",
    "key_reference_elsewhere": "the reference to the key file appears in another place as well",
    "key_file_unusable": "the key file contains no usable key",
    "key_file_unprotected": "others may be able to read the key file",
    "key_in_work_tree": "the key file is inside a git work tree that does not ignore it",
    "key_in_committed_file": "a file that git would commit contains a key",
    "config_writable_by_others": "another user can change a config, and so choose where the key is sent",
    "repository_not_trusted": "git does not use this repository, so opencode ignores it",
    "key_variable_referenced": "a config refers to the variable that contains the key during setup",
    "key_stands_twice": "a key that setup writes appears more than once in a config; only the last counts",
    "config_unreadable": "a config cannot be read or parsed",
    "opencode_refused": "opencode does not resolve its config",
    "opencode_models_unknown": "opencode did not list the models that it offers",
    "plugins_change_config": "plugins change the config when opencode runs",
    "plugins_configured": "plugins can change the config and the key when opencode runs",
    "plugins_unproved": "the config with plugins could not be resolved",
    "opencode_not_on_path": "the shell does not find opencode",
    "opencode_second": "another opencode is on the PATH",
    "opencode_not_audited": "this opencode is newer than the newest one that was audited",
    "config_folder_moved": "XDG_CONFIG_HOME, or whatever starts opencode, moves opencode's config",
    "stored_credential": "opencode's own credential store has an entry for the provider",
    "config_written_in_place": "a config is written in place, because it cannot be replaced",
    "config_has_other_names": "a config has other names, which keep the old content",
    "interrupted_setup_left": "a config that was changed after a setup was interrupted was not put back",
    "opencode_edits_config": "opencode itself will add $schema to a config",
    "uninstall_kept": "a setting of the provider that this program did not write is kept",
    "uninstall_elsewhere": "the provider is still named in a place that this program does not edit",
    "uninstall_key_needed": "the key file is kept, because a config still refers to it",
}


# What makes two findings the same for a reader: code, place and key.
FindingId = tuple[str, "str | None", "str | None"]


@dataclass(frozen=True)
class Finding:
    """One fact.

    A "blocker" stops success, a "notice" does not; `reach` says in which environments it is true:
    "durable" for every shell, "session" for the current one only.

    `layer` is a name from `places`; `where` the file or variable, with line and column, None if it is not
    known; `key` is dotted, `keys` the same as a path, if one value is meant. `message` says what it means
    for the user, `next_step` is the exact edit or command. Neither contains a secret.
    """

    code: str
    severity: str
    layer: str
    message: str
    next_step: str
    reach: str = DURABLE
    where: Where | None = None
    key: str | None = None
    keys: tuple[str, ...] = ()

    @property
    def path(self) -> str | None:
        """The file or variable."""
        return None if self.where is None else self.where.name

    @property
    def line(self) -> int | None:
        """1-based."""
        return None if self.where is None else self.where.line

    @property
    def column(self) -> int | None:
        """1-based."""
        return None if self.where is None else self.where.column

    @property
    def id(self) -> FindingId:
        """What it is about, regardless of its line in the file."""
        return (self.code, self.path, self.key)

    @property
    def blocks(self) -> bool:
        """Whether it stops success."""
        return self.severity == BLOCKER
