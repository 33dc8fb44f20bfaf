"""The workflows in which a validated model must succeed, each judged by what happened.

A judge gets the rig, raises WorkflowFailure, and returns evidence: counts, names and digests. What a model
says is free, so what is judged of it is only what the prompts pin down: bytes of files, a code word, and that
what was streamed is what was shown.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Callable, Final, Mapping, Sequence

from scripts.validating.gate import PIECES
from scripts.validating.names import WORKFLOW_NAMES
from scripts.validating.outcome import Evidence, Outcome, expect, failed
from scripts.validating.rig import CODE_WORD, FIRST_PROMPT, SECOND_PROMPT, TELLING, Rig, Run
from scripts.validating.settings import check_settings
from scripts.validating.traffic import Traffic, answered_as, essence, messages, pieces
from tests.stand_in import COMPLETIONS, HOST

_OK: Final = 200
_FILE: Final = "notes.txt"
_ORDER: Final = "Do this with your tools and do nothing else. "


def digest(value: Any) -> str:
    """SHA-256 of a text, of bytes, or of a value as canonical JSON."""
    data = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(value.encode() if isinstance(value, str) else data).hexdigest()


def user_scope(rig: Rig) -> Evidence:
    """User scope: opencode resolves the catalogue's provider and model, in the project and outside it."""
    report = rig.set_up("user")
    expect("durable" in report["proved"], "the set-up is proved by opencode", report["proved"])
    for folder in (rig.machine.project, rig.machine.elsewhere):
        _resolves(rig, rig.resolved(folder), active=True)
    return {"folders": 2, "providerDigest": _provider_digest(rig.profile.provider_config())}


def project_scope(rig: Rig) -> Evidence:
    """Project scope: the same inside the project; outside it the provider is there and not switched on."""
    rig.set_up("project")
    written = json.loads(rig.machine.project_config.read_bytes())
    expect(
        set(written) == {"$schema", "model", "small_model"},
        "the project file only activates",
        sorted(written),
    )
    _resolves(rig, rig.resolved(rig.machine.project), active=True)
    _resolves(rig, rig.resolved(rig.machine.elsewhere), active=False)
    return {"folders": 2, "projectKeys": sorted(written)}


def run(rig: Rig) -> Evidence:
    """`opencode run` asks the right model with the right key, and prints what was streamed."""
    turn = rig.first_turn
    _served(rig, turn.traffic)
    _printed(turn)
    return {"requests": len(turn.traffic.completions), "exitStatus": turn.finished.status}


def small_model(rig: Rig) -> Evidence:
    """The session title, opencode's lightweight task, is asked of the selected model."""
    titles = rig.first_turn.traffic.titles
    expect(titles, "a request for a session title", "none")
    models = sorted({str(request.json.get("model")) for request in titles})
    expect(models == [rig.model.upstream_id], f"the title is asked of {rig.model.upstream_id}", models)
    offered = [request.json.get("tools") for request in titles]
    expect(not any(offered), "no tools are offered for a title", offered)
    return {"titleModels": models}


def compatibility(rig: Rig) -> Evidence:
    """Headers, options and limits that the catalogue asks for are in the requests, and nothing it refuses."""
    completions = rig.first_turn.traffic.completions
    expect(completions, "a request for an answer", "none")
    return {"settings": check_settings(rig.model, completions[0])}


def continuation(rig: Rig) -> Evidence:
    """The second request carries the first turn, and the answer shows that the model had it."""
    first, second = rig.first_turn, rig.second_turn
    _served(rig, second.traffic)
    request = second.traffic.completions[0]
    users, assistants = messages(request, "user"), messages(request, "assistant")
    carried = any(FIRST_PROMPT in text for text in users) and any(SECOND_PROMPT in text for text in users)
    expect(carried, "both prompts are in the second request", f"{len(users)} prompts, not these two")
    said = essence("".join(pieces(first.traffic.answers[-1]))) if first.traffic.answers else ""
    expect(
        said and said in essence("".join(assistants)),
        "the first answer is in the second request",
        f"{len(assistants)} answers of the model, not this one",
    )
    answer = "".join(pieces(second.traffic.answers[-1]))
    expect(
        CODE_WORD in essence(answer),
        f"the answer contains the code word {CODE_WORD} of the first turn",
        answer,
    )
    _printed(second)
    return {"prompts": len(users), "answers": len(assistants)}


def interactive(rig: Rig) -> Evidence:
    """A prompt typed at a terminal is sent, the answer is rendered, Ctrl-C leaves cleanly."""
    session = rig.session
    expect(session.typed, "the typed prompt is on the screen", session.screen)
    _served(rig, session.traffic)
    expect(session.whole, "the answer is on the screen", session.screen)
    expect(session.status == 0, "exit status 0 after Ctrl-C", session.status)
    expect(session.left_screen, "the terminal's own screen is given back", "it is not")
    return {"requests": len(session.traffic.completions), "exitStatus": session.status}


def streaming(rig: Rig) -> Evidence:
    """The answer comes in pieces, and its beginning is on the screen while its end is still held back."""
    session = rig.session
    expect(session.traffic.answers, "a streamed answer", "none")
    counts = [len(pieces(answer)) for answer in session.traffic.answers]
    expect(max(counts) > PIECES, f"more than {PIECES} pieces of text", f"{counts} pieces")
    expect(
        session.part,
        "the beginning is on the screen while the rest is held back",
        session.screen or "nothing",
    )
    return {"pieces": max(counts), "heldAfter": PIECES}


