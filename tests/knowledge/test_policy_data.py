import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import knowledge.policy_data
from knowledge.code_prefixes import expand, longest_match
from knowledge.code_systems import get_code_system
from knowledge.guidelines import load_cards
from knowledge.policy_data import Change, apply_combination, load_policy
from knowledge.rules import RULES
from knowledge.strict_yaml import read_yaml

FILE = Path(knowledge.policy_data.__file__).parent / "data" / "policy.yaml"
NOTES = Path(__file__).parents[1] / "data" / "notes"
WORDS = {"citation", "why", "message", "id", "each", "rule"}
TARGETS = {"history", "add"}


def _items(node, key=None):
    """Yield (item, whether it must be a billable code) for each prefix or code in the raw file."""
    if isinstance(node, dict):
        for name, value in node.items():
            if key == "replace":
                yield name, False
                yield value, True
            elif name == "each":
                continue
            elif name not in WORDS:
                yield from _items(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _items(value, key)
    elif node is not None:
        yield node, key in TARGETS


def _raw_items():
    for body in read_yaml(FILE).values():
        for entry in body if isinstance(body, list) else body["entries"]:
            each_of = entry.get("each", [""]) if isinstance(entry, dict) else [""]
            for each in each_of:
                for item, target in _items(entry):
                    yield item.replace("{each}", each), target


def _run(codes):
    for rule in load_policy().combinations:
        change = apply_combination(rule, codes)
        if change:
            codes = [code for code in codes if code not in change.removed] + list(change.added)
    return set(codes)


def test_every_prefix_and_range_end_is_in_the_classification():
    codes = list(get_code_system("icd10cm").codes())
    ends = {end for item, target in _raw_items() if not target for end in item.split("-")}
    assert sorted(end for end in ends if not any(code.startswith(end) for code in codes)) == []


def test_every_code_that_the_policy_assigns_is_billable():
    system = get_code_system("icd10cm")
    targets = {item for item, target in _raw_items() if target}
    assert len(targets) > 100
    assert sorted(c for c in targets if c not in system or not system.get(c).billable) == []


def test_every_citation_has_a_card():
    policy = load_policy()
    entries = [
        *policy.integral_symptoms,
        *policy.history_codes,
        *policy.family_history_codes,
        *policy.chronic,
        *policy.combinations,
    ]
    assert {e.citation for e in entries} <= {card.id for card in load_cards()}


def test_every_entry_has_a_name_of_its_own():
    policy = load_policy()
    entries = [
        *policy.integral_symptoms,
        *policy.history_codes,
        *policy.family_history_codes,
        *policy.chronic,
    ]
    names = [entry.id for entry in entries]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_mended_warnings_are_rules_that_propose_mends():
    assert load_policy().mended_warnings.keys() <= RULES.keys()


@pytest.mark.parametrize(
    ("disease", "symptom", "open_"),
    [
        ("J61", "R06.02", True),
        ("I10", "R06.02", False),
        ("J61", "R10.9", False),
        ("M54.2", "M54.9", False),
        ("M16.11", "M25.551", True),
    ],
)
def test_only_a_disease_of_the_same_body_system_may_explain_a_symptom(disease, symptom, open_):
    assert load_policy().may_explain(disease, symptom) is open_


def test_there_is_enough_of_everything():
    policy = load_policy()
    assert len(policy.integral_symptoms) >= 60
    assert len(policy.history_codes) >= 50
    assert len(policy.family_history_codes) >= 25
    assert len({rule.id for rule in policy.combinations}) >= 25


@pytest.mark.parametrize("kind", ["history_codes", "family_history_codes"])
def test_no_prefix_has_two_history_codes(kind):
    prefixes = [prefix for entry in getattr(load_policy(), kind) for prefix in entry.active]
    assert sorted({p for p in prefixes if prefixes.count(p) > 1}) == []


def test_no_prefix_is_both_chronic_and_history():
    policy = load_policy()
    chronic = {prefix for entry in policy.chronic for prefix in entry.codes}
    history = {prefix for entry in policy.history_codes for prefix in entry.active}
    assert chronic & history == set()


def test_no_symptom_is_integral_to_itself():
    for entry in load_policy().integral_symptoms:
        for symptom in entry.symptoms:
            assert not symptom.startswith(entry.diseases), entry


@pytest.mark.parametrize(
    ("code", "action", "becomes"),
    [
        ("C50.912", "replace", "Z85.3"),
        ("C18.7", "replace", "Z85.038"),
        ("C7A.026", "replace", "Z85.040"),
        ("I63.9", "replace", "Z86.73"),
        ("I21.4", "replace", "I25.2"),
        ("N20.0", "replace", "Z87.442"),
        ("F17.210", "replace", "Z87.891"),
        ("F10.20", "replace", "F10.21"),
        ("K57.32", "replace", "Z87.19"),
        ("A15.0", "replace", "Z86.11"),
        ("I10", "keep", None),
        ("E11.65", "keep", None),
        ("J44.9", "keep", None),
        ("K57.30", "keep", None),
        ("M06.9", "keep", None),
        ("I25.2", "keep", None),
        ("R07.9", "drop", None),
        ("H52.13", "drop", None),
    ],
)
def test_past_conditions(code, action, becomes):
    past = load_policy().past(code)
    assert (past.action, past.code) == (action, becomes)
    assert past.citation in {card.id for card in load_cards()}


@pytest.mark.parametrize(
    ("code", "family"),
    [
        ("C50.919", "Z80.3"),
        ("C18.9", "Z80.0"),
        ("C57.00", "Z80.44"),
        ("C57.9", "Z80.49"),
        ("I21.9", "Z82.49"),
        ("I63.9", "Z82.3"),
        ("E11.9", "Z83.3"),
        ("E78.00", "Z83.438"),
        ("Q61.3", "Z82.71"),
        ("S82.62XA", None),
    ],
)
def test_family_history(code, family):
    entry = load_policy().family(code)
    assert (entry.history if entry else None) == family


@pytest.mark.parametrize(
    ("symptom", "codes", "disease"),
    [
        ("R05.9", ["I10", "J18.9"], "J18.9"),
        ("R06.02", ["I50.33"], "I50.33"),
        ("R31.0", ["N20.1"], "N20.1"),
        ("R11.2", ["K85.90"], "K85.90"),
        ("R10.A1", ["N20.0"], "N20.0"),
        ("R31.9", ["J18.9"], None),
        ("R05.9", ["R05.9", "I10"], None),
        ("I10", ["J18.9"], None),
    ],
)
def test_integral_symptoms(symptom, codes, disease):
    found = load_policy().integral_to(symptom, codes)
    assert (found[0] if found else None) == disease


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["I10", "I50.30"], {"I11.0", "I50.30"}),
        (["I10", "N18.31"], {"I12.9", "N18.31"}),
        (["I10", "N18.6", "Z99.2"], {"I12.0", "N18.6", "Z99.2"}),
        (["I10", "I50.22", "N18.4"], {"I13.0", "I50.22", "N18.4"}),
        (["I10", "I50.22", "N18.6"], {"I13.2", "I50.22", "N18.6"}),
        (["I10", "I51.7"], {"I11.9"}),
        (["I10", "I51.7", "N18.30"], {"I13.10", "N18.30"}),
        (["I10", "I51.7", "I50.30"], {"I11.0", "I50.30"}),
        (["E11.9", "N18.4"], {"E11.22", "N18.4"}),
        (["E11.65", "N18.4"], {"E11.65", "E11.22", "N18.4"}),
        (["E11.22", "N18.4"], {"E11.22", "N18.4"}),
        (["E10.9", "G62.9"], {"E10.40"}),
        (["E11.9", "R73.9"], {"E11.65"}),
        (["E11.9", "L97.519"], {"E11.621", "L97.519"}),
        (["E11.9", "I73.9", "I96"], {"E11.52"}),
        (["E11.9", "I10", "N18.30"], {"E11.22", "I12.9", "N18.30"}),
        (["J44.9", "J18.9"], {"J44.0", "J18.9"}),
        (["J44.1", "J18.9"], {"J44.0", "J44.1", "J18.9"}),
        (["J44.9", "J44.1"], {"J44.1"}),
        (["J44.9", "J69.0"], {"J44.9", "J69.0"}),
        (["J43.9", "J44.9"], {"J43.9"}),
        (["J44.9", "J45.909"], {"J44.89"}),
        (["J44.9", "J45.40"], {"J44.89", "J45.40"}),
        (["I25.10", "I20.0"], {"I25.110"}),
        (["K80.20", "K81.0"], {"K80.00"}),
        (["N20.1", "N13.30"], {"N13.2"}),
        (["F10.20", "F10.10", "F17.210", "Z72.0"], {"F10.20", "F17.210"}),
        (["F10.20", "F10.939"], {"F10.239"}),
        (["F10.230", "F10.10"], {"F10.230"}),
        (["I10", "E11.9"], {"I10", "E11.9"}),
    ],
)
def test_combinations(before, after):
    assert _run(before) == after


