import pytest

from indexes.circumstances.episode import with_seventh
from knowledge import circumstance_cues, circumstances
from knowledge.circumstances import (
    CIRCUMSTANCE_FILES,
    load_allergens,
    load_circumstances,
    load_drug_classes,
)
from knowledge.code_systems import get_icd10cm
from knowledge.guidelines import card
from knowledge.phrases import phrase_tokens

_WITHOUT_SEVENTH = ("Y09", "Y92", "Y93", "Y99")


def billable(code):
    return code in get_icd10cm() and get_icd10cm().get(code).billable


@pytest.mark.parametrize("name", CIRCUMSTANCE_FILES)
def test_every_code_of_a_rule_is_billable(name):
    wrong = []
    for rule in load_circumstances(name).rules:
        for code in rule.possible_codes():
            seventh = name == "external_causes" and not code.startswith(_WITHOUT_SEVENTH)
            wrong += [] if billable(with_seventh(code, "A") if seventh else code) else [code]
    assert wrong == []


@pytest.mark.parametrize("name", CIRCUMSTANCE_FILES)
def test_every_group_cites_a_section_that_has_a_card(name):
    cited = {rule.citation for rule in load_circumstances(name).rules}
    assert [section for section in cited if card(section) is None] == []


def test_every_class_of_drugs_has_codes_that_exist():
    classes, _ = load_drug_classes()
    assert [c.id for c in classes.values() if c.code and not billable(c.code)] == []
    # Of street drugs there is poisoning alone.
    assert [
        c.id
        for c in classes.values()
        if c.poisoning and not billable(with_seventh(c.poisoning + "1", "A"))
    ] == []


def test_other_long_term_drug_therapy_is_never_given():
    assert "Z79.899" not in {c.code for c in load_drug_classes()[0].values()}


@pytest.mark.parametrize(
    ("allergen", "code"), [("penicillin", "Z88.0"), ("iv contrast", "Z91.041"), ("bee", "Z91.030")]
)
def test_allergens_lead_to_billable_codes(allergen, code):
    found = load_allergens().longest(phrase_tokens(allergen), 0)
    assert found == (len(phrase_tokens(allergen)), code)
    assert billable(code)


def test_sides_choose_the_character():
    rule = next(r for r in load_circumstances("statuses").rules if r.code == "Z96.65")
    assert rule.codes(frozenset()) == ("Z96.659",)
    assert rule.codes(frozenset({"right"})) == ("Z96.651",)
    assert rule.codes(frozenset({"right", "left"})) == ("Z96.653",)
    rule = next(r for r in load_circumstances("statuses").rules if r.code == "Z89.51")
    assert rule.codes(frozenset({"right", "left"})) == ("Z89.511", "Z89.512")


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("groups: {a: {citation: I.A, when: past, rules: []}}", "at least 1 item"),
        ("groups: {a: {citation: I.A, when: often, rules: [{code: Z66, phrases: [x]}]}}", "when"),
        (
            "groups: {a: {citation: I.A, when: past, rules: [{code: Z66, phrases: [x], odd: 1}]}}",
            "odd",
        ),
        (
            "groups: {a: {citation: I.A, when: past, barred: [attic],"
            " rules: [{code: Z66, phrases: [x]}]}}",
            "no kinds of section: attic",
        ),
    ],
)
def test_a_file_that_breaks_the_schema_is_refused(yaml, message, tmp_path, monkeypatch):
    (tmp_path / "statuses.yaml").write_text(yaml, encoding="utf-8")
    monkeypatch.setattr(circumstances, "_DATA", tmp_path)
    load = load_circumstances.__wrapped__
    with pytest.raises(ValueError, match=message):
        load("statuses")


def test_a_drug_named_twice_is_refused(tmp_path, monkeypatch):
    (tmp_path / "long_term_drugs.yaml").write_text(
        "citation: I.A\nclasses: {a: {names: [aspirin]}, b: {names: [aspirin]}}", encoding="utf-8"
    )
    monkeypatch.setattr(circumstances, "_DATA", tmp_path)
    with pytest.raises(ValueError, match="'aspirin' stands twice"):
        load_drug_classes.__wrapped__()


def test_a_cue_is_bordered_by_words_unless_it_says_otherwise():
    assert circumstance_cues.cue("places", "house").search("at the house")
    assert not circumstance_cues.cue("places", "house").search("in the greenhouse")
    assert not circumstance_cues.cue("places", "house").search("a house fire")
    with pytest.raises(KeyError):
        circumstance_cues.cue("places", "moon")
