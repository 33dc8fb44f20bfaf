"""JSON as it goes over the wire, read and written by msgspec if it is installed."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn, Sequence

from marama_route.core.errors import invalid, unmistakable

try:
    import msgspec
except ImportError:  # the extra [fast] is not installed
    _FAST: Any = None
else:
    _FAST = msgspec.json

FAST: Final = _FAST is not None
# How an escape of half a surrogate pair begins; msgspec refuses it.
_HALF: Final = b"\\ud"


def loads(data: bytes) -> Any:
    """The value of a backend's bytes. ValueError if they are not JSON, or nest too deep.

    Half a character may be in it: some backends cut a text between two chunks there.
    """
    try:
        if FAST:
            try:
                return _FAST.decode(data)
            except ValueError:
                if _HALF not in data:
                    raise ValueError("this is not JSON") from None
        return json.loads(data.decode("utf-8"), parse_constant=_refused)
    except RecursionError:
        raise ValueError("this nests too deep") from None


def dumps(value: Any) -> bytes:
    """Compact JSON as UTF-8, keys in the order that they have; in ASCII if half a character is in it.

    NaN must not be in it.
    """
    try:
        if FAST:
            return bytes(_FAST.encode(value))
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        # UTF-8 has no form for half a surrogate pair; JSON does (RFC 8259, 8.2), and clients send it.
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def error(value: Any) -> bytes:
    """The JSON of an error, in a form that clients do not take for another one."""
    return unmistakable(dumps(value))


def request(body: bytes) -> Any:
    """The value of a request's body, which has one meaning only.

    RequestRefusal invalid_request for what is not JSON in UTF-8, for NaN, and for a key that appears twice
    in one object: two programs could read it differently.
    """
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refused)
    except _TwiceError:
        raise invalid(None, "the body has a key that appears twice in one object") from None
    except (ValueError, RecursionError):
        raise invalid(None, "the body is not JSON in UTF-8") from None


class _TwiceError(Exception):
    """A key appears twice."""


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _TwiceError
    return value


def _refused(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
