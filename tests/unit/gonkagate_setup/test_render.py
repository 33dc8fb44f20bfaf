"""Texts compared whole: what a person sees, in 80 and in 40 columns."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from foundation.errors import Where
from foundation.files.snapshot import Snapshot
from foundation.secrets.scrub import scrub
from foundation.terminal import text
from gonkagate_setup.catalog import GONKAGATE, Status
from gonkagate_setup.changes.plan import KeyAction, Plan, build
from gonkagate_setup.choice import Choice, Scope
from gonkagate_setup.commands import models
from gonkagate_setup.errors import Exit
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.report import FileReport, Report
from gonkagate_setup.store import Store
from gonkagate_setup.ui import catalogue, render
from opencode_config import places

GLOBAL = PurePosixPath("/home/me/.config/opencode")
PROJECT = PurePosixPath("/src/app")
STORE = Store(Path("/home/me"), None, GONKAGATE)
REF = "gonkagate/kimi-k2.6"
BLOCKER = Finding(
    "provider_disabled",
    "blocker",
    places.PROJECT,
    "a deny list names gonkagate, so opencode does not load it",
    'take "gonkagate" out of disabled_providers in /src/app/.opencode/opencode.json',
    where=Where("/src/app/.opencode/opencode.json", 3, 25),
    key="disabled_providers",
)
NOTICE = Finding("stored_credential", "notice", "a_new_layer", "It is unused", "")


def plan(
    user: str | None = None,
    project: str | None = None,
    scope: Scope = Scope.USER,
    key: KeyAction = KeyAction.CREATE,
) -> Plan:
    def snapshot(path: PurePosixPath, content: str | None) -> Snapshot:
        return Snapshot(path=path, real=path, data=None if content is None else content.encode())

    return build(
        GONKAGATE,
        Choice(GONKAGATE.models[0], scope),
        key,
        [snapshot(GLOBAL / "opencode.json", user), snapshot(GLOBAL / "opencode.jsonc", None)],
        [snapshot(PROJECT / "opencode.json", project), snapshot(PROJECT / "opencode.jsonc", None)],
        None,
    )


def preview(made: Plan, findings: tuple[Finding, ...] = (), width: int = 80) -> str:
    shown = render.preview(made, profile=GONKAGATE, store=STORE, findings=findings, width=width)
    assert shown.startswith("\n"), "set apart from the questions before it"
    # Our own folder is a path of the machine that the tests run on.
    return text.settle(shown[1:], encoding="ascii", colour=False).replace(os.sep, "/")


def report(ending: Report, width: int = 80) -> str:
    return text.settle(render.report(ending, width=width), encoding="ascii", colour=False)


def ending(**values: Any) -> Report:
    base: dict[str, Any] = {
        "command": "setup",
        "status": "success",
        "exit_status": Exit.DONE,
        "message": "opencode uses GonkaGate with Kimi K2.6 in every folder",
        "profile": GONKAGATE,
        "changed": True,
        "proved": ("durable", "fresh_shell", "session"),
        "opencode_version": "1.18.33",
        "next_step": "opencode",
    }
    return Report(**{**base, **values})


def test_the_preview_of_a_first_setup() -> None:
    assert (
        preview(plan())
        == """\
GonkaGate with Kimi K2.6, in every folder

  create     /home/me/.gonkagate/opencode/api-key
             your API key; no other file contains it, and only you can read it
  create     /home/me/.config/opencode/opencode.json
             defines provider.gonkagate with 3 models
             opencode starts with gonkagate/kimi-k2.6 (model and small_model)
             adds opencode's $schema, which opencode would add itself
  write      /home/me/.gonkagate/opencode/install-state.json
             what was set up and when, for the next run; no secret
             next to it: last-change.json, for undo, and
             opencode-executable.json"""
    )


def test_the_preview_of_project_scope_over_a_former_setup() -> None:
    provider = '{"gonkagate": {"api": "chat_completions", "name": "x"}}'
    user = f'{{"model": "gonkagate/kimi-k2.6", "provider": {provider}}}'
    assert (
        preview(plan(user, "{}", Scope.PROJECT, KeyAction.REPLACE))
        == """\
