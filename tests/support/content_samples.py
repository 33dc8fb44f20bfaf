"""Made-up personal details and credentials with right check digits, and the texts in which people write them.

Used by the tests of the content check and by its benchmark. Nothing here uses the check's own code: numbers
with check digits are made by trying digits until the definition of the number holds.
"""

from __future__ import annotations

import base64
import string
from random import Random
from typing import Callable, Final
from urllib.parse import quote

BASE62: Final = string.ascii_letters + string.digits
HEX: Final = "0123456789abcdef"
_DIGITS: Final = string.digits
_NHI_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"

Sample = Callable[[Random], str]


def some(random: Random, alphabet: str, count: int) -> str:
    return "".join(random.choices(alphabet, k=count))


def luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card(random: Random) -> str:
    """Visa, Mastercard or American Express, in one piece or in groups."""
    prefix, length = random.choice(
        [("4", 16), (f"5{random.randint(1, 5)}", 16), (str(random.randint(2221, 2720)), 16), ("37", 15)]
    )
    body = prefix + some(random, _DIGITS, length - len(prefix) - 1)
    digits = next(body + last for last in _DIGITS if luhn(body + last))
    sign = random.choice(["", " ", "-"])
    groups = (4, 10) if length == 15 else (4, 8, 12)
    return sign.join(digits[i:j] for i, j in zip((0, *groups), (*groups, length)))


def ird_digits(random: Random) -> str:
    """Eight or nine digits: Inland Revenue's modulus 11 with its second set of weights."""
    while True:
        body = str(random.randint(1_000_000, 14_999_999))
        for weights in ((3, 2, 7, 6, 5, 4, 3, 2), (7, 4, 3, 2, 5, 2, 7, 6)):
            rest = sum(w * int(d) for w, d in zip(weights, body.zfill(8))) % 11
            check = 0 if rest == 0 else 11 - rest
            if check < 10:
                return f"{body}{check}"


def ird(random: Random) -> str:
    digits = ird_digits(random)
    return f"{digits[:-6]}-{digits[-6:-3]}-{digits[-3:]}"


def bank(random: Random) -> str:
    """A New Zealand bank account of a branch that exists, by the weights of the banks' algorithm A."""
    branch = random.choice(["010242", "123140", "030123", "060501", "020108", "389000"])
    while True:
        base = f"{random.randint(0, 989_999):07}"
        weights = (0, 0, 6, 3, 7, 9, 0, 10, 5, 8, 4, 2, 1)
        if sum(w * int(d) for w, d in zip(weights, branch + base)) % 11 == 0:
            suffix = random.choice(["00", "50", "000", "025"])
            sign = random.choice(["-", "-", " "])
            return sign.join([branch[:2], branch[2:], base, suffix])


def _nhi_value(character: str) -> int:
    return _NHI_LETTERS.index(character) + 1 if character in _NHI_LETTERS else int(character)


def _nhi_sum(body: str) -> int:
    return sum(weight * _nhi_value(character) for weight, character in zip(range(7, 1, -1), body))


def nhi_old(random: Random) -> str:
    while True:
        body = some(random, _NHI_LETTERS, 3) + some(random, _DIGITS, 3)
        rest = _nhi_sum(body) % 11
        if rest:
            return f"{body}{(11 - rest) % 10}"


def nhi_new(random: Random) -> str:
    body = some(random, _NHI_LETTERS, 3) + some(random, _DIGITS, 2) + some(random, _NHI_LETTERS, 1)
    return f"{body}{_NHI_LETTERS[22 - _nhi_sum(body) % 23]}"


def iban(random: Random) -> str:
    """A German one: its own part has no check digits beyond the length."""
    account = some(random, _DIGITS, 18)
    check = 98 - int(f"{account}131400") % 97
    digits = f"DE{check:02}{account}"
    return random.choice([digits, " ".join(digits[i : i + 4] for i in range(0, 22, 4))])


def email(random: Random) -> str:
    local = random.choice(["aroha", "t.rangi", "ada_l", "wiremu+shop", "mere.ngata7", "o'brien"])
    domain = random.choice(["xtra.co.nz", "gmail.com", "hikurangi.maori.nz", "dept.govt.nz", "a1-b.io"])
    return f"{local}{random.randint(1, 99)}@{domain}"


def phone(random: Random) -> str:
    """A New Zealand mobile or land line, as people write it."""
    if random.random() < 0.6:
        code, number = random.choice(["21", "27", "22"]), "2" + some(random, _DIGITS, 6)
    else:
        code, number = (
            random.choice(["4", "9", "3", "7"]),
            random.choice(["47", "38", "57"]) + some(random, _DIGITS, 5),
        )
        number = {"4": "47", "9": "52", "3": "37", "7": "83"}[code] + number[2:]
    forms = [
        "+64 {c} {a} {b}",
        "+64{c}{a}{b}",
        "0{c} {a} {b}",
        "(0{c}) {a} {b}",
        "0{c}-{a}-{b}",
        "0{c} {a}{b}",
    ]
    return random.choice(forms).format(c=code, a=number[:3], b=number[3:])


