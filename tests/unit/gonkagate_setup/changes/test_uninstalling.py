"""What an uninstallation takes out of a config, and what it leaves and names; without a disk."""

from __future__ import annotations

import json
from typing import Any

import pytest

from foundation.errors import Refusal
from gonkagate_setup.catalog import GONKAGATE
from gonkagate_setup.changes.install_state import State
from gonkagate_setup.changes.uninstalling import Removal, build
from gonkagate_setup.errors import code_of
from tests.support.surveying import ACTIVE, HOME, INSTALLED, PROJECT_FILE, ROOT, USER_FILE, USER_JSONC, survey

BINDING = "{file:~/.gonkagate/opencode/api-key}"


def removal(files: dict[str, Any], created: tuple[str, ...] = (), **how: Any) -> Removal:
    state = how.pop("state", None)
    return build(GONKAGATE, survey(files, how.pop("environ", None), **how), state, created)


def after(made: Removal) -> dict[str, Any]:
    return {
        str(edit.snapshot.path): None if edit.after is None else json.loads(edit.after) for edit in made.edits
    }


def test_everything_of_ours_goes() -> None:
    made = removal({USER_FILE: {**INSTALLED, **ACTIVE, "theme": "dark"}, PROJECT_FILE: ACTIVE})
    schema = INSTALLED["$schema"]
    assert after(made) == {PROJECT_FILE: {}, USER_FILE: {"$schema": schema, "theme": "dark"}}
    assert list(after(made)) == [PROJECT_FILE, USER_FILE]
    assert (made.notices, made.key_needed) == ((), ())


def test_nothing_of_ours_is_no_edit() -> None:
    assert removal({USER_FILE: {"theme": "dark"}, PROJECT_FILE: {"model": "a/b"}}).edits == ()
    assert removal({}).edits == ()


def test_a_file_goes_only_when_it_was_made_by_us_and_is_empty() -> None:
    files = {USER_FILE: INSTALLED}
    assert after(removal(files, (USER_FILE,))) == {USER_FILE: None}
    assert after(removal(files)) == {USER_FILE: {"$schema": INSTALLED["$schema"]}}
    assert after(removal({USER_FILE: {**INSTALLED, "theme": "x"}}, (USER_FILE,)))[USER_FILE] is not None
    other = json.dumps({**INSTALLED, "$schema": "https://example.org/mine"})
    assert after(removal({USER_FILE: other}, (USER_FILE,)))[USER_FILE] is not None
    commented = "// mine\n" + json.dumps(INSTALLED)
    (edit,) = removal({USER_FILE: commented}, (USER_FILE,)).edits
    assert edit.after is not None
    assert edit.after.startswith("// mine\n")


MINE = (
    '{"$schema": "https://opencode.ai/config.json", "provider": {"mine": {"npm": "x"}}, // mine\n'
    '"provider": {"gonkagate": {"api": "chat_completions"}},\n"model": "x/y", "model": "gonkagate/kimi-k2.6"}'
)


def test_a_provider_of_the_persons_own_that_another_hides_stays() -> None:
    made = removal({USER_FILE: MINE}, (USER_FILE,))
    (edit,) = made.edits
    assert edit.after == (
        '{"$schema": "https://opencode.ai/config.json", "provider": {"mine": {"npm": "x"}}, // mine\n'
        '"provider": {},\n"model": "x/y", "model": "x/y"}'
    )
    assert not edit.comments_go
    hides = "the last one takes effect and is edited; the earlier one is kept"
    assert [duplicate.sentence for duplicate in edit.duplicates] == [
        f"provider appears twice (lines 1 and 2); {hides}",
        "model appears twice (lines 3 and 3); the earlier one is kept and takes effect",
    ]
    assert [(one.code, one.path, one.line, one.column, one.key) for one in made.notices] == [
        ("key_stands_twice", USER_FILE, 2, 1, "provider"),
        ("key_stands_twice", USER_FILE, 3, 17, "model"),
    ]


def test_an_earlier_one_of_ours_goes_along_and_is_told_of() -> None:
    made = removal({USER_FILE: '{"a": 1,\n"model": "gonkagate/kimi-k2.6",\n"model": "gonkagate/kimi-k2.6"}'})
    assert after(made) == {USER_FILE: {"a": 1}}
    assert [duplicate.sentence for duplicate in made.edits[0].duplicates] == [
        "model appears twice (lines 2 and 3); the earlier one was also written by a setup and is removed"
    ]
    assert made.notices == ()


def test_comments_that_go_along_are_noticed() -> None:
    inside = '{"provider": {"gonkagate": {\n// work account\n"name": "GonkaGate"}}}'
    assert [edit.comments_go for edit in removal({USER_FILE: inside}).edits] == [True]
    beside = '{// work account\n"provider": {"gonkagate": {\n"name": "GonkaGate"}}}'
    assert [edit.comments_go for edit in removal({USER_FILE: beside}).edits] == [False]


def test_all_three_files_of_the_user_layer() -> None:
    folder = HOME / ".config" / "opencode"
    files = {str(folder / "config.json"): INSTALLED, USER_FILE: INSTALLED, USER_JSONC: ACTIVE}
    assert set(after(removal(files))) == set(files)


