"""The published original of MaramaRoute, asked to route, in an environment of its own.

Runs there as a script, isolated, because its package has the same name as ours. Standard input is
`{"cases": [{"models": [...], "payload": {...}}]}`; standard output is what it decides about each, and the
registry that it ships.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer the questions on standard input."""
    # mypy looks at our own package of this name.
    import marama_route
    from marama_route import platform, registry  # type: ignore[attr-defined]

    def decided(case: dict[str, Any]) -> dict[str, Any]:
        models = tuple(registry.ModelEndpoint.from_payload(model) for model in case["models"])
        decision = platform.route_or_chat_payload(case["payload"], models)["route_decision"]
        selected = decision["selected_model"]
        return {
            "selected": selected and selected["model_id"],
            "fallbacks": [model["model_id"] for model in decision["fallback_models"]],
            "rejected": {one["model_id"]: one["reason"] for one in decision["rejected"]},
            "scores": decision["scores"],
        }

    shipped = Path(str(marama_route.__file__)).parent / "configs" / "lumynax_model_registry.json"
    answers = {
        "version": version("lumynax-marama-route"),
        "registry": json.loads(shipped.read_text(encoding="utf-8"))["models"],
        "decisions": [decided(case) for case in json.load(sys.stdin)["cases"]],
    }
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
