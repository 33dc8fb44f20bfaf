"""The table of errors of the command line: each kind of refusal, its code and its exit status."""

from __future__ import annotations

from typing import Final, Mapping

from marama_route.core import errors
from marama_route.core.errors import Exit
from sovereigncode import errors as below

_OWN: Final[Mapping[str, Exit]] = {
    # usage
    "tenant_unknown": Exit.USAGE,
    "key_unknown": Exit.USAGE,
    "listen_refused": Exit.USAGE,
    # a file is invalid or cannot be written, or something that a file names is not there; nothing was changed
    "config_missing": Exit.FILE,
    "config_unsafe": Exit.FILE,
    "config_changed": Exit.FILE,
    "config_not_editable": Exit.FILE,
    "key_missing": Exit.FILE,
    "backend_key_missing": Exit.FILE,
    "backend_key_unusable": Exit.FILE,
    "backend_unreachable": Exit.FILE,
    "capsule_ambiguous": Exit.FILE,
    "workspace_missing": Exit.FILE,
}
# Every kind of refusal: its code and the status that the process ends with. What happens to a request is in
# the table of the HTTP interface, what happens to a workspace in that of sovereigncode.
KINDS: Final[Mapping[str, tuple[str, Exit]]] = {
    **{kind: (code, Exit(int(status))) for kind, (code, status) in below.KINDS.items()},
    **{code: (code, kind.exit) for code, kind in errors.CODES.items()},
    **{code: (code, status) for code, status in _OWN.items()},
}
# An error that begins with one of these keeps its small letter.
NAMES: Final = (
    "opencode",
    "sovereigncode",
    "marama-route",
    "config.yaml",
    "capsule.json",
    "tenant-policy.yaml",
)