def test_values_that_are_not_ours_stay_and_are_named() -> None:
    provider = json.loads(json.dumps(GONKAGATE.provider_config()))
    provider["api"] = "chat_completions"
    provider["options"]["baseURL"] = "https://elsewhere.example"
    provider["options"]["apiKey"] = "gp-a-literal"
    provider["models"]["kimi-k2.6"]["limit"] = {"context": 1, "output": 1}
    made = removal({USER_FILE: {"provider": {"gonkagate": provider, "other": {}}, **ACTIVE}})
    assert after(made)[USER_FILE] == {
        "provider": {
            "gonkagate": {
                "options": {"baseURL": "https://elsewhere.example", "apiKey": "gp-a-literal"},
                "models": {"kimi-k2.6": {"limit": {"context": 1, "output": 1}}},
            },
            "other": {},
        }
    }
    assert {(notice.code, notice.key) for notice in made.notices} == {
        ("uninstall_kept", "provider.gonkagate.options.baseURL"),
        ("uninstall_kept", "provider.gonkagate.options.apiKey"),
        ("uninstall_kept", "provider.gonkagate.models.kimi-k2.6.limit.context"),
        ("uninstall_kept", "provider.gonkagate.models.kimi-k2.6.limit.output"),
    }
    assert all("literal" not in f"{notice.message}{notice.next_step}" for notice in made.notices)


@pytest.mark.parametrize(
    ("model", "recorded", "goes"),
    [
        ("gonkagate/kimi-k2.6", None, True),
        ("gonkagate/minimax-m2.7", None, True),
        ("gonkagate/former", "former", True),
        ("gonkagate/former", "other", False),
        ("gonkagate/former", None, False),
        ("other/kimi-k2.6", None, False),
        (["gonkagate/kimi-k2.6"], None, False),
    ],
)
@pytest.mark.parametrize("key", ["model", "small_model"])
def test_an_activation_goes_where_it_is_proved_ours(
    key: str, model: Any, recorded: str | None, goes: bool
) -> None:
    state = None if recorded is None else State(model_key=recorded)
    for place in (USER_FILE, PROJECT_FILE):
        made = removal({place: {key: model}}, state=state)
        assert after(made) == ({place: {}} if goes else {})


def test_the_provider_in_a_project_file_is_named_and_left() -> None:
    made = removal({PROJECT_FILE: {"provider": {"gonkagate": {"name": "GonkaGate"}}}})
    assert made.edits == ()
    assert [(notice.code, notice.key, notice.line) for notice in made.notices] == [
        ("uninstall_kept", "provider.gonkagate.name", 4)
    ]


def test_places_out_of_reach_are_named() -> None:
    custom = "/etc/custom.json"
    made = removal(
        {custom: {"agent": {"build": {"model": "gonkagate/x"}}, "disabled_providers": ["gonkagate", "z"]}},
        environ={"OPENCODE_CONFIG": custom, "OPENCODE_CONFIG_CONTENT": '{"small_model": "gonkagate/y"}'},
    )
    assert {(notice.code, notice.path, notice.key) for notice in made.notices} == {
        ("uninstall_elsewhere", custom, "agent.build.model"),
        ("uninstall_elsewhere", custom, "disabled_providers"),
        ("uninstall_elsewhere", "OPENCODE_CONFIG_CONTENT", "small_model"),
    }


@pytest.mark.parametrize(
    ("reference", "needed"),
    [
        (BINDING, True),
        (f"{{file:{HOME}/.gonkagate/opencode/api-key}}", True),
        ("{file:../../.gonkagate/opencode/./api-key}", True),
        ("{file:~/{env:WHERE}/opencode/api-key}", True),
        ("{env:WHOLE}", True),
        ("{file:~/.gonkagate/opencode/other}", False),
        ("{file:~\\\\.gonkagate/opencode/api-key}", False),
        ("{file:$HOME/.gonkagate/opencode/api-key}", False),
    ],
)
def test_who_needs_the_key_file(reference: str, needed: bool) -> None:
    text = '{"provider": {"mine": {"options": {"apiKey": "' + reference + '"}}}}'
    made = removal({USER_FILE: text}, environ={"WHERE": ".gonkagate", "WHOLE": BINDING})
    assert [(one.code, one.path, one.line) for one in made.key_needed] == (
        [("uninstall_key_needed", USER_FILE, 1)] if needed else []
    )


def test_a_reference_in_a_comment_counts_as_opencode_counts_it() -> None:
    skipped = f'{{\n  // {BINDING}\n  "theme": "x"\n}}'
    resolved = f'{{\n  "theme": "x" // {BINDING}\n}}'
    assert removal({USER_FILE: skipped}).key_needed == ()
    assert [one.line for one in removal({USER_FILE: resolved}).key_needed] == [2]


def test_our_own_binding_does_not_keep_the_key() -> None:
    assert removal({USER_FILE: {**INSTALLED, **ACTIVE}}).key_needed == ()


def test_a_broken_layer_that_is_not_edited_keeps_the_key_when_it_names_it() -> None:
    place = str(ROOT / ".opencode" / "opencode.json")
    assert [one.path for one in removal({place: f"{{ broken {BINDING}"}).key_needed] == [place]


def test_a_broken_file_that_would_be_edited_stops_it() -> None:
    with pytest.raises(Refusal) as caught:
        removal({USER_FILE: "{"})
    assert code_of(caught.value) == "managed_config_parse_failed"


def test_a_project_that_is_the_users_own_config_folder() -> None:
    folder = HOME / ".config" / "opencode"
    made = removal({USER_FILE: {**INSTALLED, **ACTIVE}}, cwd=folder, worktree=folder)
    assert after(made) == {USER_FILE: {"$schema": INSTALLED["$schema"]}}
