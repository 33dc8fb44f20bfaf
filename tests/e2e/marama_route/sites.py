"""What the modules of this folder start: two backends, several workspaces, two tenants, and one gateway.

Each workspace has the capsule id of its name. `local` owns all but `lab`, which belongs to `quota`, a tenant
with one request a minute.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from foundation.secrets import Secret
from marama_route.core import keys
from tests.stand_in.model_backend import ModelBackend
from tests.support.asked import Answer
from tests.support.gateway import CAPSULE, POLICY, TENANT, Gateway, Workspace, chat, model, new_key

CODER, GENERAL, SECOND, DENIED, SLOW = (
    "lumynax/coder",
    "lumynax/general",
    "lumynax/second",
    "lumynax/denied",
    "lumynax/slow",
)
MODELS = [
    model(CODER, "first", tags=["code"], quality_rank=2),
    model(GENERAL, "first", tags=["general"], quality_rank=3),
    model(SECOND, "second", tags=["reasoning"], quality_rank=4, supports_json=False),
    model(DENIED, "first", tags=[], quality_rank=9),
    model(SLOW, "slow", tags=[], quality_rank=10, cost_rank=10),
]
HEADER = "X-AbteeX-Workspace-Capsule"


def workspace(
    name: str, *, tenant: str = TENANT, policy: dict[str, Any] | None = None, **fields: Any
) -> Workspace:
    """A workspace whose capsule is called `name`."""
    rules = {"tools": {"shell": "allow", "file_write": "approve", "publish": "deny"}, **(policy or {})}
    return Workspace({**CAPSULE, "capsule_id": name, **fields}, {**POLICY, "tenant": tenant, **rules})


@dataclass(frozen=True)
class Site:
    """The gateway and its backends. `quota` is the key of the tenant with one request a minute."""

    gateway: Gateway
    first: ModelBackend
    second: ModelBackend
    slow: ModelBackend
    quota: str

    @property
    def backends(self) -> tuple[ModelBackend, ...]:
        """All of them."""
        return self.first, self.second, self.slow

    @property
    def received(self) -> int:
        """How many requests they got together."""
        return sum(len(backend.requests) for backend in self.backends)

    def chat(self, text: str = "hi", **fields: Any) -> dict[str, Any]:
        """A chat payload with the word that is looked for at the end."""
        return chat(f"{text} {self.gateway.word}", **fields)

    def ask(self, payload: Any, path: str = "/v1/chat/completions", workspace: str = "shop") -> Answer:
        """Ask about a workspace."""
        return self.gateway.ask("POST", path, payload, headers={HEADER: workspace})


@contextmanager
def running(root: Path, first: ModelBackend, second: ModelBackend, slow: ModelBackend) -> Iterator[Site]:
    """The gateway, ready; at its end without a leak."""
    made = Gateway(
        root,
        backends={
            "first": {"base_url": first.base_url},
            "second": {"base_url": second.base_url},
            "slow": {"base_url": slow.base_url, "timeouts": {"first_byte": 1, "silence": 2}},
        },
        models=MODELS,
        workspaces={
            "shop": workspace(
                "shop", policy={"models": {"deny": [DENIED]}, "approvals": {"hold_seconds": 30}}
            ),
            "closed": workspace("closed", revoked=True),
            "lab": workspace("lab", tenant="quota"),
            "broken": workspace("broken"),
        },
        tools={"weather": "read"},
    )
    quota = _add_quota(made)
    with made.running():
        # From here on no decision about this workspace can be recorded.
        (made.workspaces["broken"] / ".sovereigncode" / "audit").write_text("no folder", encoding="utf-8")
        yield Site(made, first, second, slow, quota)


def _add_quota(made: Gateway) -> str:
    """The key of the tenant with one request a minute."""
    key, canary = new_key()
    made.canaries.append(canary)
    made.config["tenants"].append(
        {
            "id": "quota",
            "purpose": "software_engineering",
            "requests_per_minute": 1,
            "keys": [{"hash": keys.hash_of(Secret(key)), "role": "client"}],
        }
    )
    return key
