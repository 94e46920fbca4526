"""What the policy and the rules changed in a run, and why, read from its trace."""

from collections.abc import Iterable
from typing import NamedTuple

from agent.trace.events import Decision, Event, Judgement

_CHANGING = frozenset({"policy", "judge", "revise"})  # the nodes that apply policy and rules


class PolicyRow(NamedTuple):
    """One decision of policy or rules, or a question left to judgement.

    Attributes:
        code: The code; of a question the one that was to go.
        action: As in `agent.trace.events.Decision`; "judge" for a question.
        becomes: The code that speaks for it now, of a question the one beside it; None: none.
        why: The reason, of a question its answer.
        rule: Step, entry of the policy data, or rule; None in traces of older versions.
        citation: Guideline section.
        card: Guideline card; None in traces of older versions.
    """

    code: str
    action: str
    becomes: str | None
    why: str
    rule: str | None
    citation: str | None
    card: str | None


def policy_rows(events: Iterable[Event]) -> list[PolicyRow]:
    """Return what policy and rules did, in the order in which they did it."""
    rows = []
    for event in events:
        if isinstance(event, Decision) and event.node in _CHANGING:
            rows.append(
                PolicyRow(
                    event.code,
                    event.action,
                    event.replacement,
                    event.reason,
                    event.rule,
                    event.citation,
                    event.card,
                )
            )
        elif isinstance(event, Judgement):
            rows.append(_question(event))
    return rows


def _question(event: Judgement) -> PolicyRow:
    asked = "nobody was asked" if event.log_odds is None else f"log-odds {event.log_odds:+.1f}"
    first, second = event.codes
    why = f"{event.kind.replace('_', ' ')}? {event.answer} ({asked})"
    return PolicyRow(first, "judge", second, why, event.rule, event.citation, event.card)
