"""The keys of a resolved config that are judged.

`output.answer_of` forgets every other key of what opencode prints, so a key that is judged anywhere has to be
here: else a preview, which is made of the files, sees it and the proof does not.
"""

from __future__ import annotations

from typing import Final

Path = tuple[str, ...]

# The models that opencode starts with.
ACTIVATION: Final = ("model", "small_model")
ACTIVATION_PATHS: Final = tuple((name,) for name in ACTIVATION)
# Lists of providers: opencode offers only those in the first, and none of those in the second.
PROVIDER_LISTS: Final = ("enabled_providers", "disabled_providers")
# The same for the models of a provider, and the key that hides a single model.
MODEL_LISTS: Final = ("whitelist", "blacklist")
MODEL_STATUS: Final = "status"
# Top-level keys with a text or a list of names.
SETTINGS: Final = (*ACTIVATION, *PROVIDER_LISTS, "default_agent")
# Objects with one entry per name, and the judged keys of an entry.
ENTRIES: Final = ("agent", "command")
ENTRY_KEYS: Final = ("model", "mode", "disable", "hidden")
# Every judged top-level key; of `provider` only the provider that is asked about.
JUDGED_KEYS: Final = (*SETTINGS, "plugin", *ENTRIES, "provider")


def key_path(provider: str) -> Path:
    """Where the provider's key is."""
    return ("provider", provider, "options", "apiKey")
