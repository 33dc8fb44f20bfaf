"""What the modules of this folder start: three servers of models, workspaces, two tenants, and a gateway.

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

CODER, GENERAL, SECOND, DENIED = "lumynax/coder", "lumynax/general", "lumynax/second", "lumynax/denied"
MODELS = [
    model(CODER, "first", tags=["code"], quality_rank=2),
    model(GENERAL, "first", tags=["general"], quality_rank=3),
    model(SECOND, "second", tags=["reasoning"], quality_rank=4, supports_json=False),
    model(DENIED, "first", tags=[], quality_rank=9),
]
# A backend that failed is left out for a while, so each test of a failure takes backends of its own: three
# models, the first by the server `first`, and so on.
TRIALS = 60
PLACES = ("first", "second", "third")
LIMITS = {"first_byte": 1, "silence": 2}
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
    third: ModelBackend
    quota: str
    _trials: Iterator[int]

    @property
    def backends(self) -> tuple[ModelBackend, ...]:
        """All of them."""
        return self.first, self.second, self.third

    def trial(self) -> tuple[dict[str, Any], str]:
        """Hints that leave three models of which none has failed yet, and the name of the first of them."""
        number = next(self._trials)
        return {"license_allowlist": [f"trial-{number}"]}, f"trial/{number}/first"

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
def running(root: Path, first: ModelBackend, second: ModelBackend, third: ModelBackend) -> Iterator[Site]:
    """The gateway before three servers, ready; at its end without a leak."""
    servers = zip(PLACES, (first, second, third), strict=True)
    addresses = {place: {"base_url": server.base_url} for place, server in servers}
    trials = {
        f"trial-{number}-{place}": {**addresses[place], "timeouts": LIMITS}
        for number in range(TRIALS)
        for place in PLACES
    }
    made = Gateway(
        root,
        backends={**addresses, **trials},
        models=[*MODELS, *_trial_models()],
        workspaces={
            "shop": workspace(
                "shop", policy={"models": {"deny": [DENIED]}, "approvals": {"hold_seconds": 0}}
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
        folder = made.workspaces["broken"] / ".sovereigncode" / "audit"
        folder.rename(folder.with_name("earlier"))
        folder.write_text("no folder", encoding="utf-8")
        yield Site(made, first, second, third, quota, iter(range(TRIALS)))


def _trial_models() -> list[dict[str, Any]]:
    return [
        model(
            f"trial/{number}/{place}",
            f"trial-{number}-{place}",
            license=f"trial-{number}",
            tags=[],
            quality_rank=10,
            cost_rank=cost,
        )
        for number in range(TRIALS)
        for cost, place in enumerate(PLACES, start=8)
    ]


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
