"""The coding policy as far as a release goes: nothing that it puts in place is a code of another.

The policy data are written for the shipped release. A user may adopt another one, which lacks some
of the codes that they name.
"""

from collections.abc import Container
from dataclasses import replace

from knowledge.policy_data import HistoryCode, Policy


def policy_within(policy: Policy, system: Container[str]) -> Policy:
    """Return a policy without the changes that would need a code which the release lacks.

    Args:
        policy: The policy data.
        system: The codes of the release.

    Returns:
        Combinations that would add such a code are left out; a past or family condition without a
        history code in the release counts as one that has none.
    """
    return replace(
        policy,
        history_codes=_known(policy.history_codes, system),
        family_history_codes=_known(policy.family_history_codes, system),
        combinations=tuple(
            rule
            for rule in policy.combinations
            if all(code in system for code in (*rule.replace.values(), *rule.add))
        ),
    )


def _known(entries: tuple[HistoryCode, ...], system: Container[str]) -> tuple[HistoryCode, ...]:
    return tuple(
        entry if entry.history is None or entry.history in system else replace(entry, history=None)
        for entry in entries
    )
