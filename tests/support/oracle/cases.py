"""What the oracle matrix puts where: a case is made from its number alone."""

from __future__ import annotations

import random
from typing import Any

from gonkagate_setup.choice import Scope
from tests.support.configs import PROVIDER, UPSTREAM
from tests.support.machine import Machine
from tests.support.oracle.machine import LAYOUTS, OTHER, OTHER_REFERENCE, OWN, REFERENCE, SELECTED, Case, Put

Value = tuple[tuple[str, ...], Any]
# Plain text may also stand there as a reference to a file or a variable.
_THROUGH = ("", "", "", "", "file", "env")


def values(machine: Machine) -> tuple[Value, ...]:
    """What somebody might put somewhere: harmful, harmless and identical values."""
    model = (*OWN, "models", SELECTED)
    address = machine.stand_in.address
    right = PROVIDER["options"]["baseURL"]
    return (
        (("model",), OTHER_REFERENCE),
        (("model",), "nowhere/nothing"),
        (("model",), REFERENCE),
        (("model",), f"{REFERENCE}#high"),
        (("model",), f"{OTHER_REFERENCE}#high"),
        (("small_model",), OTHER_REFERENCE),
        (("small_model",), REFERENCE),
        (("enabled_providers",), ["openai"]),
        (("enabled_providers",), ["openai", "gonkagate"]),
        (("enabled_providers",), []),
        (("disabled_providers",), ["gonkagate"]),
        (("disabled_providers",), ["openai"]),
        ((*OWN, "options", "apiKey"), "gp-somebody-elses"),
        ((*OWN, "options", "baseURL"), f"{address}/v1"),
        ((*OWN, "options", "baseURL"), f"{address}/v1".replace("://", "://me:pass@")),
        ((*OWN, "options", "baseURL"), right),
        ((*OWN, "options", "baseURL"), right.replace("://", "://me:pass@")),
        ((*OWN, "options", "headers"), {"x-put": "1"}),
        ((*OWN, "options", "headers", "Authorization"), "Bearer gp-somebody-elses"),
        ((*OWN, "npm"), "@ai-sdk/openai"),
        ((*OWN, "whitelist"), [OTHER]),
        ((*OWN, "whitelist"), [SELECTED]),
        ((*OWN, "blacklist"), [SELECTED]),
        ((*model, "id"), "somebody/elses"),
        ((*model, "id"), UPSTREAM[SELECTED]),
        ((*model, "status"), "deprecated"),
        ((*OWN, "models", "mine"), {"id": "my/own"}),
        ((*OWN, "models", "mine", "name"), "Mine"),
        *_of_agents(),
        (("agent", "plan", "model"), "openai/gpt"),
        (("agent", "plan", "disable"), True),
        (("mode", "build", "model"), REFERENCE),
        (("default_agent",), "plan"),
        (("default_agent",), "nobody"),
    )


def _of_agents() -> tuple[Value, ...]:
    """What may also stand in the Markdown file of the agent that opencode starts with."""
    return (
        (("agent", "build", "model"), OTHER_REFERENCE),
        (("agent", "build", "model"), "nowhere/nothing"),
        (("agent", "build", "model"), REFERENCE),
        (("agent", "build", "disable"), True),
    )


def _of_users() -> tuple[Value, ...]:
    """Users' own additions that opencode does not know, or that go on in another of their files."""
    return (
        ((*OWN, "zzz"), {"x": 1}),
        ((*OWN, "options", "zzz"), {"x": 1}),
        ((*OWN, "models", "mine", "zzz"), {"x": {"y": 1}}),
        ((*OWN, "models", "mine", "limit"), {"context": 4000, "output": 400}),
        ((*OWN, "models", SELECTED, "zzz"), 1),
    )


def generate(machine: Machine, seed: int) -> Case:
    """The case of that number: up to three places, one or two values in each."""
    chance = random.Random(seed)
    case = Case(machine, chance.choice(LAYOUTS), chance.choice(list(Scope)), [])
    for where in chance.sample([*case.paths, "inline"], chance.randint(1, 3)):
        pool = _of_agents() if where.endswith("agent") else values(machine)
        if where.startswith("user") and not where.endswith("agent"):
            pool += _of_users()
        for key, value in chance.sample(pool, chance.choice((1, 1, 2))):
            through = chance.choice(_THROUGH) if isinstance(value, str) else ""
            if not any(
                put.where == where and put.key[: len(key)] == key[: len(put.key)] for put in case.puts
            ):
                case.puts.append(Put(where, key, value, "" if where.endswith("agent") else through))
    return case
