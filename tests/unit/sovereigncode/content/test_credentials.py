"""What is a credential, and what only looks random."""

from __future__ import annotations

import base64
import hashlib
import uuid
from random import Random

import pytest

from sovereigncode.content import Findings, Kind, judge
from sovereigncode.content.tokens import SERVICES
from tests.support import content_samples as samples

# Put together here: this repository holds nothing that looks like a key.
AWS = "_".join(["AKIA", "IOSFODNN7EXAMPLE"]).replace("_", "")
PRIVATE = " ".join(["PRIVATE", "KEY-----"])
VALUE = "q8ZfK2mN9xL4vB7wR1tY"


@pytest.mark.parametrize(
    "frame", [*samples.NAMED, "my api key is {v}", 'set("AUTH_TOKEN", "{v}")', "token => '{v}'"]
)
def test_a_value_under_a_name_that_says_so(frame: str) -> None:
    assert judge(frame.format(v=VALUE)).names == {"named_secret": 1}


@pytest.mark.parametrize(
    "text",
    [
        f"digest = {VALUE}",
        f"commit: {VALUE}",
        f"token_url: {VALUE}",
        f"password_hash = {VALUE}",
        f"id={VALUE}",
        f"the tokens are {VALUE}",
        'token = "your-token-goes-here-1"',
        'api_key = "xxxxxxxxxxxxxxxx1234"',
        "api_key = ${API_KEY_FROM_ENV_2}",
        'apiKey: process.env.API_KEY_V2 || "",',
        "password = config.get_password_v2(user)",
        "secret = self.x25519_key.exchange(peer)",
        "secret = models.CharField(max_length=200)",
        'fields = ["old_password", "new_password1", "new_password2"]',
        "s3_aws_access_key_id=s3_aws_access_key_id",
        "private_key: Ed25519PrivateKey | None",
        "auth = _BedrockSigV4Auth(config)",
        '"reset_password": "20/m/ip,5/m/key"',
        "password: hunter2",
    ],
)
def test_what_is_no_secret(text: str) -> None:
    assert judge(text) == Findings()


def test_digests_commit_ids_and_uuids_are_no_credentials() -> None:
    random = Random(4)
    for _ in range(50):
        data = random.randbytes(64)
        digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
        text = "\n".join(
            [
                f'"integrity": "sha512-{digest}"',
                f"    --hash=sha256:{hashlib.sha256(data).hexdigest()}",
                f"token = sha256:{hashlib.sha256(data).hexdigest()}",
                f'checksum = "{hashlib.sha256(data).hexdigest()}"',
                f'"resolved": "git+ssh://git@github.com/a/b.git#{hashlib.sha1(data).hexdigest()}"',
                f"commit {hashlib.sha1(data).hexdigest()}",
                f"h1:{base64.b64encode(hashlib.sha256(data).digest()).decode()}",
                f'"session_token": "{uuid.UUID(bytes=data[:16])}"',
                f"secret={uuid.UUID(bytes=data[:16])}",
            ]
        )
        assert judge(text) == Findings()


def test_tokens_of_services() -> None:
    """All of them, but for a few short ones that have neither digits in a word nor mixed capitals."""
    random = Random(5)
    for make in samples._TOKENS:
        texts = [samples.written(make(random), samples.PROSE, random) for _ in range(100)]
        missed = [text for text in texts if judge(text).names != {"service_token": 1}]
        assert len(missed) <= 3, texts[0][:20]


def test_every_form_can_be_reached_from_a_run() -> None:
    for keys, service in SERVICES:
        assert all(len(key) == 3 for key in keys), service.name


@pytest.mark.parametrize(
    "text",
    [
        "ghp_" + "x" * 36,
        "sk-your-api-key-goes-here-please",
        "sk-" + "*" * 30,
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "task-runner-configuration-for-production-2",
        f"-----BEGIN {PRIVATE}\n...\n-----END {PRIVATE}",
        f'if line.startswith("-----BEGIN RSA {PRIVATE}"):\n    return load_pem_private_key(line)',
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n",
        "-----BEGIN CERTIFICATE-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada",
    ],
)
def test_what_is_no_token(text: str) -> None:
    assert judge(text) == Findings()


def test_the_example_key_of_aws_counts() -> None:
    """It is the form that decides: whoever wants it ignored says so in the policy."""
    assert judge(AWS).names == {"service_token": 1}


def test_private_keys() -> None:
    random = Random(6)
    for _ in range(60):
        key = samples.private_key(random)
        assert judge(f'key = """{key}"""').names == {"private_key": 1}
        assert judge(key[: key.index("KEY-----") + 40]).names == {"private_key": 1}
    encrypted = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\n"
    assert judge(f"-----BEGIN RSA {PRIVATE}\n{encrypted}{samples.some(random, samples.BASE62, 64)}").names


@pytest.mark.parametrize(
    "text",
    [
        "https://user:password@host/x",
        "postgres://postgres:postgres@localhost/db",
        "amqp://guest:guest@localhost",
        "https://${USER}:${PASS}@host",
        "mysql://root:<password>@host",
        "http://a:***@host http://[::1]:80/a@b",
    ],
)
def test_words_for_a_password_in_a_url(text: str) -> None:
    assert judge(text) == Findings()


def test_passwords() -> None:
    random = Random(8)
    for _ in range(200):
        assert judge(samples.written(samples.password(random), samples.PASSWORDS, random)).names == {
            "named_secret": 1
        }
        text = samples.written(samples.url_password(random), samples.URLS, random)
        assert judge(text).names == {"url_password": 1}, len(text)


def test_kinds_are_told_apart() -> None:
    text = f"ada@lovelace.org.nz\nAPI_KEY={VALUE}"
    findings = judge(text)
    assert findings.personal_details.counts == ((Kind.EMAIL, 1),)
    assert findings.credentials.counts == ((Kind.NAMED_SECRET, 1),)
    assert str(findings) == "1 email_address, 1 named_secret"


def test_where_two_overlap_one_counts() -> None:
    token = samples.jwt(Random(9))
    assert judge(f"Authorization: Bearer {token}").names == {"service_token": 1}
    assert judge("https://ada:Tr0ub4dor3@lovelace.org.nz/").names == {"url_password": 1}
