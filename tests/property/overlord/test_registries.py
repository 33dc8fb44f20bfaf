"""A registry is judged whatever it is: a sentence or None, never an exception; what passes can be used."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from overlord.core import registry as registries
from tests.support.overlord_runs import RUN_ID, rules
from tests.unit.overlord.core.test_registry import PLACES, changed

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(ANY)
def test_any_json_value_is_judged(value: Any) -> None:
    assert registries.what_is_wrong(value, RUN_ID) is not None


@given(st.sampled_from(PLACES), ANY)
def test_any_value_anywhere_is_judged_and_what_passes_can_be_reported(
    path: tuple[Any, ...], value: Any
) -> None:
    registry = json.loads(json.dumps(changed(path, value)))
    wrong = registries.what_is_wrong(registry, RUN_ID)
    assert wrong is None or isinstance(wrong, str)
    if wrong is None:
        json.dumps(registries.public(registry, rules()))
        registries.summary(registry)
        registries.settle_state(registry)
