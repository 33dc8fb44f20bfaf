"""What in a config may be a secret, whoever wrote it: a diff shows `***` instead.

It hides rather too much than too little. References (`{file:…}`, `{env:…}`) are shown: they contain no
secret.
"""

from __future__ import annotations

import re
from typing import Final

from foundation.secrets import MASK
from foundation.secrets.scrub import LONGEST_WORD, scrub
from opencode_config.output import masked_name

# Everything in these is passed to other programs, and may be anything.
_OPAQUE: Final = frozenset(("headers", "env", "environment"))
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET: Final = frozenset(
    (
        "key", "keys", "apikey", "token", "tokens", "secret", "secrets", "password", "passwords", "passwd",
        "pwd", "pass", "passphrase", "passcode", "pat", "pats", "auth", "authorization", "bearer", "jwt",
        "credential", "credentials", "creds", "signature",
    )
)  # fmt: skip
_SECRET_END: Final = ("key", "token", "secret", "passwd", "password")
# Names of token counts, which are not secrets.
_COUNTED: Final = frozenset(("max", "min", "input", "output", "total", "context", "limit", "budget", "count"))

# No brace inside, or many unclosed beginnings would each be scanned to the end of the text.
_REFERENCE: Final = re.compile(r"(\{(?:file|env):[^{}]+\})")
_USER_IN_URL: Final = re.compile(r"(?<=://)[^/\s\"@]+(?=@)")
_QUERY: Final = re.compile(r"(?<=[?&;#])([\w.%-]+)=([^&;#\s\"'\\]+)")
_FLAG: Final = re.compile(r"(?<![\w-])--?([A-Za-z][\w-]*)(=|\s+)([^\s\"'\\-][^\s\"'\\]*)")
_SCHEME: Final = re.compile(r"(?i)\b(bearer|basic)(\s+)[^\s\"'\\{]+")
_SHAPES: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:sk|pk|rk|gsk|xai|hf|npm|pypi|glpat|dop_v1|shpat|r8|lin_api|figd|key|ghp|gho|ghs|ghu|ghr"
    r"|github_pat|xox[a-z]|whsec)[-_][A-Za-z0-9_-]{8,}"
    r"|(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|(?<![A-Za-z0-9])AIza[\w-]{20,}"
    r"|(?<![A-Za-z0-9])ya29\.[\w.-]{8,}"
    r"|(?<![A-Za-z0-9])eyJ[\w-]{8,}(?:\.[\w-]+)*"
)
_WORD: Final = re.compile(r"[^\s\"'`,;:=(){}\[\]<>\\]{8,}")
_NAME_IN_TEXT: Final = re.compile(r"[A-Za-z][\w-]*")
# Everything that is masked contains one of these; looking for them first keeps large files fast.
_SUSPECT: Final = re.compile(
    r"key|token|secret|pass|pwd|pat|cred|auth|cookie|bearer|basic|jwt|://|\\u|[?&]\w+=|--"
    r"|(?:gp|sk|pk|rk|gsk|xai|hf|npm|pypi|glpat|dop_v1|shpat|r8|lin_api|figd|gh[a-z]|xox[a-z]|whsec)[-_]"
    r"|akia|asia|aiza|ya29|eyj",
    re.IGNORECASE,
)


def secret_name(name: str) -> bool:
    """Whether the strings below a key of that name are hidden."""
    if name.lower() in _OPAQUE or masked_name(name):
        return True
    words = [word.lower() for word in _WORDS.findall(name)]
    named = [word for word in words if word in _SECRET or word.endswith(_SECRET_END)]
    return bool(named) and not (named == ["tokens"] and _COUNTED & set(words))


def secret_flag(text: str) -> bool:
    """Whether the word after that argument of a command is hidden."""
    return re.fullmatch(r"--?[A-Za-z][\w-]*", text) is not None and secret_name(text)


def hidden(text: str) -> str:
    """A text with everything but its references masked."""
    parts = _REFERENCE.split(text)
    return "".join(part if index % 2 or not part else MASK for index, part in enumerate(parts))


def masked(text: str) -> str:
    """A text with what looks like a secret in it masked."""
    if not _SUSPECT.search(text):
        return text
    text = _USER_IN_URL.sub(MASK, scrub(text))
    text = _QUERY.sub(lambda match: f"{match[1]}={MASK}" if secret_name(match[1]) else match[0], text)
    text = _FLAG.sub(_flag, text)
    text = _SCHEME.sub(rf"\1\2{MASK}", text)
    return _SHAPES.sub(MASK, text)


def masked_comment(text: str) -> str:
    """The same for a comment, in which names and values are written as prose."""
    if not _SUSPECT.search(text):
        return text
    return "".join(_masked_line(line) for line in masked(text).splitlines(keepends=True))


def _masked_line(line: str) -> str:
    named = next((match for match in _NAME_IN_TEXT.finditer(line) if secret_name(match[0])), None)
    if named is None:
        return line
    parts = _REFERENCE.split(line[named.end() :])
    rest = (part if index % 2 else _WORD.sub(_random, part) for index, part in enumerate(parts))
    return line[: named.end()] + "".join(rest)


def _flag(match: re.Match[str]) -> str:
    name, between, value = match.groups()
    reference = _REFERENCE.match(value) or value.startswith("{")
    return (
        match[0]
        if reference or not secret_name(name)
        else f"{match[0][: -len(between + value)]}{between}{MASK}"
    )


def _random(match: re.Match[str]) -> str:
    """The mask for a value that does not look like an ordinary word."""
    word = match[0]
    mixed = any(map(str.isdigit, word)) or (word[1:] != word[1:].lower() and not word.isupper())
    return MASK if mixed or len(word) >= LONGEST_WORD else word
