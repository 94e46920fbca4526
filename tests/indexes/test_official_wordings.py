from pathlib import Path

import pytest

from indexes.official_wordings import official_wordings
from indexes.rows import Row
from indexes.term_table import adopt_term_table, make_term, synonym_terms
from knowledge.official.folder import find_official_files
from knowledge.official.releases_at_hand import icd10cm_of

OFFICIAL = Path(__file__).parents[1] / "data" / "official"


@pytest.fixture(scope="module")
def small():
    return icd10cm_of(OFFICIAL)


@pytest.fixture(scope="module")
def wordings(small):
    return official_wordings(find_official_files(OFFICIAL), small)


def texts(wordings, kind):
    return {(term.code, term.text) for term in wordings.terms if term.kind == kind}


def test_index_entries_become_bags_of_words(wordings):
    assert texts(wordings, "index") == {
        ("J19", "glassblower, glassblowing wheeze"),
        ("T59.811", "glassblower, glassblowing wheeze, with smoke"),
        ("J19", "loss of breath"),
        ("J18", "pneumonitis"),
        ("J18.1", "pneumonitis, croupous"),
        # "see Pneumonitis, croupous", once for each form of the main term
        ("J18.1", "inflammation, lung"),
        ("J18.1", "inflamed, lung"),
    }


def test_tables_become_one_wording_for_each_column(wordings):
    assert texts(wordings, "neoplasm") == {
        (code, f"{what} of {site}")
        for site in ("nipple", "nipple, duct")
        for code, kinds in (
            ("C50", ("malignant neoplasm", "cancer", "carcinoma")),
            ("D24", ("benign neoplasm", "benign tumor")),
        )
        for what in kinds
    }
    assert ("T59.812", "suicide attempt with soot, chimney") in texts(wordings, "drug")
    assert len(texts(wordings, "drug")) == 2 * 2 * 2


def test_single_words_of_the_external_causes_say_too_little(wordings):
    assert texts(wordings, "external") == {("W07", "toppling, rocking chair")}
    assert [row.text for row in wordings.rows if row.kind == "external"] == [
        "toppling, rocking chair"
    ]


def test_rows_hold_one_wording_of_each_column_and_no_intent(wordings):
    assert Row("neoplasm", "C50", "malignant neoplasm of nipple") in wordings.rows
    assert Row("drug", "T59.811", "poisoning by soot") in wordings.rows
    assert {row.key for row in wordings.rows if row.kind == "drug"} == {"T59.811"}
    assert len(set(wordings.rows)) == len(wordings.rows)


def test_codes_that_the_release_lacks_are_named(wordings):
    assert [tuple(code) for code in wordings.unread] == [
        ("icd10cm-index-2026-10-01.xml", 29, "L99.9")
    ]
    assert wordings.entries == {"index": 10, "eindex": 2, "neoplasm": 3, "drug": 2}


def test_the_official_index_comes_before_titles_and_drops_codes_of_other_releases(small, wordings):
    carried = make_term("mesh", "J18.1", "friedlander bacillus lobe")
    gone = make_term("mesh", "Z99.0", "aspirator dependence")
    table = adopt_term_table(small, wordings.terms, [carried, gone])
    assert carried in table
    assert gone not in table
    assert all(term.code in small for term in table)
    kinds = list(dict.fromkeys(term.kind for term in table))
    assert kinds.index("index") < kinds.index("title") < kinds.index("mesh")
    assert len({(term.stems, term.code) for term in table}) == len(table)
    assert {term.code for term in synonym_terms()} - {term.code for term in table}
