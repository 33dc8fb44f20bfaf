"""What must hold for a run on disk, judged from its files alone, with none of the program's own code.

`Run.problems` has one sentence for each thing that is wrong. The rules are those of docs/overlord.md: one
conversation a servant, user and answer in turn; each settled result with one ledger event; nothing twice.
"""

from __future__ import annotations

import json
import re
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Mapping

_RUN_ID = re.compile(r"run-\d{8}T\d{6}Z-[0-9a-f]{6}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_REGISTRY = {
    *("schemaVersion", "runId", "runToken", "worktree", "engine", "provider", "baseUrl", "state"),
    *("createdAt", "updatedAt", "statePath", "journalDir", "ledgerPath", "servants", "messages"),
    "ownedResources",
}
_SERVANT = {
    *("id", "name", "role", "model", "profile", "state", "blockedReason", "composerSubmitMode", "llmModel"),
    *("llmRequestId", "llmMessages", "llmMessageCount", "lastAckAt", "lastEventAt", "lastLivenessCheckAt"),
    *("lastUsefulSignalAt", "journalPath", "eventJournalPath", "scopeToken", "assignment", "handoff"),
    *("generation", "usage"),
}
_MESSAGE = {
    *("id", "target", "text", "createdAt", "state", "queuedAt", "startedAt", "completedAt", "failedAt"),
    *("responseText", "failureReason", "servantResults"),
}
_RESULT = {
    *("servantId", "state", "llmModel", "llmRequestId", "responseText", "errorText", "failureReason"),
    *("attempts", "startedAt", "completedAt", "failedAt", "usage"),
}
_EVENT = {"seq", "at", "type", "messageId", "slot", "model", "requestId", "responseText", "errorText"}
_OPEN = ("queued", "started")
_LEDGER_BYTES = 64 * 1024
Json = dict[str, Any]


def read_run(folder: Path) -> Run:
    """The run as it is now; the ledger is read first, because it is never ahead of the registry."""
    path = folder / "ledger.jsonl"
    ledger = path.read_bytes() if path.exists() else b""
    return Run(folder, json.loads((folder / "registry.json").read_bytes()), ledger)


@dataclass(frozen=True)
class Run:
    """A registry and the bytes of its ledger."""

    folder: Path
    registry: Json
    ledger: bytes = field(repr=False)

    @property
    def state(self) -> str:
        return str(self.registry["state"])

    @property
    def servants(self) -> dict[str, Json]:
        """By slot."""
        return {servant["id"]: servant for servant in self.registry["servants"]}

    @property
    def messages(self) -> dict[str, Json]:
        """By id."""
        return {message["id"]: message for message in self.registry["messages"]}

    @property
    def events(self) -> list[Json]:
        """The whole lines of the ledger."""
        return [json.loads(line) for line in self.ledger.split(b"\n")[:-1]]

    def results(self) -> Iterator[tuple[Json, Json]]:
        """Every message with every result of it."""
        for message in self.registry["messages"]:
            for result in message["servantResults"]:
                yield message, result

    def result(self, message_id: str, slot: str) -> Json:
        """One servant's result of a message."""
        return next(
            result
            for message, result in self.results()
            if message["id"] == message_id and result["servantId"] == slot
        )

    def started(self) -> set[str]:
        """The slots whose startup was answered."""
        return {slot for slot, servant in self.servants.items() if _answered(servant, None)}

    def conversations(self, slot: str) -> list[list[Json]]:
        """The conversation of a slot, and before it those that were replaced."""
        servant = self.servants[slot]
        kept = [
            json.loads((self.folder / "journal" / f"{slot}.generation-{number}.json").read_bytes())
            for number in range(1, servant["generation"])
        ]
        return [*kept, servant["llmMessages"]]

    def problems(self, *, idle: bool = True) -> list[str]:
        """Everything that is wrong; `idle`: no command is working, and one ran after the last kill."""
        return [
            *_shape(self),
            *(text for servant in self.registry["servants"] for text in _conversation(servant)),
            *(text for message in self.registry["messages"] for text in _message(message)),
            *_one_conversation_for_each_result(self),
            *_entries_belong_to_messages(self),
            *_ledger(self, whole=idle),
            *_states(self),
            *(_idle(self) if idle else ()),
        ]


