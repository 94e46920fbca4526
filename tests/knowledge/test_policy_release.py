from pathlib import Path

from knowledge.code_systems import get_code_system
from knowledge.official.releases_at_hand import icd10cm_of
from knowledge.policy_data import load_policy
from knowledge.policy_release import policy_within

OFFICIAL = Path(__file__).parents[1] / "data/official"


def test_the_shipped_release_has_all_that_the_policy_puts_in_place():
    assert policy_within(load_policy(), get_code_system()) == load_policy()


def test_a_release_that_lacks_codes_never_gets_them():
    small = icd10cm_of(OFFICIAL)
    policy = policy_within(load_policy(), small)
    assert len(policy.combinations) < len(load_policy().combinations)
    put = [c for rule in policy.combinations for c in (*rule.replace.values(), *rule.add)]
    histories = [e.history for e in (*policy.history_codes, *policy.family_history_codes)]
    assert all(code in small for code in (*put, *filter(None, histories)))
    assert policy.past("C61").action == "drop"
    assert load_policy().past("C61").code == "Z85.46"
