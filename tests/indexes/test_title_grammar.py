import pytest

from indexes.term_table import code_terms
from indexes.title_grammar import composed_terms
from indexes.tokens import text_stems
from knowledge.code_systems import get_code_system


@pytest.fixture(scope="module")
def system():
    return get_code_system()


@pytest.fixture(scope="module")
def table(system):
    return list(code_terms(system))


@pytest.fixture(scope="module")
def composed(table, system):
    return composed_terms(table, system)


@pytest.mark.parametrize(
    ("wording", "code"),
    [
        ("contusion of eyelid", "S00.1"),
        ("polyp of stomach", "K31.7"),
        ("laceration of thumb", "S61.01"),
        ("cellulitis of axilla", "L03.11"),
        ("lump of the neck", "R22.1"),
        ("malignant neoplasm of face", "C76.0"),
        ("laceration of ring finger", "S61.21"),
    ],
)
def test_titles_hold_shorter_wordings(composed, wording, code):
    stems = text_stems(wording)
    assert [term.code for term in composed if term.stems == stems] == [code]


def test_what_a_title_says_of_a_complication_is_no_choice(composed):
    assert not any(term.stems == text_stems("nausea vomiting") for term in composed)
    assert not any(term.stems == text_stems("hypertensive kidney disease") for term in composed)


def test_composed_wordings_are_new_and_of_codes_that_exist(composed, table, system):
    known = {term.stems for term in table}
    assert len(composed) > 1000
    assert len({term.stems for term in composed}) == len(composed)
    assert all(term.stems not in known and term.code in system for term in composed)


def test_a_wording_without_its_side_leads_to_a_code_without_one(composed, system):
    code = next(t.code for t in composed if t.stems == text_stems("laceration of ring finger"))
    titles = {system.get(c).title for c in system.children(code)}
    assert any("right ring finger" in t for t in titles)
    assert any("left ring finger" in t for t in titles)