def tools(rig: Rig) -> Evidence:
    """Tool calls are carried out: a file is written, then read and edited; judged by its bytes."""
    written = rig.run(f"{_ORDER}WRITE {_FILE}: first draft")
    first = _content(rig, written, b"first draft")
    edited = rig.run(f"{_ORDER}Read the file first. EDIT {_FILE}: first => second")
    second = _content(rig, edited, b"second draft")
    return {
        "toolCalls": [*written.traffic.tool_calls, *edited.traffic.tool_calls],
        "requests": [len(written.traffic.completions), len(edited.traffic.completions)],
        "bytesDigests": [digest(first), digest(second)],
    }


def switching(rig: Rig) -> Evidence:
    """With `-m` each model of the catalogue answers under its own id."""
    models = {}
    for model in rig.profile.validated:
        turn = rig.run("Say hi in one short sentence, without tools.", "-m", rig.profile.reference(model.key))
        _served(rig, turn.traffic, model.upstream_id)
        # Letter case is left aside: GonkaGate's own tools disagree about it (the note in the catalogue).
        named = sorted({name for answer in turn.traffic.answers for name in answered_as(answer)})
        wanted = model.upstream_id.casefold()
        expect(
            {name.casefold() for name in named} == {wanted},
            f"the answer comes from {model.upstream_id}",
            named,
        )
        models[model.key] = model.upstream_id
    return {"models": models}


def transport(rig: Rig) -> Evidence:
    """Chat completions only: nothing else was asked of the service, `/v1/responses` least of all."""
    _ = rig.first_turn
    asked = sorted({f"{request.method} {request.host}{request.path}" for request in rig.service.requests})
    expect(asked == [f"POST {HOST}{COMPLETIONS}"], f"only POST {COMPLETIONS}", asked)
    return {"endpoints": asked}


Judge = Callable[[Rig], Evidence]

# In this order; the names are in names.py, for those who run nothing.
_JUDGES: Final[Sequence[Judge]] = (
    user_scope,
    run,
    small_model,
    compatibility,
    continuation,
    interactive,
    streaming,
    tools,
    switching,
    transport,
    project_scope,
)
WORKFLOWS: Final[Mapping[str, Judge]] = dict(zip(WORKFLOW_NAMES, _JUDGES))


def judge(rig: Rig, names: Sequence[str], say: Callable[[Outcome], None]) -> list[Outcome]:
    """Run these workflows in their order; `say` hears of each as it ends. Texts hold no secret."""
    outcomes = []
    for name in WORKFLOWS:
        if name in names:
            outcomes.append(_outcome(rig, name))
            say(outcomes[-1])
    return outcomes


def _outcome(rig: Rig, name: str) -> Outcome:
    rig.start_clock()
    try:
        return Outcome(name, WORKFLOWS[name](rig))
    except Exception as error:  # noqa: BLE001 - whatever it was, the other workflows still have their answer
        return failed(name, error, [rig.machine.key])


def _served(rig: Rig, traffic: Traffic, upstream_id: str | None = None) -> None:
    """At least one answer was asked for, and every request named the model, had the key and was answered."""
    expect(traffic.completions, "a request for an answer", "none")
    wanted = upstream_id or rig.model.upstream_id
    for request in traffic.completions:
        expect(request.status == _OK, "the service answers", f"status {request.status} to {request.path}")
        model = request.json.get("model")
        expect(model == wanted, f"the request names {wanted}", model)
        expect(request.key == rig.machine.key, "the request carries the key", "another key, or none")


def _printed(turn: Run) -> None:
    # The exit status alone proves nothing: 1.14.34 ends with 0 after every kind of error
    # (docs/opencode-facts.md#commands-and-their-output).
    expect(turn.finished.status == 0, "exit status 0", turn.finished.output)
    text = essence("".join(pieces(turn.traffic.answers[-1]))) if turn.traffic.answers else ""
    expect(
        text and text[:TELLING] in essence(turn.finished.stdout),
        "standard output contains what was streamed",
        turn.finished.output,
    )


def _content(rig: Rig, turn: Run, wanted: bytes) -> bytes:
    path = rig.machine.project / _FILE
    calls = turn.traffic.tool_calls
    data = path.read_bytes().rstrip(b"\n") if path.is_file() else None
    expect(data == wanted, f"{_FILE} contains {wanted!r}", f"{data!r}, after the tool calls {calls}")
    _served(rig, turn.traffic)
    results = messages(turn.traffic.completions[-1], "tool")
    expect(
        calls and results,
        "a tool's result is sent back to the model",
        f"calls {calls}, {len(results)} results",
    )
    return wanted


def _resolves(rig: Rig, config: Mapping[str, Any], *, active: bool) -> None:
    for name in ("model", "small_model"):
        wanted = rig.reference if active else None
        expect(config.get(name) == wanted, f"{name} is {wanted}", config.get(name))
    provider = (config.get("provider") or {}).get(rig.profile.id) or {}
    found, wanted_digest = _provider_digest(provider), _provider_digest(rig.profile.provider_config())
    expect(found == wanted_digest, "the provider is as the catalogue says", sorted(provider))


def _provider_digest(provider: Mapping[str, Any]) -> str:
    """Digest of a provider's config without its key, which opencode shows resolved or masked."""
    options = {name: value for name, value in (provider.get("options") or {}).items() if name != "apiKey"}
    return digest({**provider, "options": options})