def _answered(servant: Json, message_id: str | None) -> bool:
    return any(
        entry["role"] == "user" and entry["messageId"] == message_id and entry["state"] == "answered"
        for entry in servant["llmMessages"]
    )


def _shape(run: Run) -> Iterator[str]:
    registry = run.registry
    if not set(registry) >= _REGISTRY:
        yield f"the registry lacks {_REGISTRY - set(registry)}"
    if registry["runId"] != run.folder.name or not _RUN_ID.fullmatch(run.folder.name):
        yield f"the registry of {registry['runId']} is in {run.folder.name}"
    token = (run.folder / "token").read_text(encoding="ascii").strip()
    if token != registry["runToken"] or not re.fullmatch("[0-9a-f]{64}", token):
        yield "the token is another one"
    for servant in registry["servants"]:
        if not set(servant) >= _SERVANT:
            yield f"{servant['id']} lacks {_SERVANT - set(servant)}"
    for path in (run.folder, *run.folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode != (0o700 if path.is_dir() else 0o600):
            yield f"{path.name} has the mode {mode:o}"


def _conversation(servant: Json) -> Iterator[str]:
    entries, slot = servant["llmMessages"], servant["id"]
    if servant["llmMessageCount"] != len(entries):
        yield f"{slot}: llmMessageCount is {servant['llmMessageCount']}, there are {len(entries)}"
    systems = [place for place, entry in enumerate(entries) if entry["role"] == "system"]
    if systems != [0]:
        yield f"{slot}: system messages at {systems}"
    for entry, following in zip(entries, [*entries[1:], {"role": "nothing"}]):
        role, after = entry["role"], following["role"]
        if role == "user":
            answered = after == "assistant" and following["messageId"] == entry["messageId"]
            if entry["state"] not in ("pending", "answered", "failed"):
                yield f"{slot}: an entry is {entry['state']}"
            if (entry["state"] == "answered") is not answered:
                yield f"{slot}: {entry['messageId']} is {entry['state']}, then comes {after}"
        elif after == "assistant":
            yield f"{slot}: an answer after {role}"
        if role not in ("system", "user", "assistant") or not _TIME.fullmatch(entry["at"]):
            yield f"{slot}: an entry of {role} at {entry['at']}"
    asked = Counter(entry["messageId"] for entry in entries if entry["role"] == "user")
    yield from (f"{slot}: {name} is there {count} times" for name, count in asked.items() if count > 1)


def _message(message: Json) -> Iterator[str]:
    name = message["id"]
    if set(message) != _MESSAGE:
        yield f"{name}: the fields differ by {set(message) ^ _MESSAGE}"
    results = message["servantResults"]
    slots = [result["servantId"] for result in results]
    if len(set(slots)) != len(slots) or not slots:
        yield f"{name}: results of {slots}"
    for result in results:
        yield from (f"{name} {result['servantId']}: {text}" for text in _result(result))
    states = {result["state"] for result in results}
    if states & set(_OPEN):
        wanted = {"queued", "started"}
    else:
        wanted = (
            {"completed"} if states == {"completed"} else {"failed"} if states == {"failed"} else {"partial"}
        )
    if message["state"] not in wanted:
        yield f"{name} is {message['state']}, its results are {sorted(states)}"
    reasons = {result["failureReason"] for result in results if result["state"] == "failed"}
    reason = None if not reasons else reasons.pop() if len(reasons) == 1 else "several"
    if not states & set(_OPEN) and message["failureReason"] != reason:
        yield f"{name}: failureReason is {message['failureReason']}, not {reason}"
    text = results[0]["responseText"] if len(results) == 1 else None
    if message["responseText"] != text:
        yield f"{name}: responseText is not that of its result"


def _result(result: Json) -> Iterator[str]:
    if set(result) != _RESULT:
        yield f"the fields differ by {set(result) ^ _RESULT}"
    state = result["state"]
    filled = {
        "completed": ("responseText", "completedAt", "startedAt", "llmModel"),
        "failed": ("errorText", "failureReason", "failedAt"),
    }.get(state, ())
    empty = {
        "completed": ("errorText", "failureReason", "failedAt"),
        "failed": ("responseText", "completedAt"),
    }.get(state, ("responseText", "errorText", "failureReason", "completedAt", "failedAt"))
    yield from (f"it is {state} and has no {name}" for name in filled if not result[name])
    yield from (f"it is {state} and has {name}" for name in empty if result[name] is not None)
    if state not in (*_OPEN, "completed", "failed"):
        yield f"it is {state}"


def _one_conversation_for_each_result(run: Run) -> Iterator[str]:
    answers: Counter[tuple[str, str, str]] = Counter()
    for slot in run.servants:
        for entries in run.conversations(slot):
            for entry, following in zip(entries, entries[1:]):
                if entry["role"] == "user" and following["role"] == "assistant" and entry["messageId"]:
                    answers[slot, entry["messageId"], following["content"]] += 1
    for message, result in run.results():
        slot, name = result["servantId"], message["id"]
        if result["state"] == "completed":
            found = answers.pop((slot, name, result["responseText"]), 0)
            if found != 1:
                yield f"{name} {slot}: its answer is in {found} conversations"
        if result["state"] == "failed" and _answered(run.servants[slot], name):
            yield f"{name} {slot} failed, and is answered in the conversation"
    yield from (f"{name} {slot}: an answer that no result has" for slot, name, _ in answers)


def _entries_belong_to_messages(run: Run) -> Iterator[str]:
    texts = {name: message["text"] for name, message in run.messages.items()}
    for slot, servant in run.servants.items():
        for entry in servant["llmMessages"]:
            name = entry["messageId"]
            if name is not None and name not in texts:
                yield f"{slot}: {name} is no message of the run"
            elif name is not None and entry["role"] == "user" and entry["content"] != texts[name]:
                yield f"{slot}: {name} has another text"


def _ledger(run: Run, *, whole: bool) -> Iterator[str]:
    if whole and run.ledger and not run.ledger.endswith(b"\n"):
        yield "the ledger ends with half a line"
    try:
        events = run.events
    except ValueError:
        yield "a line of the ledger is not JSON"
        return
    numbers = [event.get("seq") for event in events]
    if numbers != list(range(1, len(events) + 1)):
        yield f"the ledger is numbered {numbers}"
    for event in events:
        if set(event) != _EVENT or not _TIME.fullmatch(event["at"]) or event["slot"] not in run.servants:
            yield f"ledger line {event.get('seq')} has the wrong fields"
        if (event["responseText"] is None) is (event["errorText"] is None):
            yield f"ledger line {event['seq']} is neither an answer nor a failure"
        if (event["type"] == "startup") is not (event["messageId"] is None):
            yield f"ledger line {event['seq']} is of the type {event['type']}"
    told: dict[tuple[str, str], list[Json]] = {}
    for event in events:
        if event["type"] == "redirect":
            told.setdefault((event["messageId"], event["slot"]), []).append(event)
    yield from _redirects(run, told, whole=whole)
    yield from _startups(run, events, whole=whole)


def _redirects(run: Run, told: Mapping[tuple[str, str], list[Json]], *, whole: bool) -> Iterator[str]:
    settled = {(message["id"], result["servantId"]): result for message, result in run.results()}
    yield from (f"{key}: the ledger has a result that is not there" for key in told if key not in settled)
    for key, result in settled.items():
        events = told.get(key, [])
        answers = [event for event in events if event["responseText"] is not None]
        if len(answers) > (1 if result["state"] == "completed" else 0):
            yield f"{key} is {result['state']}, and answered {len(answers)} times in the ledger"
        if result["state"] in _OPEN or not (whole or events):
            continue
        if not events:
            yield f"{key} is {result['state']} without an event"
            continue
        last = events[-1]
        text = result["responseText"]
        if text is not None:
            text = text.encode("utf-8", "surrogatepass")[:_LEDGER_BYTES].decode("utf-8", "ignore")
        if whole and (last["responseText"], last["errorText"]) != (text, result["errorText"]):
            yield f"{key}: the last event is not its result: {last}"
        if whole and last["requestId"] != result["llmRequestId"]:
            yield f"{key}: the last event has another request id"


def _startups(run: Run, events: list[Json], *, whole: bool) -> Iterator[str]:
    for slot, servant in run.servants.items():
        answers = [
            event
            for event in events
            if event["type"] == "startup" and event["slot"] == slot and event["responseText"] is not None
        ]
        there = sum(
            any(entry["role"] == "user" and entry["messageId"] is None and entry["state"] == "answered"
                for entry in entries)
            for entries in run.conversations(slot)
        )  # fmt: skip
        if len(answers) > there or (whole and len(answers) != there):
            yield f"{slot}: {there} startups were answered, {len(answers)} of them in the ledger"
        if (
            whole
            and servant["state"] != "starting"
            and not any(event["type"] == "startup" and event["slot"] == slot for event in events)
        ):
            yield f"{slot}: its startup ended without an event"


def _states(run: Run) -> Iterator[str]:
    states = Counter(servant["state"] for servant in run.registry["servants"])
    number = len(run.servants)
    wrong = {
        "ready": states["ready"] != number,
        "blocked": states["blocked"] != number,
        "degraded": states["blocked"] in (0, number) or states["stopped"] > 0,
        "stopped": states["stopped"] != number,
        "failed": run.started() == set(run.servants),
        "starting": False,
        "awaiting-human": states["stopped"] > 0,
    }
    if states["starting"] and run.state in ("ready", "degraded", "blocked"):
        wrong = {run.state: False}  # somebody replaces a servant, or brings one back
    if wrong.get(run.state, True):
        yield f"the run is {run.state}, its servants are {dict(states)}"
    for slot, servant in run.servants.items():
        if (servant["state"] == "blocked") is not (servant["blockedReason"] is not None):
            yield f"{slot} is {servant['state']} for the reason {servant['blockedReason']}"


def _idle(run: Run) -> Iterator[str]:
    for message, result in run.results():
        if result["state"] in _OPEN:
            yield f"{message['id']} {result['servantId']} is {result['state']}, and nobody works on it"
    for slot, servant in run.servants.items():
        if servant["state"] == "starting":
            yield f"{slot} is starting, and nobody works on it"
        for entry in servant["llmMessages"]:
            if entry.get("state") == "pending":
                yield f"{slot}: {entry['messageId']} is pending, and nobody works on it"
    if run.state == "starting":
        yield "the run is starting, and nobody works on it"
    if run.registry["ownedResources"]:
        yield f"ownedResources are {run.registry['ownedResources']}, and nobody works"


# What a command said, held against the files.


def reported(stdout: str, stderr: str) -> list[tuple[str | None, str, str | None]]:
    """Every answer that was reported: (message id or None for a startup, slot, text or None if not shown)."""
    try:
        report = json.loads(stdout)
    except ValueError:
        return _on_screen(stdout, stderr)
    if not isinstance(report, dict):
        return []
    found: list[tuple[str | None, str, str | None]] = [
        (message["id"], result["servantId"], result["responseText"])
        for message in (report.get("messageResult"), report.get("thenResult"))
        if message is not None
        for result in message["servantResults"]
        if result["state"] == "completed"
    ]
    if report["command"] in ("start", "replace", "recover"):
        found += [
            (None, one["id"], None)
            for one in report.get("run", {}).get("servants", ())
            if one["state"] == "ready"
        ]
    return found


def _on_screen(stdout: str, stderr: str) -> list[tuple[str | None, str, str | None]]:
    message_of: dict[str, str] = {}
    found: list[tuple[str | None, str, str | None]] = []
    for line in stderr.splitlines():
        named = re.fullmatch(r"(m-\d+) to (.*)", line)
        if named:
            message_of.update(dict.fromkeys(named[2].split(", "), named[1]))
        elif line.startswith("      "):
            parts = [
                re.fullmatch(r"(ultra|normal-\d) [\d.,]+ \w+", part) for part in line.strip().split(", ")
            ]
            found += [(message_of.get(match[1]), match[1], None) for match in parts if match]
    answers = re.finditer(r"^== (\S+) \(", stdout, re.MULTILINE)
    found += [(message_of.get(match[1]), match[1], None) for match in answers]
    return found


def lost(run: Run, answers: list[tuple[str | None, str, str | None]]) -> list[str]:
    """The reported answers that the registry or the ledger does not have."""
    missing = []
    events = run.events
    for message_id, slot, text in answers:
        if message_id is None:
            there = slot in run.started()
        else:
            result = run.result(message_id, slot)
            there = result["state"] == "completed" and text in (None, result["responseText"])
        noted = any(
            event["messageId"] == message_id and event["slot"] == slot and event["responseText"] is not None
            for event in events
        )
        if not (there and noted):
            missing.append(f"{message_id} {slot}: in the registry {there}, in the ledger {noted}")
    return missing