GonkaGate with Kimi K2.6, in this project only

  replace    /home/me/.gonkagate/opencode/api-key
             the new API key replaces the old one
  change     /home/me/.config/opencode/opencode.json
             updates provider.gonkagate: name, npm, options and models
             removes from provider.gonkagate what is not needed here: api
             no longer sets the model here (model)
             adds opencode's $schema, which opencode would add itself
             a backup is kept next to it
  change     /src/app/opencode.json
             opencode starts with gonkagate/kimi-k2.6 (model and small_model)
             adds opencode's $schema, which opencode would add itself
             a backup is kept in
             /home/me/.gonkagate/opencode/backups/project-config
  write      /home/me/.gonkagate/opencode/install-state.json
             what was set up and when, for the next run; no secret
             next to it: last-change.json, for undo, and
             opencode-executable.json"""
    )


def test_the_preview_when_everything_is_in_place() -> None:
    done = plan().configs[0].after
    shown = preview(plan(done, key=KeyAction.KEEP))
    assert shown.startswith("GonkaGate with Kimi K2.6, in every folder: already in place\n")
    assert "  no change  /home/me/.config/opencode/opencode.json\n             nothing to do\n" in shown
    assert "  create" not in shown
    assert "backup" not in shown


def test_the_preview_names_what_would_stand_in_the_way() -> None:
    shown = preview(plan(), (NOTICE, BLOCKER))
    assert shown.endswith("""\
This would be in the way:
  - a deny list names gonkagate, so opencode does not load it.
    layer: this project's config (project_config)
    where: /src/app/.opencode/opencode.json:3:25
    key: disabled_providers
    next: take "gonkagate" out of disabled_providers in /src/app/.opencode/opencode.json

Good to know:
  - It is unused.
    layer: a_new_layer (a_new_layer)""")


def test_a_key_that_stands_twice_is_announced() -> None:
    shown = preview(plan('{"model": "a/b",\n"model": "c/d"}'))
    assert "model appears twice (lines 1 and 2); the last one takes effect" in " ".join(shown.split())


def test_prose_fits_in_forty_columns_and_paths_stay_whole() -> None:
    shown = preview(plan("{}", "{}", Scope.PROJECT), (BLOCKER,), width=40)
    whole = ("/", "next:", "where:", "layer:")
    long = [line for line in shown.split("\n") if len(line) > 40]
    assert all(any(mark in line for mark in whole) for line in long), long
    assert "  change     /home/me/.config/opencode/opencode.json" in shown.split("\n")


def test_the_ending_of_a_success() -> None:
    files = (
        FileReport("/home/me/.gonkagate/opencode/api-key", "secret", "create"),
        FileReport("/src/app/opencode.json", "project_config", "keep"),
        FileReport("/home/me/.config/opencode/opencode.json", "user_config", "update", "/home/me/o.bak-1"),
    )
    assert (
        report(ending(files=files, findings=(NOTICE,)))
        == """\
opencode uses GonkaGate with Kimi K2.6 in every folder.
opencode 1.18.33 itself confirms it in this shell and in every new one.

Files:
  created    /home/me/.gonkagate/opencode/api-key
  changed    /home/me/.config/opencode/opencode.json
             backup: /home/me/o.bak-1

Good to know:
  - It is unused.
    layer: a_new_layer (a_new_layer)

undo: gonkagate-setup undo

next: opencode"""
    )


def test_the_ending_of_a_block_names_the_way_out_once() -> None:
    shown = report(
        ending(
            status="blocked",
            exit_status=Exit.BLOCKED,
            message="opencode would not use GonkaGate; everything was put back",
            changed=False,
            proved=(),
            findings=(BLOCKER,),
            files=(FileReport("/home/me/.gonkagate/opencode/api-key", "secret", "restore"),),
            next_step=BLOCKER.next_step,
        )
    )
    assert (
        shown
        == """\
opencode would not use GonkaGate; everything was put back.

In the way:
  - a deny list names gonkagate, so opencode does not load it.
    layer: this project's config (project_config)
    where: /src/app/.opencode/opencode.json:3:25
    key: disabled_providers
    next: take "gonkagate" out of disabled_providers in /src/app/.opencode/opencode.json

