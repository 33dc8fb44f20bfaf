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
_LOCAL_BACKWARDS: Final = re.compile(rb"[A-Za-z0-9_%+\-.\x80-\xff]{1,64}")
_USERINFO: Final = re.compile(rb"([^\s:/\"'<>`]{4,200}):([^\s:/@\"'<>`]{0,100})//:[a-z0-9+.\-]{2,30}")
_COMMON: Final = re.compile(
    rb"(?i)pass(?:w(?:or)?d)?|pwd|secret|token|key|user(?:name)?|admin|root|postgres|mysql|redis|guest|test|foo|bar"
    rb"|[*x.]+|\$.*|<.*|%s|.*\{.*\}.*|\[.*\]"
)
# What looks like a last label but is the end of a file's name, icon@2x.png, or of a name in a local network.
_NO_DOMAINS: Final = frozenset(
    {
        *(
            "png",
            "jpg",
            "jpeg",
            "gif",
            "svg",
            "webp",
            "ico",
            "bmp",
            "js",
            "mjs",
            "cjs",
            "jsx",
            "ts",
            "tsx",
        ),
        *(
            "css",
            "scss",
            "less",
            "json",
            "html",
            "htm",
            "xml",
            "yaml",
            "yml",
            "toml",
            "lock",
            "txt",
            "csv",
        ),
        *(
            "map",
            "dll",
            "exe",
            "tar",
            "tgz",
            "gz",
            "whl",
            "jar",
            "local",
            "internal",
            "localhost",
            "invalid",
        ),
    }
)
# What can be an address begins with a letter or a digit; quotation marks and signs of other languages end it.
_END_OF_WORD: Final = re.compile(r"[^\W_][\w%+\-.]*\Z")
_DOMAIN: Final = re.compile(r"(?:[\w\-]+\.)+(?:xn--[\w\-]+|[^\W\d_]{2,})")
# Not a person's: nobody reads these, or they are the user name of a program.
_NOBODY: Final = re.compile(r"(?i)(?:git|hg|svn|no-?reply|do-?not-?reply|mailer-daemon)(?:\+.*)?\Z")
# Algorithms of SSH have names like addresses.
_NOBODYS_DOMAINS: Final = ("users.noreply.github.com", "openssh.com", "libssh.org", ".gserviceaccount.com")


def at_signs(view: View) -> Iterator[Span]:
    """E-mail addresses, also with an international domain, and passwords in URLs: the password alone."""
    data = view.data
    for match in _matches(data):
        at = match.start()
        before = data[max(0, at - _REACH) : at][::-1]
        if b"//:" in before and (userinfo := _USERINFO.match(before)) is not None:
            password, user = userinfo[1][::-1], userinfo[2][::-1]
            if password != user and not _COMMON.fullmatch(password) and not is_placeholder(password):
                yield Span(Kind.URL_PASSWORD, at - len(password), at)
            continue
        if match["domain"] is None or (found := _LOCAL_BACKWARDS.match(before)) is None:
            continue
        local = _END_OF_WORD.search(found[0][::-1].decode("utf-8", "ignore"))
        domain = _DOMAIN.match(match["domain"].decode("utf-8", "replace"))
        if local is None or domain is None or _is_nobody(local[0], domain[0].lower()):
            continue
        start, end = at - len(local[0].encode()), at + 1 + len(domain[0].encode())
        if data[start - 2 : start] != b"//":
            yield Span(Kind.EMAIL, start, end)


def _matches(data: bytes) -> Iterator[re.Match[bytes]]:
    # There are few @ in most texts, and `find` gets to them ten times as fast as a pattern does.
    at = data.find(b"@")
    while at >= 0:
        if (match := _AT.match(data, at)) is not None:
            yield match
        at = data.find(b"@", at + 1)


def _is_nobody(local: str, domain: str) -> bool:
    return (
        domain.rpartition(".")[2] in _NO_DOMAINS
        or domain.endswith(_NOBODYS_DOMAINS)
        or _NOBODY.match(local) is not None
    )
