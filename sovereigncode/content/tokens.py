"""Private keys, and the tokens of well-known services by their prefixes and lengths.

The forms are from the services' own pages about their tokens. What follows the prefix must not be a
placeholder or a name: `sk-your-key-goes-here` and `ghp_xxxx…` are not tokens.
"""

from __future__ import annotations

import re
from typing import Callable, Final, Iterator, NamedTuple

from sovereigncode.content.kinds import Kind
from sovereigncode.content.randomness import is_filled, is_varied
from sovereigncode.content.view import Span, View


class Service(NamedTuple):
    """One form of token, and what of it must hold besides: nothing if the form alone is proof enough."""

    name: str
    form: re.Pattern[bytes]
    holds: Callable[[bytes], bool]


# Three bytes at the beginning of a token's long run, or before it; and the whole form from the first byte.
_FORMS: Final = (
    ("GitHub", "ghp gho ghu ghs ghr", r"gh[pousr]_([A-Za-z0-9]{36,251})"),
    ("GitHub", "git", r"github_pat_([A-Za-z0-9]{22}_[A-Za-z0-9]{59})"),
    (
        "GitLab",
        "glp glo gld glr glc glf gli gla gls",
        r"gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-([A-Za-z0-9_\-]{20,300})",
    ),
    (
        "OpenAI, Anthropic and others",
        "sk-",
        r"sk-(?:proj-|svcacct-|admin-|ant-[a-z]+\d\d-|or-v1-)?([A-Za-z0-9_\-]{20,250})",
    ),
    ("AWS", "AKI ASI ABI ACC", r"(?:AKIA|ASIA|ABIA|ACCA)([A-Z2-7]{16})"),
    ("Google", "AIz", r"AIza([A-Za-z0-9_\-]{35})"),
    ("Google", "GOC", r"GOCSPX-([A-Za-z0-9_\-]{28})"),
    ("Google", "29.", r"ya29\.([A-Za-z0-9_\-]{20,1000})"),
    ("Slack", "xox", r"xox[abeoprs]-((?:\d+-)*[A-Za-z0-9\-]{10,250})"),
    ("Slack", "xap", r"xapp-\d-([A-Z0-9]{8,13}-\d{8,15}-[a-f0-9]{40,80})"),
    ("Stripe", "sk_ rk_", r"[sr]k_(?:live|test|prod)_([A-Za-z0-9]{16,250})"),
    ("Stripe", "whs", r"whsec_([A-Za-z0-9+/]{24,80}={0,2})"),
    ("npm", "npm", r"npm_([A-Za-z0-9]{36})"),
    ("PyPI", "pyp", r"pypi-(AgE[A-Za-z0-9_\-]{40,1000})"),
    ("Hugging Face", "hf_", r"hf_([A-Za-z0-9]{30,40})"),
    ("SendGrid", "SG.", r"SG\.([A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64})"),
    ("DigitalOcean", "dop doo dor", r"do[opr]_v1_([a-f0-9]{64})"),
    ("Shopify", "shp", r"shp(?:at|ca|pa|ss)_([a-fA-F0-9]{32})"),
    ("Square", "sq0", r"sq0[a-z]{3}-([A-Za-z0-9_\-]{22,43})"),
    ("Twilio", " ".join(f"SK{digit}" for digit in "0123456789abcdef"), r"SK([0-9a-f]{32})"),
    ("Mailgun", "key", r"key-([0-9a-f]{32})"),
    ("Databricks", "dap", r"dapi([0-9a-f]{32})(?:-\d)?"),
    ("HashiCorp Vault", "vs. vb. vr.", r"hv[sbr]\.([A-Za-z0-9_\-]{24,300})"),
    ("Terraform", "v1.", r"[A-Za-z0-9]{14}\.atlasv1\.([A-Za-z0-9_\-=]{60,70})"),
    ("Doppler", "pt. st. ct. sa. im. it.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.([A-Za-z0-9]{40,44})"),
    ("Linear", "lin", r"lin_(?:api|oauth)_([A-Za-z0-9]{32,64})"),
    ("Notion", "ntn", r"ntn_([A-Za-z0-9]{40,60})"),
    ("Figma", "fig", r"fig[dor]_([A-Za-z0-9_\-]{40,60})"),
    ("Docker", "dck", r"dckr_(?:pat|oat)_([A-Za-z0-9_\-]{27,40})"),
    ("Postman", "PMA", r"PMAK-([a-f0-9]{24}-[a-f0-9]{34})"),
    ("Grafana", "gls glc", r"gl(?:sa|c)_([A-Za-z0-9+/_]{32,400}={0,2})"),
    ("Supabase", "sbp sb_", r"sb(?:p|_secret)_([A-Za-z0-9_\-]{31,60})"),
    ("Tailscale", "tsk", r"tskey-[a-z]+-([A-Za-z0-9]{8,20}-[A-Za-z0-9]{20,40})"),
    ("Groq", "gsk", r"gsk_([A-Za-z0-9]{40,60})"),
    ("xAI", "xai", r"xai-([A-Za-z0-9]{40,100})"),
    ("Perplexity", "ppl", r"pplx-([A-Za-z0-9]{32,64})"),
    ("Replicate", "r8_", r"r8_([A-Za-z0-9]{37})"),
    ("Sentry", "snt", r"sntry[su]_([A-Za-z0-9+/=_\-]{40,400})"),
    ("RubyGems", "rub", r"rubygems_([a-f0-9]{48})"),
    ("crates.io", "cio", r"cio([A-Za-z0-9]{32})"),
    ("Discord", "ks/", r"webhooks/\d{17,20}/([A-Za-z0-9_\-]{60,80})"),
    ("age", "AGE", r"AGE-SECRET-KEY-1([A-Z0-9]{58})"),
    ("GonkaGate", "gp-", r"gp-([A-Za-z0-9_\-][^\s\"'`\\]{15,200})"),
    ("MaramaRoute", "mr_", r"mr_([A-Za-z0-9_\-]{43})"),
    (
        "JSON Web Token",
        "eyJ",
        r"(eyJ[A-Za-z0-9_\-]{10,4000}\.eyJ[A-Za-z0-9_\-]{10,20000}\.[A-Za-z0-9_\-]{10,1500})",
    ),
)
# What follows the prefix may be words: `sk-` begins names too, `glpat-` does not.
_LIKE_NAMES: Final = ("sk-", "key", "sbp sb_", "tsk", "gp-")
_EXACT: Final = ("AKI ASI ABI ACC",)
_DIGIT: Final = re.compile(rb"[0-9]")
_END: Final = r"(?![A-Za-z0-9])"