Files:
  put back   /home/me/.gonkagate/opencode/api-key"""
    )


def test_a_dry_run_offers_no_undoing() -> None:
    files = (FileReport("/a", "secret", "create"),)
    shown = report(
        ending(status="dry_run", message="Nothing was written", files=files, proved=(), next_step=None)
    )
    assert shown == "Nothing was written."


def test_a_rerun_that_changed_nothing_lists_no_files() -> None:
    files = (FileReport("/home/me/.gonkagate/opencode/install-state.json", "state", "update"),)
    assert "Files:" not in report(ending(changed=False, files=files))


def test_every_layer_has_plain_words() -> None:
    names = {value for name, value in vars(places).items() if name.isupper() and isinstance(value, str)}
    assert names == set(render.LAYERS)


def test_hostile_names_cannot_draw_on_the_screen() -> None:
    evil = "/tmp/\x1b[2J\r\nnext: rm -rf ~\u202e"
    finding = replace(BLOCKER, where=Where(evil), key=evil, message=evil, next_step=evil, layer=evil)
    shown = render.report(
        ending(message=evil, findings=(finding,), files=(FileReport(evil, "secret", "create", evil),))
    )
    raw = text.settle(shown, encoding="utf-8", colour=False)
    assert "\x1b" not in raw
    assert "\nnext: rm" not in raw
    assert "\u202e" not in raw


def test_the_diff_shows_each_changed_config_and_no_key() -> None:
    before = '{\n  "provider": {"gonkagate": {"options": {"apiKey": "gp-literal-0123456789"}}}\n}\n'
    shown = text.settle(render.diff(plan(before, "{}", Scope.PROJECT)), encoding="ascii", colour=False)
    assert "gp-literal" not in shown
    assert "{file:~/.gonkagate/opencode/api-key}" in shown
    assert str(GLOBAL / "opencode.json") in shown
    assert str(PROJECT / "opencode.json") in shown


def test_the_diff_of_crlf_files_shows_no_carriage_returns() -> None:
    shown = render.diff(plan('{\r\n  "theme": "x"\r\n}\r\n'))
    assert "\r" not in shown
    assert "\\r" not in text.settle(shown, encoding="ascii", colour=False)


def test_the_diff_of_a_rerun_is_empty_and_says_so() -> None:
    assert render.diff(plan(plan().configs[0].after)) == "No config changes."


@pytest.mark.parametrize("key", list(KeyAction))
def test_our_own_words_are_ascii_and_pass_the_last_redaction_unchanged(key: KeyAction) -> None:
    shown = preview(plan("{}", "{}", Scope.PROJECT, key), (BLOCKER,))
    assert shown.isascii()
    assert scrub(shown, ()) == shown


def test_the_catalogue_names_sources_limits_and_the_present_choice() -> None:
    entries = [models._entry(model, GONKAGATE, "minimax-m2.7") for model in GONKAGATE.models]
    entries.append(models._entry(replace(GONKAGATE.models[0], status=Status.CANDIDATE), GONKAGATE, None))
    shown = report(
        ending(
            command="models",
            message="3 validated models",
            proved=(),
            changed=False,
            details={"models": entries},
        )
    )
    assert "Kimi K2.6 (recommended)" in shown
    assert "MiniMax M2.7 (selected)" in shown
    assert "Kimi K2.6 (recommended, not offered: not validated)" in shown
    assert "limits: context 262144, output 8192" in shown
    assert "limits: none written" in shown
    assert "GonkaGate's kilo setup tool" in shown
    for model in GONKAGATE.models:
        assert model.upstream_id in shown
        assert f"--model {model.key}" in shown
    assert scrub(shown, ()) == shown


def test_the_catalogue_fits_in_forty_columns_but_for_names() -> None:
    entries = [models._entry(model, GONKAGATE, None) for model in GONKAGATE.models]
    for line in catalogue.lines(entries, 40):
        plain = text.settle(line, encoding="ascii", colour=False)
        assert all(len(row) <= 40 or len(row.split()) <= 2 for row in plain.split("\n")), plain
