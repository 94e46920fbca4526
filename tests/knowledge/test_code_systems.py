"""What every code system must keep, and what each of the further ones is."""

import re

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from knowledge.cli import show
from knowledge.code_systems import SYSTEM_KEYS, get_code_system, get_icd10cm
from knowledge.code_systems.icd10pcs import shared_words
from knowledge.data_packages import DataPackage
from knowledge.errors import UserError
from knowledge.map_cli import map_command

SYSTEMS = {key: get_code_system(key) for key in SYSTEM_KEYS}
CODES = {key: tuple(system.codes()) for key, system in SYSTEMS.items()}
ICD9, PROCEDURES, PCS, WHO, ICD11 = (
    SYSTEMS[key] for key in ("icd9cm", "icd9proc", "icd10pcs", "icd10who", "icd11")
)

systems_with_codes = st.one_of(
    *(st.tuples(st.just(SYSTEMS[key]), st.sampled_from(CODES[key])) for key in SYSTEM_KEYS)
)


@pytest.mark.parametrize(
    ("key", "codes", "billable"),
    [
        ("icd9cm", 17_553, 14_567),
        ("icd9proc", 4_651, 3_882),
        ("icd10pcs", 78_603, 78_603),
        ("icd10who", 12_246, 10_658),
        ("icd11", 122, 121),
    ],
)
def test_size(key, codes, billable):
    assert len(CODES[key]) == len(set(CODES[key])) == codes
    assert sum(1 for _ in SYSTEMS[key].codes(billable_only=True)) == billable


@given(systems_with_codes)
def test_every_code_hangs_on_the_entries_above_it(drawn):
    system, code = drawn
    assert code in system
    below = code
    for above in system.ancestors(code):
        assert below in system.children(above)
        assert system.get(below).parent == above
        assert not system.get(above).billable
        below = above
    assert system.get(below).parent is None


@given(systems_with_codes)
def test_children_stand_below_their_code(drawn):
    system, code = drawn
    entry = system.get(code)
    assert entry.code == code
    assert entry.title
    assert entry.billable == (not system.children(code))
    for child in system.children(code):
        assert system.ancestors(child)[0] == code
        assert system.get(child).chapter == entry.chapter


@given(systems_with_codes)
def test_official_form_stays_and_typed_forms_lead_to_it(drawn):
    system, code = drawn
    assert system.normalise(code) == code
    for typed in (code.lower(), f" {code} ", code.replace(".", "")):
        assert system.normalise(typed) == code


@given(st.sampled_from(SYSTEM_KEYS), st.text(max_size=9))
def test_any_text_is_shaped_like_a_code_or_a_clear_error(key, text):
    try:
        code = SYSTEMS[key].normalise(text)
    except UserError:
        return
    assert SYSTEMS[key].normalise(code) == code


@pytest.mark.parametrize("key", [key for key in SYSTEM_KEYS if key != "icd10cm"])
def test_the_further_systems_carry_no_notes(key):
    assert SYSTEMS[key].notes(CODES[key][0]) == ()


def test_a_system_is_loaded_once():
    assert all(get_code_system(key) is system for key, system in SYSTEMS.items())


def test_unknown_system_names_those_there_are():
    with pytest.raises(UserError, match="'icd9'; available: icd10cm, icd10who, icd10pcs, icd9cm"):
        get_code_system("icd9")


def test_notes_are_coded_in_icd10cm_only():
    assert get_icd10cm() is SYSTEMS["icd10cm"]
    with pytest.raises(UserError, match="icd10cm only, not in 'icd10who'"):
        get_icd10cm("icd10who")


def test_icd9_headings_say_that_they_have_no_title():
    assert ICD9.children("250.6") == ("250.60", "250.61", "250.62", "250.63")
    assert ICD9.ancestors("250.60") == ("250.6", "250", "240-279")
    assert ICD9.get("250.6").title == (
        "(heading of 4 codes, 250.60 to 250.63; the official list titles complete codes only)"
    )
    assert ICD9.get("386.00").title == "Ménière's disease, unspecified"


def test_icd9_chapters_hold_every_code():
    for system, key in ((ICD9, "icd9cm"), (PROCEDURES, "icd9proc")):
        chapters = {system.ancestors(code)[-1] for code in CODES[key]}
        assert all(system.get(chapter).chapter == chapter for chapter in chapters)
        assert len(chapters) == {"icd9cm": 19, "icd9proc": 18}[key]
    assert ICD9.ancestors("V45.81")[-1] == "V01-V91"
    assert ICD9.ancestors("E880.1")[-1] == "E000-E999"


