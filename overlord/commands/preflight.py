"""The service is asked for its models: nothing else is sent before both of them are listed."""

from __future__ import annotations

from typing import Sequence

from foundation.errors import Refusal, Where
from overlord.commands.context import Context
from overlord.core.failures import Failure
from overlord.service.client import ChatClient
from overlord.settings import BASE_URL, MODEL, TIMEOUT, ULTRA_MODEL, Settings

_NEXT_STEPS = {
    "account_refused": "check the account at the service, then run this command again",
    "rate_limited": "wait a minute, then run this command again",
    "provider_unavailable": "try again in a few minutes",
    "unreachable": "check the network, HTTPS_PROXY and MMI_OVERLORD_LLM_BASE_URL",
    "redirected": "check MMI_OVERLORD_LLM_BASE_URL, and whether a proxy or a login page is in between",
}


def listed_models(context: Context, client: ChatClient) -> tuple[str, ...]:
    """The models that the service lists; Refusal for the reason why it does not."""
    try:
        return client.models()
    except Failure as problem:
        context.show_debug(problem.body)
        raise Refusal(
            problem.reason,
            problem.sentence,
            next_step=_next_step(context.settings, problem.reason),
        ) from None


def _next_step(settings: Settings, reason: str) -> str:
    if reason == "key_refused":
        return settings.how_to_set_key()
    if reason == "timeout":
        return settings.how_to_set(TIMEOUT, "more milliseconds, or try again later")
    if reason == "certificate_untrusted":
        return settings.how_to_set("NODE_EXTRA_CA_CERTS", "a file with your company's certificates")
    return _NEXT_STEPS.get(reason, f"check {BASE_URL}, then try again")


def missing(context: Context, listed: Sequence[str], normal_model: str, ultra_model: str) -> Refusal | None:
    """The refusal if one of the models is not listed."""
    for variable, model in ((MODEL, normal_model), (ULTRA_MODEL, ultra_model)):
        if model not in listed:
            return Refusal(
                "model_missing",
                f"the service does not list the model {model}",
                where=Where(variable),
                next_step=context.settings.how_to_set(variable, "a model that it lists"),
            )
    return None


def preflight(context: Context, client: ChatClient, normal_model: str, ultra_model: str) -> None:
    """Refuse a service that does not list both models; Refusal model_missing and why it lists none."""
    refusal = missing(context, listed_models(context, client), normal_model, ultra_model)
    if refusal is not None:
        raise refusal