def private_key(random: Random) -> str:
    name = random.choice(["RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED "])
    lines = [some(random, f"{BASE62}+/", 64) for _ in range(6)]
    line_end = random.choice(["\n", "\\n", "\r\n"])
    return line_end.join([f"-----BEGIN {name}PRIVATE KEY-----", *lines, f"-----END {name}PRIVATE KEY-----"])


def jwt(random: Random) -> str:
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(b'{"sub":"%d"}' % random.randint(10**9, 10**10)).decode().rstrip("=")
    return f"{header}.{body}.{some(random, BASE62 + '-_', 43)}"


_TOKENS: Final[tuple[Sample, ...]] = (
    lambda random: f"gh{random.choice('pous')}_{some(random, BASE62, 36)}",
    lambda random: f"github_pat_{some(random, BASE62, 22)}_{some(random, BASE62, 59)}",
    lambda random: f"glpat-{some(random, BASE62 + '_-', 20)}",
    lambda random: f"sk-proj-{some(random, BASE62 + '_-', 156)}",
    lambda random: f"sk-{some(random, BASE62, 48)}",
    lambda random: f"sk-ant-api03-{some(random, BASE62 + '_-', 93)}AA",
    lambda random: f"AKIA{some(random, string.ascii_uppercase + '234567', 16)}",
    lambda random: f"AIza{some(random, BASE62 + '_-', 35)}",
    lambda random: (
        f"xoxb-{random.randint(10**11, 10**12)}-{random.randint(10**12, 10**13)}-{some(random, BASE62, 24)}"
    ),
    lambda random: f"{random.choice('sr')}k_live_{some(random, BASE62, 24)}",
    lambda random: f"npm_{some(random, BASE62, 36)}",
    lambda random: f"pypi-AgEIcHlwaS5vcmc{some(random, BASE62 + '_-', 150)}",
    lambda random: f"hf_{some(random, string.ascii_letters, 34)}",
    lambda random: f"SG.{some(random, BASE62 + '_-', 22)}.{some(random, BASE62 + '_-', 43)}",
    lambda random: f"dop_v1_{some(random, HEX, 64)}",
    lambda random: f"shpat_{some(random, HEX, 32)}",
    lambda random: f"hvs.{some(random, BASE62 + '_-', 90)}",
    lambda random: f"gsk_{some(random, BASE62, 52)}",
    lambda random: f"gp-{some(random, BASE62 + '_-', 40)}",
    lambda random: f"mr_{some(random, BASE62 + '_-', 43)}",
    jwt,
)


def token(random: Random) -> str:
    return random.choice(_TOKENS)(random)


def secret(random: Random) -> str:
    """What services issue: 20 to 64 letters and digits, hexadecimal, or 40 characters of base64."""
    alphabet, count = random.choice(
        [
            (BASE62, random.randint(20, 48)),
            (HEX, random.choice([32, 40, 64])),
            (string.ascii_lowercase + _DIGITS, random.randint(24, 40)),
            (f"{BASE62}+/", 40),
            (f"{BASE62}-_", 43),
        ]
    )
    return some(random, alphabet, count)


def secret_16(random: Random) -> str:
    """The shortest that services issue."""
    return some(random, random.choice([BASE62, HEX]), 16)


def password(random: Random) -> str:
    """Ten to sixteen characters, as password managers make them."""
    signs = "!@#$%^&*-_+=?"
    parts = [some(random, signs, 2), some(random, _DIGITS, 2), some(random, string.ascii_uppercase, 2)]
    parts.append(some(random, BASE62, random.randint(4, 10)))
    mixed = list("".join(parts))
    random.shuffle(mixed)
    return "".join(mixed)


def url_password(random: Random) -> str:
    return quote(password(random), safe="")


PROSE: Final = (
    "Please use {v} for this.",
    "{v}",
    "- {v}\n- something else",
    "see ({v}), thanks",
    'x = "{v}"\n',
)
NAMED: Final = (
    'API_KEY="{v}"',
    "export GITHUB_TOKEN={v}",
    '{{"clientSecret": "{v}"}}',
    "api_key: {v}\n",
    "Authorization: Bearer {v}\n",
    "curl -H 'X-Api-Key: {v}' https://api.dept.govt.nz",
    "tool --access-token {v} run",
    "const authToken = '{v}';",
    "<secret>{v}</secret>",
)
PASSWORDS: Final = (
    'DB_PASSWORD="{v}"',
    '{{"password": "{v}"}}',
    "password: '{v}'\n",
    "passwd = '{v}'",
    'PGPASSWORD="{v}" psql',
)
LABELLED_IRD: Final = ("IRD number: {v}", '"irdNumber": "{v}"', "ird_no={v}", "my tax number is {v}")
URLS: Final = ("postgres://ada:{v}@db.dept.govt.nz/shop", "https://deploy:{v}@git.dept.govt.nz/a.git")


def written(value: str, frames: tuple[str, ...], random: Random) -> str:
    """The value in one of the frames."""
    return random.choice(frames).format(v=value)
