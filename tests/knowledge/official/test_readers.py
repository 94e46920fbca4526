"""The readers on small tables of our own, on tables made at random and on the real ones."""

from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.code_systems import get_code_system
from knowledge.errors import UserError
from knowledge.official.codes import printed_code
from knowledge.official.readers import read_drugs, read_index, read_neoplasms

OFFICIAL = Path(__file__).parents[2] / "data" / "official"
REAL = Path(__file__).parents[3].parent / "shared" / "data" / "icd10cm"
SYSTEM = get_code_system()


def test_index_entries():
    entries = {e.path: e for e in read_index(OFFICIAL / "icd10cm-index-2026-10-01.xml")}
    glass = "Glassblower, glassblowing wheeze NEC"
    assert entries[(glass,)].modifiers == ("retired", "working")
    assert entries[(glass,)].code == "J19"
    smoke = entries[(glass, "with, caused by smoke")]
    assert (smoke.code, smoke.manifestations, smoke.line) == ("T59.811-", ("J18.9",), 10)
    inflammation = entries[("Inflammation, inflamed",)]
    assert (inflammation.code, inflammation.see_also) == (None, "Wheeze")
    assert entries[("Inflammation, inflamed", "lung")].see == "Pneumonitis, croupous"
    assert entries[("Pneumonitis",)].manifestations == ("J19",)
    assert entries[("Pneumonitis", "smoke")].see_category == "T59.8"


def test_neoplasm_rows():
    rows = {r.site: r for r in read_neoplasms(OFFICIAL / "icd10cm-neoplasm-2026-10-01.xml")}
    assert rows[()].codes == {"primary": "C50", "benign": "D24"}
    assert rows[("nipple",)].codes == {"primary": "C50.-", "benign": "D24"}
    assert rows[("nipple",)].modifiers == ("female", "male")
    assert rows[("nipple", "duct")].see == "Neoplasm, nipple"


def test_drug_rows():
    rows = {r.substance: r for r in read_drugs(OFFICIAL / "icd10cm-drug-2026-10-01.xml")}
    assert rows[("Soot",)].codes == {"accidental": "T59.811", "self_harm": "T59.812"}
    assert rows[("Soot", "chimney")].modifiers == ()


TITLES = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="()[]"), max_size=12
).map(lambda text: " ".join(text.split()))
CODES = st.sampled_from(["I10", "E11.9", "C79.8-", "D48.-", "T59.81X-"])
ENTRIES = st.recursive(
    st.tuples(TITLES.filter(bool), st.none() | CODES, st.just([])),
    lambda below: st.tuples(TITLES.filter(bool), st.none() | CODES, st.lists(below, max_size=3)),
    max_leaves=12,
)


def _xml(entry, level):
    title, code, below = entry
    tag = f'term level="{level}"' if level else "mainTerm"
    printed = f"<code>{code}</code>" if code else ""
    inside = "".join(_xml(child, level + 1) for child in below)
    head = f"<{tag}><title>{escape(title)}<nemod>(left) (right)</nemod></title>"
    return f"{head}{printed}{inside}</{tag.split()[0]}>"


def _flat(entry, above=()):
    title, code, below = entry
    path = (*above, title.replace(" ,", ","))
    yield path, code
    for child in below:
        yield from _flat(child, path)


@given(st.lists(ENTRIES, min_size=1, max_size=4))
def test_every_entry_is_read_once_in_its_place(tmp_path_factory, entries):
    path = tmp_path_factory.mktemp("index") / "icd10cm-index-2026.xml"
    mains = "".join(_xml(entry, 0) for entry in entries)
    text = f"<ICD10CM.index><letter><title>A</title>{mains}</letter></ICD10CM.index>"
    path.write_text(text, encoding="utf-8")
    read = read_index(path)
    assert [(e.path, e.code) for e in read] == [e for entry in entries for e in _flat(entry)]
    assert all(e.modifiers == ("left", "right") for e in read)


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("<letter><title>A</title></letter>", "holds no main terms"),
        ("<letter>\n<mainTerm><code>I10</code></mainTerm></letter>", "line 2: <mainTerm> has no"),
        (
            "<letter><mainTerm><title>a</title>\n<cell col='9'>I10</cell></mainTerm></letter>",
            "line 2: <cell> has the column '9'",
        ),
    ],
)
def test_a_damaged_table_is_refused_with_its_line(tmp_path, inside, message):
    path = tmp_path / "icd10cm-drug-2026.xml"
    path.write_text(f"<ICD10CM.index>{inside}</ICD10CM.index>", encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_drugs(path)


@pytest.mark.parametrize(
    ("printed", "code"),
    [
        ("I10", "I10"),
        ("C79.8-", "C79.8"),
        ("D48.-", "D48"),
        ("T59.811-", "T59.811"),
        ("S82.62X-", "S82.62"),
        (" E11.9 ", "E11.9"),
        ("E11.999", None),
        ("ventral surface", None),
        ("", None),
    ],
)
def test_printed_codes_lead_to_codes_of_the_release(printed, code):
    assert printed_code(SYSTEM, printed) == code


@pytest.mark.shared
@pytest.mark.skipif(not REAL.is_dir(), reason="the official tables are not beside the checkout")
def test_every_code_of_the_real_tables_exists():
    neoplasms = read_neoplasms(REAL / "icd10cm-neoplasm-2026-04-01.xml")
    drugs = read_drugs(REAL / "icd10cm-drug-2026-04-01.xml")
    causes = read_index(REAL / "icd10cm-eindex-2026-04-01.xml")
    assert (len(neoplasms), len(drugs), len(causes)) == (1940, 7430, 8090)
    printed = {code for row in (*neoplasms, *drugs) for code in row.codes.values()}
    printed |= {entry.code for entry in causes if entry.code}
    assert [code for code in sorted(printed) if printed_code(SYSTEM, code) is None] == []
    breast = next(row for row in neoplasms if row.site == ("breast",))
    assert breast.codes["in_situ"] == "D05.-"
