"""What counts as a key, and that a refusal never shows it."""

from __future__ import annotations

import pytest

from foundation.errors import Refusal
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.credential import parse_key
from gonkagate_setup.errors import code_of, status_of

GOOD = ["gp-a", "gp-test-Ab.1_-~", "gp-x+/=", "gp-" + "a" * 500, "gp-!#$%&()*,:;<>?@[]^{|}"]
BAD = {
    "": "empty",
    " \r\n\t": "empty",
    "gp-": "starts with gp-",
    "GP-abc": "starts with gp-",
    "sk-abcdef": "starts with gp-",
    "abcdef": "starts with gp-",
    "gp-abc def": "one word",
    "gp-abc\tdef": "one word",
    "gp-abc\ndef": "single line",
    "gp-abc\r\ngp-def": "single line",
    '"gp-abcdef"': "quotes",
    "'gp-abcdef'": "quotes",
    "`gp-abcdef`": "quotes",
    "gp-abc\\ndef": "quotes or backslashes",
    "gp-abc\x00": "zero bytes",
    "gp-abc\x1b[0m": "one word",
    "gp-abc\x7f": "one word",
    "gp-schlüssel": "one word",
    "gp-abc\u200b": "one word",
    "gp-abc\u00a0": "one word",
    "gp-" + "a" * 5000: "longer than",
}


@pytest.mark.parametrize("text", GOOD)
@pytest.mark.parametrize("around", ["{}", "{}\n", "\r\n {}\t\r\n"])
def test_one_token_with_blanks_around(text: str, around: str) -> None:
    assert parse_key(around.format(text) if "{}" not in text else text, GONKAGATE).reveal() == text


@pytest.mark.parametrize(("text", "why"), BAD.items())
def test_refused_without_showing_it(text: str, why: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_key(text, GONKAGATE)
    error = caught.value
    assert code_of(error) == "secret_invalid"
    assert status_of(error) == 4
    assert why in error.message
    assert GONKAGATE.register_url in error.next_step
    said = error.message + error.next_step + repr(error) + str(error.args)
    for part in text.replace("gp-", " ").split():
        if len(part) > 2:
            assert part not in said
