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
# Lists of providers: only those of the first are offered, those of the second are not.
PROVIDER_LISTS: Final = ("enabled_providers", "disabled_providers")
# Lists of model keys on a provider, alike, and what hides a single model there.
MODEL_LISTS: Final = ("whitelist", "blacklist")
MODEL_STATUS: Final = "status"
# Texts and lists of names at the top of a config.
SETTINGS: Final = (*ACTIVATION, *PROVIDER_LISTS, "default_agent")
# Objects with one entry a name, and what is judged of each entry.
ENTRIES: Final = ("agent", "command")
ENTRY_KEYS: Final = ("model", "mode", "disable", "hidden")
# Every judged key at the top; of `provider` the one that is asked about.
JUDGED_KEYS: Final = (*SETTINGS, "plugin", *ENTRIES, "provider")


def key_path(provider: str) -> Path:
    """Where the provider's key is."""
    return ("provider", provider, "options", "apiKey")
