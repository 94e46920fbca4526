import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.code_systems import ICD10CM, _tabular, get_code_system
from knowledge.errors import UserError

SYSTEM = get_code_system()
CODES = tuple(SYSTEM.codes())


def official_codes() -> set[str]:
    lines = (_tabular.package_data() / _tabular.LIST_NAME).read_text(encoding="utf-8").split()
    return {line for line in lines if not line.isdigit() and "-" not in line}


def test_expanded_codes_are_exactly_those_of_the_official_list():
    assert len(CODES) == len(set(CODES)) == 98_186
    assert {code.replace(".", "") for code in CODES} == official_codes()


def test_billable_codes_are_the_leaves():
    billable = list(SYSTEM.codes(billable_only=True))
    assert len(billable) == 74_719
    assert not any(SYSTEM.children(code) for code in billable[::97])
    assert all(SYSTEM.get(code).billable for code in billable[::97])


def test_loading_does_not_import_the_source_package():
    script = (
        "import sys; from knowledge.code_systems import get_code_system; get_code_system();"
        "sys.exit('simple_icd_10_cm' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"names": ["A00"]', b"[]", b"\xff\xfe"])
def test_damaged_cache_is_noticed(tmp_path: Path, damage: bytes):
    path = tmp_path / "cache.json"
    path.write_bytes(damage)
    assert _tabular.read_cache(path) is None


def test_damaged_cache_is_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ICD_AGENT_CACHE", str(tmp_path))
    path = _tabular.cache_path()
    path.write_bytes(b"{")
    built, cached = ICD10CM.load(), _tabular.read_cache(path)
    assert cached is not None
    assert list(path.parent.iterdir()) == [path]
    assert tuple(built.codes()) == tuple(ICD10CM(cached).codes()) == CODES
    assert built.notes("J44.0") == ICD10CM(cached).notes("J44.0") == SYSTEM.notes("J44.0")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("e11.9", "E11.9"),
        ("E119", "E11.9"),
        (" E11.9 ", "E11.9"),
        ("S82001A", "S82.001A"),
        ("i10", "I10"),
        ("E11.", "E11"),
        ("c7a00", "C7A.00"),
        ("a00-a09", "A00-A09"),
        ("9", "9"),
    ],
)
def test_normalise(raw: str, code: str):
    assert SYSTEM.normalise(raw) == code


@pytest.mark.parametrize("raw", ["", "diabetes", "E1.19", "11.9", "E11.12345", "E11,9", "E.119"])
def test_normalise_rejects_what_is_not_shaped_like_a_code(raw: str):
    with pytest.raises(UserError, match="not shaped like") as caught:
        SYSTEM.normalise(raw)
    assert "icd-agent search" in str(caught.value)


@given(st.text(alphabet="AEST019X.- a", max_size=9))
def test_normalise_is_idempotent(raw: str):
    try:
        code = SYSTEM.normalise(raw)
    except UserError:
        return
    assert SYSTEM.normalise(code) == code


@given(st.sampled_from(CODES))
def test_every_code_round_trips(code: str):
    assert SYSTEM.normalise(code) == code
    assert SYSTEM.normalise(code.replace(".", "").lower()) == code
    found = SYSTEM.get(code)
    assert found.code == code
    assert code in SYSTEM
    assert found.parent == SYSTEM.ancestors(code)[0]
    assert code in SYSTEM.children(found.parent)
    assert SYSTEM.ancestors(code)[-1] == found.chapter


@given(st.sampled_from(CODES))
def test_stem_and_seventh_character_make_up_the_code(code: str):
    found, stem = SYSTEM.get(code), SYSTEM.stem(code)
    if found.seventh is None:
        assert stem == code
    else:
        assert SYSTEM.seventh_characters(code)[code[-1]] == found.seventh
        assert SYSTEM.get(stem).title + ", " + found.seventh == found.title
        assert code in SYSTEM.children(stem)


def test_title_of_a_seventh_character_code():
    title = "Unspecified fracture of right patella, initial encounter for closed fracture"
    assert SYSTEM.get("S82.001A").title == title


def test_placeholder_fills_short_codes():
    assert SYSTEM.children("T07") == ("T07.XXXA", "T07.XXXD", "T07.XXXS")
    assert SYSTEM.stem("T07.XXXA") == "T07"
    assert SYSTEM.stem("T42.4X1A") == "T42.4X1"
    assert "T07.XXA" not in SYSTEM


def test_seventh_characters_that_the_code_list_withholds():
    # Death before regaining consciousness has no subsequent encounter.
    assert set(SYSTEM.seventh_characters("S06.1X7")) == {"A"}
    assert "S06.1X7D" not in SYSTEM
    assert SYSTEM.seventh_characters("E11.9") == {}


def test_ancestors_name_category_blocks_and_chapter():
    assert SYSTEM.ancestors("E11.65") == ("E11.6", "E11", "E08-E13", "4")
    expected = ("V01.00", "V01.0", "V01", "V00-V09", "V00-V99", "V00-X58", "20")
    assert SYSTEM.ancestors("V01.00XA") == expected


@pytest.mark.parametrize("code", ["B20", "R99", "F99"])
def test_single_category_blocks_are_codes(code: str):
    assert SYSTEM.get(code).billable
    assert code not in SYSTEM.ancestors(code)
    assert code in SYSTEM.children(SYSTEM.get(code).chapter)


def test_blocks_and_chapters_can_be_looked_up_but_are_no_codes():
    assert SYSTEM.get("A00-A09").title == "Intestinal infectious diseases"
    assert SYSTEM.get("A00-A09").parent == "1"
    assert not SYSTEM.get("1").billable
    assert "A00-A09" not in SYSTEM
    assert "1" not in SYSTEM


def test_descendants_include_seventh_character_codes_only_below():
    below = SYSTEM.descendants("S82.00")
    assert "S82.001A" in below
    assert "S82.00" not in below
    assert SYSTEM.descendants("S82.001A") == ()
    assert SYSTEM.descendants("T07") == SYSTEM.children("T07")


@pytest.mark.parametrize(
    ("code", "near", "fix"),
    [
        ("E11.99", "E11.9", "icd-agent show E11.9"),
        ("S82.001Z", "S82.001A", "icd-agent show S82.001"),
        ("E11.7", "E11.0", "icd-agent show E11"),
        ("U99", "", "icd-agent search"),
    ],
)
def test_unknown_codes_are_answered_with_close_ones(code: str, near: str, fix: str):
    with pytest.raises(UserError) as caught:
        SYSTEM.get(code)
    assert code in caught.value.message
    assert near in caught.value.message
    assert caught.value.fix is not None
    assert caught.value.fix.startswith(fix)


def test_unknown_code_system():
    with pytest.raises(UserError, match="'icd9'; available: icd10cm"):
        get_code_system("icd9")


def test_notes_inherit_from_category_block_and_chapter():
    carriers = [note.carrier for note in SYSTEM.notes("J44.0")]
    assert list(dict.fromkeys(carriers)) == ["J44.0", "J44", "J40-J4A", "10"]
    assert {note.carrier for note in SYSTEM.notes("J44.0", inherited=False)} == {"J44.0"}
    assert SYSTEM.notes("S82.001A") == SYSTEM.notes("S82.001")
