"""Facts of docs/opencode-facts.md that no other test holds: what the program makes of each of them."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest

from foundation.host import Host
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.judgement.verdict import predict
from opencode_config import schema_line
from opencode_config.output import masked_name
from opencode_config.places import Environment, without_plugins
from opencode_config.program.surveying import take_survey
from opencode_config.survey import Traces
from opencode_config.versions import NEWEST_AUDITED
from scripts.lib import opencode_versions
from tests.support.surveying import ACTIVE, HOME, INSTALLED, PROJECT_FILE, USER_FILE, expectation, survey

GOOD = {USER_FILE: {**INSTALLED, **ACTIVE}}


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        *((name, True) for name in ("apiKey", "api_key", "x-api-key", "clientSecret", "Authorization")),
        *((name, True) for name in ("password", "accessToken", "Set-Cookie", "credentials", "privateKey")),
        *((name, False) for name in ("tokens", "baseURL", "authorizations", "cookies", "name")),
    ],
)
def test_names_whose_values_opencode_masks(name: str, masked: bool) -> None:
    assert masked_name(name) is masked


@pytest.mark.parametrize(
    ("value", "pure"),
    [*((word, True) for word in ("1", "true", "TRUE", "yes", "on", "y")), ("0", False), ("", False)],
)
def test_words_that_keep_plugins_out(value: str, pure: bool) -> None:
    assert without_plugins({"OPENCODE_PURE": value}) is pure


def test_the_home_for_tests_moves_one_place_only() -> None:
    files = {f"{home}/.opencode/opencode.json": {"model": f"a/{home[1:]}"} for home in ("/t", str(HOME))}
    seen = survey(files, {"OPENCODE_TEST_HOME": "/t"})
    assert [layer.name for layer in seen.layers(Environment.FRESH)] == ["/t/.opencode/opencode.json"]
    assert seen.surroundings.user_folder == HOME / ".config" / "opencode"


def test_where_opencode_keeps_credentials_database_and_last_models(tmp_path: Path) -> None:
    entries = {"https://corp.example": {"type": "wellknown"}, "gonkagate": {"type": "api", "key": "x"}}

    def traces(**environ: str) -> Traces:
        return take_survey(Host(environ, tmp_path, tmp_path, "linux"), tmp_path, GONKAGATE.id).traces

    assert traces() == Traces()
    for base in (".local/share", "moved"):
        data = tmp_path / base / "opencode"
        data.mkdir(parents=True)
        (data / "auth.json").write_text(json.dumps(entries))
        (data / "opencode.db").touch()
        moved = {"XDG_DATA_HOME": str(data.parent)} if base == "moved" else {}
        assert traces(**moved) == Traces(("https://corp.example",), stored_key=True, database=True)
    assert traces(OPENCODE_AUTH_CONTENT="{}") == Traces(database=True)
    state = tmp_path / ".local" / "state" / "opencode"
    state.mkdir(parents=True)
    (state / "model.json").write_text('{"recent": [{"providerID": "a"}]}')
    assert traces().recent
    assert not traces(XDG_STATE_HOME=str(tmp_path)).recent


def test_a_working_folder_behind_a_link_is_the_real_one(tmp_path: Path) -> None:
    real, link = tmp_path / "far" / "real", tmp_path / "link"
    real.mkdir(parents=True)
    try:
        link.symlink_to(real)
    except OSError:
        pytest.skip("this account may not make symbolic links")
    around = take_survey(Host({"PWD": str(link)}, tmp_path, link, "linux"), link, GONKAGATE.id).surroundings
    assert around.ascent()[:2] == (real.resolve(), real.parent.resolve())


@pytest.mark.parametrize(
    ("text", "goes"), [("{}", True), (" \n{}", True), ("// mine\n{}", False), ("/* */{}", False), ("", False)]
)
def test_a_config_that_begins_with_a_comment_gets_no_schema(text: str, goes: bool) -> None:
    data = text.encode()
    assert (schema_line.as_opencode_leaves_it(data) != data) is goes
    seen = survey({**GOOD, PROJECT_FILE: "{}"}).replace({PurePosixPath(PROJECT_FILE): data})
    announced = [entry.code for entry in predict(expectation(), seen) if entry.path == PROJECT_FILE]
    assert announced == (["opencode_edits_config"] if goes else [])


def test_the_newest_version_of_the_tests_is_the_newest_audited_one() -> None:
    assert str(NEWEST_AUDITED) == opencode_versions.NEWEST
