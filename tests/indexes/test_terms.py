import pytest

from indexes.specificity import specify
from indexes.term_table import (
    Term,
    code_terms,
    form_terms,
    plain_wording,
    read_terms,
    synonym_terms,
    write_terms,
)
from indexes.terms import TermGenerator
from indexes.tokens import text_stems
from knowledge.abbreviations import load_abbreviations
from knowledge.code_systems import get_code_system
from knowledge.note_text import Note


@pytest.fixture(scope="module")
def system():
    return get_code_system()


@pytest.fixture(scope="module")
def terms(system):
    return [*synonym_terms(), *code_terms(system)]


@pytest.fixture(scope="module")
def generator(terms, system):
    return TermGenerator(terms, system, load_abbreviations())


def found(generator, text):
    return {c.code: c for c in generator.candidates(Note.parse(text), 50)}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Lobar pneumonia, unspecified organism.", "J18.1"),
        ("The patient has T2DM.", "E11.9"),
        ("Admitted with acute on chronic systolic heart failure.", "I50.23"),
        ("Pain in the right hip for two weeks.", "M25.551"),
        ("Known gastroesophageal reflux disease.", "K21.9"),
        ("oesophageal varices", "I85.00"),
        ("Diagnosed with appendicitys.", "K37"),
        ("Hepatitis B, acute", "B16.9"),
        ("kidney stones", "N20.0"),
    ],
)
def test_finds_the_code_of_a_wording(generator, text, code):
    assert code in found(generator, text)


def test_the_evidence_is_the_words_of_the_note(generator):
    text = "HPI: He reports a burning pain.\nAssessment: lobar pneumonia of the left lung."
    mention = found(generator, text)["J18.1"].mentions[0]
    assert text[mention.span.start : mention.span.end] == "lobar pneumonia"
    assert mention.source == "terms"


def test_a_longer_term_silences_the_shorter_inside_it(generator):
    codes = found(generator, "Type 2 diabetes mellitus with diabetic nephropathy.")
    assert codes["E11.21"].score > 2 * codes["E11.9"].score


def test_words_far_apart_are_no_term(generator):
    text = "Lobar anatomy was normal, and the radiologist saw nothing to suggest old pneumonia."
    assert found(generator, text)["J18.9"].mentions[0].term == "pneumonia"
    assert "J18.1" not in found(generator, text)


def test_words_of_two_sentences_are_no_term(generator):
    assert "J18.1" not in found(generator, "The lesion is lobar. Pneumonia was treated.")


def test_every_candidate_is_billable_and_ranked(generator, system):
    text = "Fracture of the left femur, diabetes, chest pain, hypertension and burns of the hand."
    candidates = generator.candidates(Note.parse(text), 50)
    assert candidates
    assert all(system.get(c.code).billable for c in candidates)
    scores = [c.score for c in candidates]
    assert scores == sorted(scores, reverse=True)
    assert len(generator.candidates(Note.parse(text), 2)) == 2


def test_a_known_word_is_not_corrected(terms, system):
    plain = TermGenerator(terms, system, [])
    knowing = TermGenerator(terms, system, [], known_words={"appendicitys"})
    note = Note.parse("appendicitys")
    assert plain.candidates(note, 5)
    assert not knowing.candidates(note, 5)


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("Essential (primary) hypertension", "Essential hypertension"),
        ("Pneumonia, unspecified organism", "Pneumonia"),
        ("Type 2 diabetes mellitus without complications", "Type 2 diabetes mellitus"),
    ],
)
def test_plain_wording(title, plain):
    assert plain_wording(title) == plain


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        ("M25.55", {"right", "hip", "pain"}, "M25.551"),
        ("M25.55", {"hip", "pain"}, "M25.559"),
        ("S82.001", set(), "S82.001A"),
        ("S82.001", {"heal"}, "S82.001D"),
        ("I10", set(), "I10"),
        ("Z68", {"bodi", "mass", "index"}, None),
    ],
)
def test_specify_descends_to_what_the_words_support(system, code, words, expected):
    assert specify(system, code, words) == expected


def test_a_term_table_survives_its_file(tmp_path):
    terms = [
        Term(
            "title", "I10", "Essential (primary) hypertension", frozenset({"essenti", "hypertens"})
        ),
        Term("synonym", "N20.0", "kidney stone", frozenset({"kidney", "stone"})),
    ]
    path = tmp_path / "terms.tsv.gz"
    write_terms(path, terms)
    first = path.read_bytes()
    assert read_terms(path) == terms
    write_terms(path, terms)
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ALLERGIES: none.", "T78.40XA"),
        ("Withdraws to touch, localizes pain.", "R40.2350"),
        ("Had her COVID-19 vaccine in May.", "U07.1"),
        ("Wears hearing aids.", "B20"),
        ("He has a dog.", "R51.9"),
    ],
)
def test_everyday_words_of_us_notes_lead_to_no_disease(generator, text, code):
    candidate = found(generator, text).get(code)
    assert candidate is None or candidate.score < 0.5


def test_forms_never_take_a_wording_that_leads_to_a_code(terms):
    wordings = {term.stems for term in terms}
    forms = list(form_terms(terms))
    assert not [term for term in forms if term.stems in wordings]
    assert text_stems("renal failure acute") in wordings | {term.stems for term in forms}
