"""What opencode resolves for a case of the oracle matrix, merged by hand from what was put where.

Nothing of the product is used. The matrix holds it to the real opencode, case by case.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from tests.support.oracle.machine import ORDER, Case

MASK = "***"
# From 1.18.28 on a model loses its #variant; 1.18.33 masks keys, headers and addresses with a password.
_NEWEST = "1.18.33"


def resolved_by_hand(case: Case, shell: str, version: str = _NEWEST) -> dict[str, Any]:
    """The resolved config, in what the judgement is about."""
    return _as_printed(_merged(case, shell), version)


def resolved_from_files(case: Case, shell: str) -> dict[str, Any]:
    """The same from the case's files as they are by now, after a program has edited them."""
    result: dict[str, Any] = {"agent": {}}
    seen = {put.where for put in case.seen_in(shell)}
    ours = {case.activated_in: case.project_root / "opencode.json", "ours": case.machine.user_config}
    for where in ORDER:
        path = ours.get(where) or case.paths.get(where)
        # What another environment reads, and what is not in any layer, is left out; inline text is no file.
        if where == "inline" and where in seen:
            _merge(result, case.value_of("inline"))
        if path is None or not path.exists() or (where not in seen and where in _ELSEWHERE):
            continue
        text = path.read_text()
        _merge(result, _agent(text) if path.suffix == ".md" else json.loads(_filled(case, text)))
    _merge(result["agent"], result.get("mode", {}))
    return _as_printed(result, _NEWEST)


# Places that only some environments read.
_ELSEWHERE = ("custom", "directory json", "directory jsonc", "directory agent")


def _filled(case: Case, text: str) -> str:
    for put in case.puts:
        if put.through:
            text = text.replace(put.written(case.referred), str(put.value))
    return text


def _agent(text: str) -> dict[str, Any]:
    values = dict(line.split(": ", 1) for line in text.split("---")[1].strip().splitlines())
    values.pop("description")
    return {"agent": {"build": {key: True if value == "true" else value for key, value in values.items()}}}


def _as_printed(result: dict[str, Any], version: str) -> dict[str, Any]:
    own = result["provider"]["gonkagate"]
    for part in (own, *own["models"].values()):
        part.pop("zzz", None)  # opencode drops what it does not know
    if version == _NEWEST:
        if "model" in result:
            result["model"] = result["model"].partition("#")[0]
        options = own["options"]
        options["apiKey"] = MASK
        if "headers" in options:
            options["headers"] = dict.fromkeys(options["headers"], MASK)
        if "@" in options["baseURL"]:
            options["baseURL"] = MASK
    return result


def _merged(case: Case, shell: str) -> dict[str, Any]:
    result: dict[str, Any] = {"agent": {}}
    ours = {path: json.loads(text) for path, text in case.texts().items()}
    for where in ORDER:
        if where == "ours":
            _merge(result, ours[case.machine.user_config])
        elif where == case.activated_in:
            _merge(result, ours[case.project_root / "opencode.json"])
        for put in case.seen_in(shell):
            if put.where == where:
                value = put.value
                for key in reversed(put.key):
                    value = {key: value}
                _merge(result, value)
    _merge(result["agent"], result.get("mode", {}))
    return result


def _merge(into: dict[str, Any], added: dict[str, Any]) -> None:
    for key, value in added.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
