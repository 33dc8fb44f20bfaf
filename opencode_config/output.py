"""What opencode prints of a resolved config: masked values, and the judged part as an Answer."""

from __future__ import annotations

import re
from typing import Any, Final, Mapping

from opencode_config.evidence import Answer
from opencode_config.judged_keys import ENTRIES, ENTRY_KEYS, JUDGED_KEYS, key_path

# What opencode prints instead of secrets from 1.18.33 on: in headers, under secret-looking names, and for
# addresses with a password or a secret-looking query in them.
MASK: Final = "***"
_MASKED: Final = r"(?i)api.?key|secret|password|token$|authorization$|cookie$|credential|private.?key"


def masked_name(name: str) -> bool:
    """Whether opencode prints MASK for any text under a key of that name."""
    return re.search(_MASKED, name) is not None


def answer_of(config: Mapping[str, Any], provider: str) -> Answer:
    """The part of a resolved config that is judged, without the key; everything else is dropped."""
    import hashlib

    kept = {name: config[name] for name in JUDGED_KEYS if name in config}
    for name in ENTRIES:
        entries = kept.pop(name, None)
        if isinstance(entries, dict):
            kept[name] = {
                key: {word: entry[word] for word in ENTRY_KEYS if word in entry}
                for key, entry in entries.items()
                if isinstance(entry, dict)
            }
    providers = kept.pop("provider", None)
    own = providers.get(provider) if isinstance(providers, dict) else None
    key = None
    if isinstance(own, dict):
        _, _, group, name = key_path(provider)
        if isinstance(own.get(group), dict):
            key = own[group].pop(name, None)
        kept["provider"] = {provider: own}
    digest = (
        hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest() if isinstance(key, str) else None
    )
    return Answer(kept, key=digest)