def test_a_combination_says_what_goes_what_comes_and_why():
    rule = next(r for r in load_policy().combinations if r.id == "hypertension_heart_failure")
    change = apply_combination(rule, ["E11.9", "I50.30", "I10"])
    assert change == Change({"I10": "I11.0"}, ("I11.0",), ("I50.30", "I10"))
    assert apply_combination(rule, ["I10", "E11.9"]) is None


POOL = sorted(
    {"I10", "I11.9", "I50.30", "N18.31", "N18.6", "E11.9", "E11.65", "E10.9", "G62.9", "I73.9"}
    | {"J44.9", "J44.1", "J18.9", "J45.909", "I25.10", "I20.9", "K80.20", "K81.0", "D64.9"}
    | {"F10.10", "F10.20", "F10.939", "R73.9", "N20.0", "N13.30", "N40.0", "R35.1", "I96"}
)


@given(st.lists(st.sampled_from(POOL), unique=True))
def test_combinations_settle_after_one_pass_whatever_the_order(codes):
    once = _run(codes)
    assert _run(sorted(once)) == once
    assert _run(codes[::-1]) == once


@given(st.lists(st.sampled_from(POOL), unique=True))
def test_a_change_never_removes_what_it_adds(codes):
    for rule in load_policy().combinations:
        change = apply_combination(rule, codes)
        if change:
            assert not set(change.added) & (set(codes) | set(change.removed))
            assert set(change.removed) <= set(codes)
            assert set(change.because) <= set(codes)


