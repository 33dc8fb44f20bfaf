"""A conversation keeps its shape in any order of events: user, answer, user, answer; nothing twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from overlord.core import conversation
from overlord.core.json_values import Json
from tests.support.overlord_runs import AT, ready

STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "answer", "fail"]), st.sampled_from(["m-0001", "m-0002", "m-0003"])),
    max_size=25,
)


def entries() -> list[Json]:
    made: list[Json] = ready(1)["servants"][0]["llmMessages"]
    return made


def find(stored: list[Json], message_id: str) -> list[Json]:
    return [entry for entry in stored if entry["role"] == "user" and entry["messageId"] == message_id]


@given(STEPS)
def test_any_order_of_steps_keeps_pairs_and_stores_nothing_twice(steps: list[tuple[str, str]]) -> None:
    stored = entries()
    states: dict[str, str] = {}
    for step, message_id in steps:
        state = states.get(message_id)
        if step == "begin" and state != "answered":
            conversation.begin(stored, f"ask {message_id}", message_id, AT)
            states[message_id] = "pending"
            assert stored[-1]["messageId"] == message_id
        elif step == "answer" and state == "pending":
            conversation.answer(stored, message_id, f"answer {message_id}", AT)
            states[message_id] = "answered"
        elif step == "fail" and state != "answered":
            conversation.fail(stored, f"ask {message_id}", message_id, AT)
            states[message_id] = "failed"
    assert [entry["role"] for entry in stored].count("system") == 1
    assert stored[0]["role"] == "system"
    for message_id, state in states.items():
        assert [entry["state"] for entry in find(stored, message_id)] == [state]
        answers = [
            entry for entry in stored if entry["role"] == "assistant" and entry["messageId"] == message_id
        ]
        assert len(answers) == (state == "answered")
    for first, second in zip(stored, stored[1:]):
        if second["role"] == "assistant":
            assert (first["role"], first["state"], first["messageId"]) == (
                "user",
                "answered",
                second["messageId"],
            )
    for message_id, state in states.items():
        if state == "pending":
            sent = conversation.on_the_wire(stored, message_id)
            assert [entry["role"] for entry in sent] == [
                "system",
                *["user", "assistant"] * (len(sent) // 2 - 1),
                "user",
            ]
            assert sent[-1]["content"] == f"ask {message_id}"
            assert all(set(entry) == {"role", "content"} for entry in sent)
            asked = [entry["content"] for entry in sent[3:-1:2]]
            assert set(asked) == {f"ask {one}" for one, other in states.items() if other == "answered"}


@given(st.lists(st.text(), max_size=5))
def test_the_size_is_that_of_utf_8(texts: list[str]) -> None:
    stored: list[Json] = [{"role": "user", "content": text} for text in texts]
    assert conversation.stored_bytes(stored) == sum(
        len(text.encode("utf-8", "surrogatepass")) for text in texts
    )