def _holds(keys: str) -> Callable[[bytes], bool]:
    if keys in _EXACT:
        return bool
    return _is_token if keys in _LIKE_NAMES else is_filled


def _is_token(rest: bytes) -> bool:
    return is_varied(rest) or (is_filled(rest) and not rest.islower() and _DIGIT.search(rest) is not None)


SERVICES: Final = tuple(
    (keys.split(), Service(name, re.compile((form + _END).encode()), _holds(keys)))
    for name, keys, form in _FORMS
)
_BY_KEY: Final[dict[bytes, list[Service]]] = {}
for _keys, _one in SERVICES:
    for _key in _keys:
        _BY_KEY.setdefault(_key.encode(), []).append(_one)
_LETTERS_AND_DIGITS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
# From a run back to where its token may begin: `xxxxxxxxxxxxxx.atlasv1.`, `webhooks/`, `ya29.`
_BACK: Final = 24


def service_tokens(view: View) -> Iterator[Span]:
    """Tokens whose form is known."""
    data, by_key = view.data, _BY_KEY
    for start, _ in view.runs:
        if (services := by_key.get(data[start : start + 3])) is not None:
            yield from _tokens(data, start, start, services)
        if (services := by_key.get(data[start - 3 : start])) is not None:
            yield from _tokens(data, max(0, start - _BACK), start, services)
    if b"hooks.slack.com/services/T" in data:
        for match in filter(lambda found: is_filled(found[1]), _SLACK.finditer(data)):
            yield Span(Kind.SERVICE_TOKEN, *match.span())


_SLACK: Final = re.compile(
    rb"hooks\.slack\.com/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/([A-Za-z0-9]{20,30})"
)


def _tokens(data: bytes, first: int, last: int, services: list[Service]) -> Iterator[Span]:
    """Tokens that begin from `first` to `last`."""
    for service in services:
        for start in range(first, last + 1):
            if start and data[start - 1] in _LETTERS_AND_DIGITS:
                continue
            match = service.form.match(data, start)
            if match is not None and service.holds(match[1]):
                yield Span(Kind.SERVICE_TOKEN, *match.span())
                break


_PRIVATE: Final = re.compile(rb"PRIVATE KEY(?: BLOCK)?-----")
_HEADER: Final = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,30}\Z")
# Line ends, quotes and operators of a string in source, lines such as `Proc-Type: 4,ENCRYPTED`; the key.
_KEY: Final = re.compile(rb"(?:[\s\"'+,;>|]|[A-Za-z\-]{4,30}: [^\n]{0,200}\n){1,200}?[A-Za-z0-9+/=]{16}")


def private_keys(view: View) -> Iterator[Span]:
    """PEM, OpenSSH and PGP private keys: the header with at least the beginning of a key."""
    data = view.data
    for match in _PRIVATE.finditer(data):
        header = _HEADER.search(data[max(0, match.start() - 48) : match.start()])
        body = _KEY.match(data, match.end())
        if header is not None and body is not None:
            yield Span(Kind.PRIVATE_KEY, match.start(), body.end())