def test_diagnoses_and_procedures_of_icd9_place_their_dot():
    assert ICD9.normalise("25060") == "250.60"
    assert PROCEDURES.normalise("9904") == "99.04"
    assert PROCEDURES.get("99.04").title == "Transfusion of packed cells"
    assert PROCEDURES.get("89.8").title == "Autopsy"


def test_pcs_meanings_fit_the_titles_of_all_codes():
    # In these sections titles begin with the operation; elsewhere they put other words first.
    plain = [code for code in CODES["icd10pcs"] if code[0] in "0234BC" or code[:3] == "XRG"]
    assert len(plain) > 70_000
    operations = {start: PCS.get(start).title for start in {code[:3] for code in plain}}
    assert all(PCS.get(code).title.startswith(operations[code[:3]]) for code in plain)


def test_pcs_knows_the_meaning_of_every_beginning():
    beginnings = {code[:length] for code in CODES["icd10pcs"] for length in (1, 2, 3)}
    assert all(PCS.get(beginning).title for beginning in beginnings)
    assert [PCS.get(code).title for code in PCS.ancestors("0DTJ4ZZ")] == [
        "Resection of Appendix, Percutaneous Endoscopic Approach",
        "Resection of Appendix, Percutaneous Endoscopic Approach",
        "Resection of Appendix …",
        "Resection",
        "Gastrointestinal System",
        "Medical and Surgical",
    ]


def test_shared_words_drop_what_joins_nothing():
    titles = ["Bypass Ureter to Ileum, Open Approach", "Bypass Ureter to Skin, Open Approach"]
    assert shared_words(titles) == "Bypass Ureter … Open Approach"


def test_who_edition_differs_from_the_us_one():
    assert WHO.get("R65.1").title.endswith("of infectious origin with organ failure")
    assert WHO.ancestors("J45.9") == ("J45", "J40-J47", "X")
    assert "J40-J47" not in WHO
    assert WHO.normalise("j459") == "J45.9"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("5a11", "5A11"),
        ("ba00z", "BA00.Z"),
        ("XA8HQ6", "XA8HQ6"),
        ("2c25.z & xa8hq6", "2C25.Z&XA8HQ6"),
        ("NC72.Z/PA60", "NC72.Z/PA60"),
    ],
)
def test_icd11_codes_and_clusters(raw, code):
    assert ICD11.normalise(raw) == code


@pytest.mark.parametrize("raw", ["E11.9", "250.60", "XA8HQ6&5A11", "5A11&", "5O11", "5A11/I10", ""])
def test_icd11_rejects_other_shapes(raw):
    with pytest.raises(UserError, match="not shaped like an ICD-11"):
        ICD11.normalise(raw)


def test_an_icd11_code_that_no_list_has_is_not_said_to_be_wrong():
    with pytest.raises(UserError, match="not among the ICD-11 MMS codes at hand"):
        ICD11.get("1A00")


@pytest.mark.parametrize(
    ("key", "code", "message"),
    [
        (
            "icd9cm",
            "250.99",
            r"existing codes: 250\.9, 250\.90.*Fix: icd-agent show 250\.9 --system",
        ),
        ("icd9proc", "99.0444", "not shaped like"),
        ("icd10pcs", "0DTJ9ZZ", "0DTJ goes on as 0DTJ0, 0DTJ4"),
        (
            "icd10who",
            "E11.10",
            r"existing codes: E11\.1\. Fix: icd-agent show E11\.1 --system icd10who",
        ),
        ("icd10who", "W99.9", "does not exist in ICD-10"),
    ],
)
def test_unknown_codes_are_answered_with_close_ones(key, code, message):
    system = SYSTEMS[key]
    with pytest.raises(UserError) as caught:
        system.get(system.normalise(code))
    assert re.search(message, str(caught.value))


def test_a_missing_data_package_names_the_command_that_mends_it():
    package = DataPackage("no_such_package", "no-such-package", "1.0", "data", "A code list")
    with pytest.raises(UserError, match=r"Fix: pip install no-such-package==1\.0"):
        package.file("codes.txt")


@pytest.mark.parametrize("command", [show, map_command])
def test_the_help_names_every_system(command):
    text = CliRunner().invoke(command, ["--help"]).stdout
    assert all(key in text for key in SYSTEM_KEYS)


@pytest.mark.parametrize("key", SYSTEM_KEYS)
def test_show_prints_the_same_object_for_every_system(key):
    arguments = [CODES[key][len(CODES[key]) // 2], "--system", key, "--json"]
    result = CliRunner().invoke(show, arguments, catch_exceptions=False)
    entry = orjson.loads(result.stdout)
    assert list(entry) == (
        "code title billable code_system release chapter ancestors children inclusion_terms "
        "includes notes".split()
    )
    assert (entry["code"], entry["code_system"]) == (arguments[0], SYSTEMS[key].name)
