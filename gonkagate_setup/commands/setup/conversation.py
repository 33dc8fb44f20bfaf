"""What is asked, shown and agreed to in one setup."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from foundation.errors import Declined, Refusal
from foundation.secrets import Secret
from foundation.terminal.prompts import Back
from foundation.terminal.text import wrap
from gonkagate_setup import credential
from gonkagate_setup.catalog import Model, Profile
from gonkagate_setup.changes.plan import Plan
from gonkagate_setup.command_line.usage_errors import meant
from gonkagate_setup.commands import key_findings, targets
from gonkagate_setup.commands.setup import planning, unblocking
from gonkagate_setup.commands.setup.context import Agreed, Attempt, Context, Observation, Request
from gonkagate_setup.commands.setup.questions import Answers, Questions
from gonkagate_setup.judgement import verdict
from gonkagate_setup.judgement.findings import Finding
from gonkagate_setup.ui import render

_CONSENT_HELP: Final = (
    "Nothing is written before you say yes. If opencode then does not use the new settings, every file is "
    "put back as it was."
)


@dataclass(frozen=True)
class Conversation:
    """The request and its context; `given` are the answers from options."""

    request: Request
    context: Context
    given: Answers

    def agree(self, attempt: Attempt, answers: Answers | None = None, shown: Agreed | None = None) -> Agreed:
        """Read, ask, plan, show and get consent.

        `answers` are not asked for again, and a plan that was agreed to already (`shown`) is not shown again.
        """
        context = self.context
        back_from: Answers | None = None
        while True:
            observed = planning.observe(context)
            questions = self._questions(observed)
            if answers is None:
                answers = questions.ask(context.probe.check, back_from)
            if answers.key is not None:
                context.terminal.guard(answers.key)
            choice = planning.choice(answers, available_only=attempt.available_only)
            base = planning.plan(context, observed, answers, choice, join=self.given.scope is None)
            plan = unblocking.amended(context, observed, base, attempt.blockers)
            if shown is not None and shown.plan.configs == plan.configs:
                return replace(shown, answers=answers, plan=plan, observed=observed)
            # After a block the user has seen the plan already: if only repairs are new, only they are shown.
            only_repairs = shown is not None and bool(plan.repairs) and not attempt.available_only
            predicted = self._show(plan, observed, base if only_repairs else None)
            back = not attempt.blockers and questions.leads_back(answers)
            try:
                self._consent(plan, base if only_repairs else None, back=back)
            except Back:
                answers, back_from = None, answers
                continue
            seen = frozenset() if shown is None else shown.seen
            if context.terminal.notes_on_screen or self._asks_consent(plan):
                seen |= {finding.id for finding in predicted}
            return Agreed(answers, plan, observed, predicted, seen)

    def _show(self, plan: Plan, observed: Observation, base: Plan | None) -> tuple[Finding, ...]:
        """Show the plan; if `base` was agreed to already, only what is edited beyond it."""
        context = self.context
        if observed.state is not None and observed.state.repaired is not None:
            context.terminal.say(
                f"The setup record ({context.store.state}) will be rewritten: {observed.state.repaired}."
            )
        asks = self._asks_consent(plan)
        if not (asks or context.terminal.talks or self.request.dry_run):
            return ()
        survey = observed.survey.replace(plan.texts)
        predicted = verdict.predict(context.expectation(plan), survey)
        predicted += tuple(key_findings.around(survey, context.host, observed.secrets))
        predicted += tuple(targets.notices(targets.of_plan(plan, observed.key_file, observed.state_file)))
        if base is not None:
            preview = render.repairs_preview(plan, base, context.terminal.width)
        else:
            preview = render.preview(
                plan,
                profile=context.profile,
                store=context.store,
                findings=predicted,
                in_git=observed.survey.in_git,
                former_keys=[copy.path for copy in observed.former_keys(plan)],
                width=context.terminal.width,
            )
        if asks:
            context.terminal.show(f"{preview}\n")  # nobody can agree to what --quiet or a redirection hid
        else:
            context.terminal.say(preview)
        return predicted

    def _questions(self, observed: Observation) -> Questions:
        context = self.context
        return Questions(
            profile=context.profile,
            survey=observed.survey,
            home=context.store.home,
            state=observed.state,
            prompter=context.prompter,
            given=self.given,
            defaults=self.request.yes,
            find_key=lambda: self._find_key(observed.stored),
            key_stored=observed.stored is not None and observed.stored.secret is not None,
            key_optional=self.request.dry_run,
            announce=lambda sentence: context.terminal.say(wrap(sentence, context.terminal.width)),
        )

    def _find_key(self, stored: credential.StoredKey | None) -> tuple[Secret, str] | None:
        context, piped = self.context, self.request.read_stdin_key
        variable = context.profile.key_variable
        if piped is not None:
            return credential.parse_key(piped(), context.profile), "standard input"
        if context.host.environ.get(variable):
            return credential.parse_key(context.host.environ[variable], context.profile), variable
        if stored is not None and stored.secret is not None:
            return stored.secret, "the key that is already stored"
        return None

    def _asks_consent(self, plan: Plan) -> bool:
        request = self.request
        # Without a terminal, explicit choices are the consent, as scripts written for the npm tool expect; a
        # run with a piped key counts as a script even if there is a terminal.
        piped = request.read_stdin_key is not None and request.model is not None and request.scope is not None
        return self.context.prompter.asks and plan.changed and not (piped or request.yes or request.dry_run)

    def _consent(self, plan: Plan, base: Plan | None, *, back: bool) -> None:
        if not self._asks_consent(plan):
            return
        prompter = self.context.prompter
        if base is not None:
            agreed = prompter.confirm("Change this?", diff=None, help=_CONSENT_HELP, back=back)
        else:
            agreed = prompter.confirm(
                "Write this?", diff=lambda: render.diff(plan), help=_CONSENT_HELP, back=back
            )
        if not agreed:
            raise Declined("Nothing was written")


def given_model(request: Request, profile: Profile) -> Model | None:
    """The model that --model names; raises Refusal unsupported_model_key."""
    if not profile.validated:
        raise Refusal(
            "validated_models_unavailable",
            "This build has no validated model",
            next_step="install a released version of this tool",
        )
    if request.model is None:
        return None
    model = profile.model(request.model)
    if model is None:
        keys = [model.key for model in profile.validated]
        raise Refusal(
            "unsupported_model_key",
            "--model does not name a validated model",
            next_step=f"{meant(request.model, keys, '--model ')}choose one of: {', '.join(keys)}",
        )
    return model
