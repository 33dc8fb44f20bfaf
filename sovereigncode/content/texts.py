"""The texts in a chat payload, or in any JSON value: what a model would read."""

from __future__ import annotations

from typing import Final, Iterator, Mapping

# Fields of the protocol whose values are judged as they are. Any other name is judged with the value,
# because it may say what the value is: {"ird": "49091850"}.
_CONTENT: Final = frozenset(
    {"content", "text", "arguments", "role", "type", "name", "description", "url", "input", "output"}
)
# Shorter numbers are none of the kinds.
_DIGITS: Final = 8
_LARGEST: Final = 10**40


def texts(value: object) -> Iterator[str]:
    """Every string in the value, names of fields too, and every number that is long enough for an identifier.

    In the order in which they are written, at any depth. TypeError for what is not a JSON value.
    """
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        name, one = waiting.pop()
        if isinstance(one, str):
            yield f'{name}="{one}"' if name else one
        elif isinstance(one, bool) or one is None or isinstance(one, float):
            continue
        elif isinstance(one, int):
            if 10 ** (_DIGITS - 1) <= one < _LARGEST:
                yield f"{name}: {one}" if name else str(one)
        elif isinstance(one, Mapping):
            for key in one:
                if not isinstance(key, str):
                    raise TypeError(f"a field's name is of type {type(key).__name__}")
            yield from (key for key in one if len(key) >= _DIGITS)
            waiting += [("" if key in _CONTENT else key, inner) for key, inner in [*one.items()][::-1]]
        elif isinstance(one, (list, tuple)):
            waiting += [(name, inner) for inner in reversed(one)]
        else:
            raise TypeError(f"a value is of type {type(one).__name__}")
