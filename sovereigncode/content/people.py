"""What has an @ in it: e-mail addresses, and passwords in URLs."""

from __future__ import annotations

import re
from typing import Final, Iterator

from sovereigncode.content.kinds import Kind
from sovereigncode.content.randomness import is_placeholder
from sovereigncode.content.view import Span, View

_AT: Final = re.compile(
    rb"@(?<=[^\s/:\"'<>`({\[,;]@)(?=[A-Za-z0-9\x80-\xff\[])"
    rb"(?P<domain>(?:[A-Za-z0-9\x80-\xff][A-Za-z0-9\-\x80-\xff]{0,62}\.){1,8}"
    rb"(?:xn--[A-Za-z0-9\-]{2,59}|[A-Za-z\x80-\xff]{2,24})(?![A-Za-z0-9\-]))?"
)
_REACH: Final = 320
# Read from the @ backwards: the local part; a password, a colon, the user, two slashes.
_LOCAL_BACKWARDS: Final = re.compile(rb"[A-Za-z0-9_%+\-.'&*=\x80-\xff]{1,64}")
_USERINFO: Final = re.compile(rb"([^\s:/\"'<>`]{4,200}):([^\s:/@\"'<>`]{0,100})//:[a-z0-9+.\-]{2,30}")
_COMMON: Final = re.compile(
    rb"(?i)pass(?:w(?:or)?d)?|pwd|secret|token|key|user(?:name)?|admin|root|postgres|mysql|redis|guest|test|foo|bar"
    rb"|[*x.]+|\$.*|<.*|%s|.*\{.*\}.*|\[.*\]"
)
# What looks like a last label but is the end of a file's name, icon@2x.png, or of a name in a local network.
_NO_DOMAINS: Final = frozenset(
    {
        *(
            b"png",
            b"jpg",
            b"jpeg",
            b"gif",
            b"svg",
            b"webp",
            b"ico",
            b"bmp",
            b"js",
            b"mjs",
            b"cjs",
            b"jsx",
            b"ts",
            b"tsx",
        ),
        *(
            b"css",
            b"scss",
            b"less",
            b"json",
            b"html",
            b"htm",
            b"xml",
            b"yaml",
            b"yml",
            b"toml",
            b"lock",
            b"txt",
            b"csv",
        ),
        *(
            b"map",
            b"dll",
            b"exe",
            b"tar",
            b"tgz",
            b"gz",
            b"whl",
            b"jar",
            b"local",
            b"internal",
            b"localhost",
            b"invalid",
        ),
    }
)
# Not a person's: nobody reads these, or they are the user name of a program.
_NOBODY: Final = re.compile(
    rb"(?:git|hg|svn|no-?reply|do-?not-?reply|mailer-daemon)(?:\+.*)?\Z", re.IGNORECASE
)
_NOBODYS_DOMAINS: Final = (b"users.noreply.github.com",)


def at_signs(view: View) -> Iterator[Span]:
    """E-mail addresses, also with an international domain, and passwords in URLs: the password alone."""
    data = view.data
    for match in _AT.finditer(data):
        at = match.start()
        before = data[max(0, at - _REACH) : at][::-1]
        if b"//:" in before and (userinfo := _USERINFO.match(before)) is not None:
            password, user = userinfo[1][::-1], userinfo[2][::-1]
            if password != user and not _COMMON.fullmatch(password) and not is_placeholder(password):
                yield Span(Kind.URL_PASSWORD, at - len(password), at)
            continue
        if match["domain"] is None or (found := _LOCAL_BACKWARDS.match(before)) is None:
            continue
        local = found[0][::-1].lstrip(b".'&*=%-")
        start = at - len(local)
        if local and not _is_nobody(local, match["domain"]) and data[start - 2 : start] != b"//":
            yield Span(Kind.EMAIL, start, match.end())


def _is_nobody(local: bytes, domain: bytes) -> bool:
    domain = domain.lower()
    return (
        domain.rpartition(b".")[2] in _NO_DOMAINS
        or domain in _NOBODYS_DOMAINS
        or _NOBODY.match(local) is not None
    )