@pytest.mark.parametrize(
    ("groups", "prefixes"),
    [
        (["J"], ("J",)),
        (["E11.2", "J12-J14"], ("E11.2", "J12", "J13", "J14")),
        (["C4A", "Z87.891"], ("C4A", "Z87.891")),
    ],
)
def test_groups_expand_to_prefixes(groups, prefixes):
    assert expand(groups) == prefixes


@pytest.mark.parametrize("group", ["", "j18", "J18-J12", "J12-K18", "J12-", "E11.", "E11.22222"])
def test_a_malformed_group_is_refused(group):
    with pytest.raises(ValueError, match=r"category range|ascend"):
        expand([group])


def test_the_longest_prefix_wins():
    assert longest_match("C57.00", ["C57", "C57.0", "C5"]) == "C57.0"
    assert longest_match("C61", ["C57"]) is None


def test_the_sample_notes_are_ascii_and_expect_billable_codes_once():
    system = get_code_system("icd10cm")
    expected = json.loads((NOTES / "expected.json").read_text(encoding="utf-8"))
    assert {path.stem for path in NOTES.glob("*.txt")} == set(expected)
    for name, note in expected.items():
        words = (NOTES / f"{name}.txt").read_text(encoding="ascii").split()
        assert 250 <= len(words) <= 450, name
        codes = [*note["must"], *note["may"], *note["must_not"]]
        assert len(codes) == len(set(codes)), name
        assert [c for c in codes if c not in system or not system.get(c).billable] == []


def test_the_expected_codes_of_the_sample_notes_obey_the_policy():
    policy = load_policy()
    expected = json.loads((NOTES / "expected.json").read_text(encoding="utf-8"))
    for note in expected.values():
        assert _run(note["must"]) == set(note["must"])
        assert [c for c in note["must"] if policy.integral_to(c, note["must"])] == []
