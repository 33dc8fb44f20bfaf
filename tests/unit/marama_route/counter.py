"""marama-route run in this process, in a home of its own, with a configuration."""

from __future__ import annotations

from pathlib import Path

from marama_route import cli
from tests.unit.sovereigncode.folders import Desk

HASH = "sha256:" + "0a" * 32
OTHER = "sha256:" + "0b" * 32
CONFIG = f"""\
version: 1
tenants:
  - id: acme   # us
    purpose: code_review
    keys:
      - {{hash: "{HASH}", role: client}}   # ada's laptop
workspaces: [~/../project]
backends:
  here: {{base_url: "http://127.0.0.1:9/v1"}}
  us: {{base_url: "https://us.example/v1"}}
models:
  - {{id: lumynax/coder, backend: here, residency: [NZ], context_tokens: 100000, sovereignty_tier: 3,
     tags: [code], supports_tools: true, quality_rank: 2, cost_rank: 1}}
  - {{id: small, backend: here, residency: [NZ], context_tokens: 2, sovereignty_tier: 3}}
  - {{id: far, backend: us, residency: [US], context_tokens: 100000, quality_rank: 0}}
"""


class Counter(Desk):
    """A home, a project, and marama-route started in the project."""

    main = staticmethod(cli.main)

    @property
    def config(self) -> Path:
        """The configuration in the user's config folder (Linux)."""
        return self.home / ".config" / "marama-route" / "config.yaml"

    def configure(self, text: str = CONFIG) -> None:
        """Write the configuration."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text)
        self.config.chmod(0o600)
