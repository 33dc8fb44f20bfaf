"""A deviation in one layer as a finding: the frame of its message, and the exact fix for that layer."""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import Any, Final, Sequence

from gonkagate_setup.choice import Scope
from gonkagate_setup.judgement.expectation import Deviation, Expectation
from gonkagate_setup.judgement.findings import BLOCKER, Finding
from opencode_config.judged_keys import ACTIVATION_PATHS, MODEL_LISTS, MODEL_STATUS, SETTINGS
from opencode_config.layers import MISSING, Layer, Path
from opencode_config.places import (
    AGENT_MARKDOWN,
    CONFIG_DIR,
    CUSTOM,
    INFERRED,
    INLINE,
    MANAGED,
    PREFERENCES,
    PROJECT,
    USER,
)
from opencode_config.survey import Survey

_SHOWN: Final = 120
RERUN: Final = "run: gonkagate-setup (it writes this)"
_AGAIN: Final = "then run this command again"
_LISTS: Final = {
    "provider_not_enabled": "add {provider} to enabled_providers",
    "provider_disabled": "remove {provider} from disabled_providers",
}


def dotted(path: Path) -> str:
    """A key in dotted form."""
    return ".".join(path)


def shown(value: Any) -> str:
    """A value as a message shows it: names and lists of names, in JSON, shortened; never anything deeper.

    An address with something before `@` or after `?` may carry a password, so it is not shown.
    """
    names = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    plain = isinstance(value, (str, bool, int, float)) and not re.search("://.*[@?]", str(value))
    text = json.dumps(value) if names or plain else ""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


# Keys whose values are names of models, providers and agents; other values may be private.
_SHOWN_KEYS: Final = (*SETTINGS, *MODEL_LISTS, MODEL_STATUS, "npm", "baseURL", "id")


def finding(
    expectation: Expectation,
    code: str,
    severity: str,
    reach: str,
    layer: Layer | None,
    path: Path,
    effect: str,
    *,
    root: PurePath,
    value: Any = MISSING,
    fallback: str = INFERRED,
) -> Finding:
    """The finding for `path` in `layer`; without a layer, for the layer named by `fallback`.

    `root` is the folder of the project's own file.
    """
    text = shown(value) if path[-1] in _SHOWN_KEYS else ""
    message = f"{dotted(path)} is {text}: {effect}" if text else f"{dotted(path)}: {effect}"
    if layer is None:
        step = RERUN if severity == BLOCKER else "no action needed"
        return Finding(code, severity, fallback, message, step, reach=reach, key=dotted(path))
    step = _step(expectation, code, severity, layer, path, root)
    return Finding(
        code,
        severity,
        layer.layer,
        message,
        step,
        reach=reach,
        where=layer.locate(path),
        key=dotted(path),
        keys=path,
    )


def _step(
    expectation: Expectation, code: str, severity: str, layer: Layer, path: Path, root: PurePath
) -> str:
    key = dotted(path)
    if severity != BLOCKER:
        return f"no action needed; to get rid of this notice, remove {key} from {layer.name}"
    if layer.layer == USER and _ours(expectation, path):
        return RERUN
    change = _LISTS.get(code, "remove {key} from").format(provider=expectation.profile.id, key=key)
    change = change if change.endswith("from") else f"{change} in"
    step = f"{change} {layer.name}"
    if layer.layer == INLINE:
        step = f"{change} the variable OPENCODE_CONFIG_CONTENT, or `unset OPENCODE_CONFIG_CONTENT`"
    elif layer.layer == CUSTOM:
        step += ", or `unset OPENCODE_CONFIG`"
    elif layer.layer == CONFIG_DIR:
        step += ", or `unset OPENCODE_CONFIG_DIR`"
    elif layer.layer in (MANAGED, PREFERENCES):
        step = f"ask the administrator of this machine to {step}"
    elif layer.layer == AGENT_MARKDOWN:
        step = f"remove the line `{path[-1]}:` from {layer.name}"
    elif (
        layer.layer == PROJECT
        and path in ACTIVATION_PATHS
        and expectation.scope is Scope.USER
        and layer.path is not None
        and root not in layer.path.parent.parents  # a file further down outranks the project's own
    ):
        step += ", or choose this folder with `--scope project`"
    return f"{step}; {_AGAIN}"


def _ours(expectation: Expectation, path: Path) -> bool:
    if path in ACTIVATION_PATHS:
        return expectation.scope is Scope.USER
    relative = path[2:]
    known: Any = expectation.profile.provider_config()
    for key in relative:
        known = known.get(key, MISSING) if isinstance(known, dict) else MISSING
    return path[:2] == ("provider", expectation.profile.id) and known is not MISSING


def inferred(survey: Survey, layers: Sequence[Layer], deviation: Deviation, reach: str) -> Finding:
    """The finding for a value that opencode resolved although nothing that can be read here sets it."""
    text = shown(deviation.resolved) if deviation.path[-1] in _SHOWN_KEYS else ""
    value = f" to {text}" if text else ""
    looked = ", ".join(dict.fromkeys(layer.name for layer in layers)) or "no config at all"
    message = (
        f"opencode resolves {dotted(deviation.path)}{value} ({deviation.effect}), and nothing that can be "
        f"read here explains it; looked at: {looked}"
    )
    return Finding(
        deviation.code, BLOCKER, INFERRED, message, suspects(survey), reach=reach, key=dotted(deviation.path)
    )


def suspects(survey: Survey) -> str:
    """The next step: which of the layers that cannot be read left a trace."""
    steps = []
    launcher = survey.traces.launcher
    if launcher is not None and launcher.settings:
        steps.append(f"check the launcher: {', '.join(map(str, launcher.settings))}")
    elif launcher is not None:
        how = (
            f"`cat {launcher.path}` shows it"
            if launcher.readable
            else "it is not a script, so ask whoever made it"
        )
        steps.append(
            f"check whether the launcher {launcher.path} sets variables such as OPENCODE_CONFIG ({how})"
        )
    if survey.traces.well_known:
        urls = ", ".join(survey.traces.well_known)
        steps.append(
            f"ask whoever runs {urls} (opencode loads config from there; `opencode auth list` shows it)"
        )
    if survey.traces.database:
        steps.append("check whether opencode is signed in to an organisation (`opencode account`)")
    steps.append("ask the administrator of this machine")
    return "; or ".join(steps) + f"; {_AGAIN}"
