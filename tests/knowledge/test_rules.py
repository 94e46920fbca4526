import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.code_systems import get_code_system
from knowledge.errors import UserError
from knowledge.rules import (
    DEFAULT_RULES,
    RULES,
    CodedItem,
    EncounterContext,
    Finding,
    check,
    check_rules,
)

SYSTEM = get_code_system()
CODES = tuple(SYSTEM.codes())
CONTEXT = EncounterContext()


def items(codes: str, *, principal: bool = False) -> list[CodedItem]:
    roles = ["principal" if principal and not at else "secondary" for at in range(99)]
    return [CodedItem(code, role) for code, role in zip(codes.split(), roles, strict=False)]


def findings(codes: str, rule: str, *, principal: bool = False) -> list[Finding]:
    return check_rules([rule], items(codes, principal=principal), CONTEXT, SYSTEM)


def worst(codes: str) -> list[str]:
    return [
        found.rule for found in check(items(codes), CONTEXT, SYSTEM) if found.severity != "info"
    ]


def test_excludes1_names_the_note_and_its_carrier():
    (found,) = findings("E10.9 E11.9", "excludes1")
    assert found.severity == "error"
    assert found.codes == ["E10.9", "E11.9"]
    assert 'E10 carries "Excludes1: type 2 diabetes mellitus (E11.-)"' in found.message
    assert found.citation == "ICD-10-CM Guidelines I.A.12.a; tabular list at E10"


@pytest.mark.parametrize(
    ("codes", "pairs"),
    [
        ("B20 Z21", 1),
        ("I10 Z79.4", 0),
        ("E11.9 E11.65", 0),
        ("K52.9 R19.7", 1),
        ("E11 E11.9", 0),  # heading and code
        ("D72.0 D72.824", 0),  # the note of D72 refers into D72 itself
        ("E08.9 E10.9 E11.9", 3),
        ("G63 E11.42", 1),  # "with .42"
        ("G63 E11.41", 0),
    ],
)
def test_excludes1_pairs(codes: str, pairs: int):
    assert len(findings(codes, "excludes1")) == pairs


def test_excludes1_of_unrelated_conditions_is_a_warning():
    apart = [
        CodedItem("K52.9", evidence=((0, 8),)),
        CodedItem("R19.7", evidence=((40, 48),)),
    ]
    together = [CodedItem("K52.9", evidence=((0, 8),)), CodedItem("R19.7", evidence=((4, 9),))]
    one_sided = [CodedItem("K52.9", evidence=((0, 8),)), CodedItem("R19.7")]
    severities = [
        check_rules(["excludes1"], case, CONTEXT, SYSTEM)[0].severity
        for case in (apart, together, one_sided)
    ]
    assert severities == ["warning", "error", "error"]


def test_excludes1_within_a_category_stays_an_error():
    pair = [
        CodedItem("R06.00", evidence=((0, 8),)),
        CodedItem("R06.82", evidence=((40, 48),)),
    ]
    assert check_rules(["excludes1"], pair, CONTEXT, SYSTEM)[0].severity == "error"


def test_admitting_diagnosis_is_not_part_of_the_reported_set():
    case = [CodedItem("Z21", "admitting"), CodedItem("B20", "principal"), CodedItem("R05.9")]
    assert check_rules(["excludes1"], case, CONTEXT, SYSTEM) == []
    same = [CodedItem("B20", "admitting"), CodedItem("B20", "principal")]
    assert check_rules(["duplicates"], same, CONTEXT, SYSTEM) == []


def test_excludes2_is_told_only_on_request():
    assert "excludes2" not in DEFAULT_RULES
    (found,) = findings("J44.9 J47.9", "excludes2") or findings("I21.4 I25.2", "excludes2")
    assert found.severity == "info"


@pytest.mark.parametrize(
    ("codes", "severities"),
    [
        ("F02.80", ["error"]),
        ("G30.9 F02.80", []),
        ("F02.80 G30.9", ["error"]),
        ("I10 F02.80", ["warning"]),  # the list is open; hypertension may be meant
        ("Z99.2 F02.80", ["error"]),  # a status code cannot be the underlying condition
        ("I11.0 I50.9", []),
        ("I50.9 I11.0", ["error"]),
        ("I50.9", ["info"]),
        ("D63.0", ["warning"]),
        ("C18.9 D63.0", []),
        ("E11.22 N18.32", []),
        ("N18.32 E11.22", ["error"]),
        ("T42.4X1A R40.20", ["info"]),  # poisoning goes before its effects
        ("T42.4X5A R40.0", []),  # left to the rules on drugs
    ],
)
def test_code_first(codes: str, severities: list[str]):
    assert [found.severity for found in findings(codes, "code_first")] == severities


def test_code_first_tells_how_to_reorder():
    (found,) = findings("I50.9 I11.0", "code_first")
    assert found.fix == "put I11.0 before I50.9"
    assert "heart failure due to hypertension (I11.0)" in found.message


def test_principal_goes_first_whatever_its_position():
    case = [CodedItem("I50.9"), CodedItem("I11.0", "principal")]
    assert check_rules(["code_first"], case, CONTEXT, SYSTEM) == []


