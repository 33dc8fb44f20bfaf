"""Where the key comes from: read from the raw text of the layers, because resolved output proves nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Iterator, Sequence

from gonkagate_setup.catalog import Profile
from gonkagate_setup.judgement.findings import BLOCKER, NOTICE
from opencode_config.judged_keys import key_path
from opencode_config.layers import MISSING, Layer
from opencode_config.places import USER


@dataclass(frozen=True)
class KeyFact:
    """A fact about the key's binding: a finding code, its severity, and the layer (None if it is in none)."""

    code: str
    severity: str
    layer: Layer | None
    effect: str


def key_facts(profile: Profile, layers: Sequence[Layer]) -> Iterator[KeyFact]:
    """What the layers, low to high, say about the key, which only the user layer may set, to one text."""
    path = key_path(profile.id)
    bound = False
    for layer in reversed(layers):
        if layer.get(path) is MISSING:
            continue
        if layer.layer != USER:
            yield KeyFact(
                "key_defined_elsewhere",
                BLOCKER,
                layer,
                "the key is set here, but only your own config may set it",
            )
        elif not canonical(profile, layer):
            yield KeyFact(
                "key_binding_replaced",
                NOTICE if bound else BLOCKER,
                layer,
                "this is another key, but a higher file of your config overrides it"
                if bound
                else f"the key is not set to {profile.key_binding} here",
            )
            bound = True
        else:
            bound = True
    if not bound:
        yield KeyFact(
            "key_binding_missing",
            BLOCKER,
            None,
            f"your config does not set the key to {profile.key_binding}",
        )


def canonical(profile: Profile, layer: Layer) -> bool:
    """Whether the layer's text contains the binding literally: opencode replaces text, not values."""
    node = layer.document.find(key_path(profile.id)) if layer.document is not None else None
    return node is not None and node.raw == json.dumps(profile.key_binding)
