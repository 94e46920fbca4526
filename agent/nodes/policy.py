"""policy: the two coding policies as a decision layer over the accepted proposals.

``mentions`` leaves every documented finding as it is. ``guidelines`` codes as a US coder: each step
drops or changes codes for one reason, and records it with the guideline card that asks for it.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from agent.policy.assertions import family_conditions, past_conditions, uncertain_diagnoses
from agent.policy.circumstances import decided_by_circumstances
from agent.policy.combining import combinations, integral_symptoms
from agent.policy.company import (
    causes_without_an_injury,
    figures_without_a_diagnosis,
    incidental_findings,
)
from agent.policy.first_listed import first_listed
from agent.policy.ledger import Ledger
from agent.policy.wording import fragments, outworded, unspecified_codes
from agent.state import CoderContext, State

Step: TypeAlias = Callable[[Ledger], None]

# What a step leaves is what the next one sees: symptoms come last, since combinations need some.
STEPS: Sequence[Step] = (
    first_listed,
    fragments,
    outworded,
    uncertain_diagnoses,
    past_conditions,
    family_conditions,
    incidental_findings,
    figures_without_a_diagnosis,
    causes_without_an_injury,
    decided_by_circumstances,
    combinations,
    unspecified_codes,
    integral_symptoms,
)


def apply_policy(state: State, context: CoderContext) -> State:
    """Apply the coding policy of the run to the accepted proposals."""
    if context.policy == "mentions":
        return {"proposals": state["proposals"]}
    ledger = Ledger(state, context)
    for step in STEPS:
        step(ledger)
    return {"proposals": ledger.proposals}