@pytest.mark.parametrize(
    ("codes", "rules"),
    [
        ("F02.80 G30.9", ["manifestation_principal"]),
        ("J91.8 I50.9", ["manifestation_principal"]),
        ("B95.61 L03.90", []),  # "as the cause of diseases classified elsewhere"
        ("W19.XXXA S72.001A", ["external_cause_principal"]),
        ("S72.001A W19.XXXA", []),
    ],
)
def test_principal_diagnosis(codes: str, rules: list[str]):
    names = ["manifestation_principal", "external_cause_principal"]
    found = check_rules(names, items(codes, principal=True), CONTEXT, SYSTEM)
    assert [one.rule for one in found] == rules
    assert check_rules(names, items(codes), CONTEXT, SYSTEM) == []


@pytest.mark.parametrize(
    ("codes", "severities"),
    [
        ("I11.0", ["warning"]),  # every case has a type of heart failure
        ("I11.0 I50.9", []),
        ("E11.9", ["info"]),
        ("E11.9 Z79.84", []),
        ("I10", []),  # tobacco use, asked for by the whole block
        ("E11.9 E11.65", ["info"]),  # one note, one finding
    ],
)
def test_use_additional(codes: str, severities: list[str]):
    assert [found.severity for found in findings(codes, "use_additional")] == severities


def test_billable_offers_the_codes_below():
    (found,) = findings("E11", "billable")
    assert found.fix is not None
    assert found.fix.startswith("choose below it: E11.0, E11.1, E11.2")
    assert found.fix.endswith("and 2 more")
    assert findings("E11.9 I10 S82.001A S82.001", "billable") == []


@pytest.mark.parametrize(
    ("code", "message", "fix"),
    [
        ("S82.001", "needs a 7th character: A initial encounter", "as in S82.001A"),
        ("T42.4X1", "A initial encounter; D subsequent encounter; S sequela", "T42.4X1A"),
        ("T07", "needs a 7th character", "T07.XXXA"),
        ("T07.A", "wrong place", "report T07.XXXA instead of T07.A"),
        ("S82.001Z", "no valid 7th character; S82.001 allows A", "S82.001A"),
        ("S06.1X7D", "allows A initial encounter", "S06.1X7A"),
    ],
)
def test_seventh_character(code: str, message: str, fix: str):
    (found,) = check_rules(
        ["seventh_character", "billable", "unknown_code"], items(code), CONTEXT, SYSTEM
    )
    assert (found.rule, found.severity) == ("seventh_character", "error")
    assert message in found.message
    assert found.fix is not None
    assert fix in found.fix


def test_complete_codes_pass():
    assert findings("S82.001A T42.4X1A E11.9", "seventh_character") == []


def test_unknown_codes_are_found_not_dropped():
    (found,) = check(items("E11.7"), CONTEXT, SYSTEM)
    assert (found.rule, found.codes) == ("unknown_code", ["E11.7"])
    assert found.fix is not None
    assert found.fix.startswith("near it: E11, E11.0")


def test_duplicates():
    (found,) = findings("I10 E11.9 I10", "duplicates")
    assert found.codes == ["I10"]


@pytest.mark.parametrize(
    "codes", ["I10 Z79.4", "J44.0 J18.9", "G30.9 F02.80", "S72.001A W19.XXXA", "O80 Z37.0 Z3A.39"]
)
def test_sound_sets_are_clean(codes: str):
    assert worst(codes) == []


def test_cards_and_registry():
    assert all(name == rule.card.id == rule.function.__name__ for name, rule in RULES.items())
    assert all(rule.card.explanation and rule.card.citation for rule in RULES.values())


def test_unknown_rule():
    with pytest.raises(UserError, match="Unknown rule 'excludes3'; available: unknown_code"):
        check_rules(["excludes3"], [], CONTEXT, SYSTEM)


@settings(deadline=None)
@given(st.lists(st.sampled_from(CODES), max_size=12), st.booleans())
def test_check_takes_any_set_of_codes(codes: list[str], principal: bool):
    case = items(" ".join(codes), principal=principal)
    found = check_rules(list(RULES), case, CONTEXT, SYSTEM)
    assert all(set(one.codes) <= set(codes) for one in found)
    assert found == check_rules(list(RULES), case, CONTEXT, SYSTEM)


@settings(deadline=None)
@given(st.lists(st.sampled_from(CODES[10_000:12_000]), max_size=10), st.randoms())
def test_excludes1_does_not_depend_on_the_order(codes: list[str], rng: random.Random):
    shuffled = rng.sample(codes, len(codes))
    one, other = (findings(" ".join(some), "excludes1") for some in (codes, shuffled))
    assert one == other


def test_thirty_codes_take_under_50_ms():
    rng = random.Random(7)
    billable = list(SYSTEM.codes(billable_only=True))
    case = [CodedItem(code) for code in rng.sample(billable, 30)]
    check(case, CONTEXT, SYSTEM)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        check(case, CONTEXT, SYSTEM)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05
