import re

import pytest

from knowledge.code_systems import get_code_system
from knowledge.synonyms import american_spelling, load_synonyms


def test_every_code_exists_and_lacks_at_most_its_seventh_character():
    system = get_code_system("icd10cm")
    assert [term for term in load_synonyms() if term.code not in system] == []
    stems = {
        code[:-1].rstrip("X").rstrip(".")
        for code in system.codes(billable_only=True)
        if len(code) == len("S82.62XA")
    }
    codes = {term.code for term in load_synonyms()}
    assert [c for c in sorted(codes) if not system.get(c).billable and c not in stems] == []


def test_there_are_enough_terms_in_one_form():
    terms = load_synonyms()
    assert len(terms) >= 350
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9' -]*", term.phrase) for term in terms)
    assert all("  " not in term.phrase for term in terms)


def test_terms_are_in_american_spelling():
    words = {word for term in load_synonyms() for word in term.phrase.split()}
    assert sorted(word for word in words if american_spelling(word) != word) == []


@pytest.mark.parametrize(
    ("phrase", "code"),
    [
        ("hypertension", "I10"),
        ("diabetes", "E11.9"),
        ("heart attack", "I21.9"),
        ("heart failure with preserved ejection fraction", "I50.30"),
        ("copd exacerbation", "J44.1"),
        ("former smoker", "Z87.891"),
        ("metastases to bone", "C79.51"),
        ("flank pain", "R10.A0"),
        ("wrist fracture", "S62.109"),
    ],
)
def test_default_codes(phrase, code):
    assert {s.phrase: s.code for s in load_synonyms()}[phrase] == code


def test_urosepsis_has_no_code():
    assert "urosepsis" not in {s.phrase for s in load_synonyms()}


@pytest.mark.parametrize(
    ("british", "american"),
    [
        ("haemorrhage", "hemorrhage"),
        ("leukaemia", "leukemia"),
        ("ischaemic", "ischemic"),
        ("lymphoedema", "lymphedema"),
        ("oesophagitis", "esophagitis"),
        ("diarrhoea", "diarrhea"),
        ("dyspnoea", "dyspnea"),
        ("paediatric", "pediatric"),
        ("tumours", "tumors"),
        ("localised", "localized"),
        ("hospitalisation", "hospitalization"),
        ("dialysed", "dialyzed"),
    ],
)
def test_british_words_become_american(british, american):
    assert american_spelling(british) == american


@pytest.mark.parametrize(
    "word",
    [
        "angioedema",
        "gastroesophageal",
        "epiphyses",
        "analyses",
        "arise",
        "raised",
        "exercise",
        "ureteral",
        "leucovorin",
        "paralysis",
        "diameter",
    ],
)
def test_american_words_stay(word):
    assert american_spelling(word) == word


def test_words_of_code_titles_stay_but_for_latin_names():
    system = get_code_system("icd10cm")
    titles = " ".join(system.get(code).title for code in system.codes()).lower()
    changed = {
        word for word in set(re.findall(r"[a-z]+", titles)) if american_spelling(word) != word
    }
    assert changed <= {"acanthamoeba", "haematobium", "parahaemolyticus", "grey"}
