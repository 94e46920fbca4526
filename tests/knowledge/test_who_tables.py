"""The loader of the WHO's tables, on files of our own in their schema."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from knowledge.cli import show
from knowledge.code_systems import get_code_system
from knowledge.crosswalk import map_code
from knowledge.crosswalk.who_tables import NAMES, read_tables
from knowledge.errors import UserError
from knowledge.map_cli import map_command

SYSTEM = get_code_system()
ONE, MULTIPLE, BACK = NAMES

HEADER = (
    "10ClassKind\t10DepthInKind\ticd10Code\ticd10Chapter\ticd10Title\t"
    "11ClassKind\t11DepthInKind\ticd11Id\ticd11Code\ticd11Chapter\ticd11Title"
)
BACK_HEADER = (
    "11ClassKind\t11DepthInKind\ticd11Id\ticd11Code\ticd11Chapter\ticd11Title\t"
    "10ClassKind\t10DepthInKind\ticd10Code\ticd10Chapter\ticd10Title"
)


def _line(icd10, title10, icd11, title11, kind="category"):
    left = f"{kind}\t1\t{icd10}\tI\t{title10}"
    return f"{left}\tcategory\t1\thttp://id.who.int/icd/x\t{icd11}\t01\t{title11}"


def _back_line(icd11, title11, icd10, title10):
    left = f"category\t1\thttp://id.who.int/icd/x\t{icd11}\t01\t{title11}"
    return f"{left}\tcategory\t1\t{icd10}\tI\t{title10}"


def _write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _write(
        tmp_path / ONE,
        "\ufeff" + HEADER,
        _line("IV", "Endocrine diseases", "", "", kind="chapter"),
        _line("E10-E14", "Diabetes mellitus", "", "", kind="block"),
        _line("E11", "- Type 2 diabetes mellitus", "5A11", "- - Type 2 diabetes mellitus"),
        _line("E11.9", "- - Type 2 diabetes, uncomplicated", "5A11", "Type 2 diabetes mellitus"),
        _line("J45.9", "Asthma, unspecified", "CA23.32", "Unspecified asthma, uncomplicated"),
        _line("Z00.0", "General medical examination", "", "No Mapping"),
        _line("R05", '"Cough"', "No Mapping", ""),
    )
    _write(
        tmp_path / MULTIPLE,
        HEADER,
        _line("J45.9", "Asthma, unspecified", "CA23.32", "Unspecified asthma, uncomplicated"),
        _line("J45.9", "Asthma, unspecified", "CA23.30", "Unspecified asthma with exacerbation"),
    )
    _write(
        tmp_path / BACK,
        BACK_HEADER,
        _back_line("5A11", "Type 2 diabetes mellitus", "E11.9", "Type 2 diabetes mellitus"),
        _back_line("CA23.32", "Unspecified asthma, uncomplicated", "J45.9", "Asthma, unspecified"),
        _back_line("QA00", "General examination", "", "No Mapping"),
        _back_line("RA03", "Inflammatory syndrome", "U10.9", "Inflammatory syndrome"),
    )
    return tmp_path


def _codes(mapping):
    return [target.code for option in mapping.options for part in option.parts for target in part]


def test_categories_are_read_and_chapters_and_blocks_passed_over(folder):
    tables = read_tables(folder)
    assert [line.source for line in tables.to_icd11] == (
        ["E11", "E11.9", "J45.9", "Z00.0", "R05", "J45.9", "J45.9"]
    )
    assert tables.to_icd11[0].source_title == "Type 2 diabetes mellitus"
    assert [line.source for line in tables.to_icd10] == ["5A11", "CA23.32", "QA00", "RA03"]


def test_the_one_category_comes_first_and_further_ones_follow(folder):
    mapping = map_code("J45.9", "icd10who", "icd11", SYSTEM, folder)
    assert _codes(mapping) == ["CA23.32", "CA23.30"]
    assert (mapping.method, mapping.status) == ("who_table", "mapped")


def test_only_the_same_title_counts_as_equivalent(folder):
    assert not map_code("E11", "icd10who", "icd11", SYSTEM, folder).options[0].approximate
    assert map_code("E11.9", "icd10who", "icd11", SYSTEM, folder).options[0].approximate


def test_no_mapping_is_kept_apart_from_not_in_the_tables(folder):
    for code in ("Z00.0", "R05"):
        mapping = map_code(code, "icd10who", "icd11", SYSTEM, folder)
        assert (mapping.status, mapping.options, mapping.hint) == ("no_map", (), None)
    mapping = map_code("K80", "icd10who", "icd11", SYSTEM, folder)
    assert mapping.status == "not_in_tables"
    assert mapping.hint == "neither the code nor a code above it is in the tables given."


def test_a_code_below_one_of_the_tables_maps_by_way_of_that(folder):
    mapping = map_code("E11.4", "icd10who", "icd11", SYSTEM, folder)
    assert (mapping.via, _codes(mapping)) == ("E11", ["5A11"])
    assert mapping.options[0].approximate


def test_back_to_icd10_and_on_to_icd10cm(folder):
    mapping = map_code("ca23.32", "icd11", "icd10cm", SYSTEM, folder)
    assert mapping.title == "Unspecified asthma, uncomplicated"
    assert [step.target for step in mapping.steps] == ["icd10who", "icd10cm"]
    ((target,),) = mapping.options[0].parts
    assert target.code == "J45.9"
    assert set(target.choose_from) == {"J45.90", "J45.99"}


def test_a_code_that_the_edition_at_hand_lacks_ends_the_chain_without_an_error(folder):
    direct = map_code("RA03", "icd11", "icd10who", SYSTEM, folder)
    assert direct.options[0].parts[0][0] == ("U10.9", None, False, ())
    mapping = map_code("RA03", "icd11", "icd10cm", SYSTEM, folder)
    assert (mapping.status, mapping.options) == ("not_in_tables", ())


def test_one_file_serves_its_own_direction(folder):
    assert map_code("E11.9", "icd10cm", "icd11", SYSTEM, folder / ONE).status == "mapped"
    with pytest.raises(UserError, match=f"do not map from 'icd11' to 'icd10who'.*{BACK}"):
        map_code("5A11", "icd11", "icd10who", SYSTEM, folder / ONE)


def test_show_names_codes_of_the_tables(folder):
    arguments = ["CA23.30", "--system", "icd11", "--tables", str(folder), "--json"]
    entry = orjson.loads(CliRunner().invoke(show, arguments, catch_exceptions=False).stdout)
    assert entry["title"] == "Unspecified asthma with exacerbation"
    assert entry["release"] == "WHO mapping tables"


def test_the_command_takes_the_tables(folder):
    arguments = ["J45.9", "--from", "icd10who", "--to", "icd11", "--tables", str(folder), "--json"]
    result = CliRunner().invoke(map_command, arguments, catch_exceptions=False)
    assert orjson.loads(result.stdout)["method"] == "who_table"


def test_tables_are_for_icd11_alone(folder):
    with pytest.raises(UserError, match="--tables are the tables between ICD-10 and ICD-11"):
        map_code("250.60", "icd9cm", "icd10cm", SYSTEM, folder)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["icd10Code\ticd10Title"], "line 1: no column icd11Code, icd11Title; found icd10Code"),
        ([""], "line 1: no column icd10Code, .*; found nothing"),
        (
            [HEADER, _line("I10", "Hypertension", "BA00.Z", "x"), "category\t1\tI11"],
            "line 3: 3 fields, but the first line names 11 columns",
        ),
        ([HEADER, _line("I1O", "x", "BA00", "y")], r"line 2: 'I1O' is not shaped like an ICD-10"),
        ([HEADER, _line("I10", "x", "I10", "y")], r"line 2: 'I10' is not shaped like an ICD-11"),
        ([HEADER, _line("", "x", "BA00", "y")], "line 2: no icd10Code"),
    ],
)
def test_a_damaged_table_is_named_with_its_line(tmp_path, lines, message):
    path = _write(tmp_path / ONE, *lines)
    with pytest.raises(UserError, match=f"{ONE}, {message}"):
        read_tables(path)


def test_a_table_in_another_encoding_is_named_with_its_line(tmp_path):
    path = tmp_path / ONE
    path.write_bytes(HEADER.encode() + b"\n" + _line("I10", "M\xe9", "BA00", "x").encode("latin-1"))
    with pytest.raises(UserError, match=f"{ONE}, line 2: not UTF-8"):
        read_tables(path)


def test_what_is_no_table_is_said_to_be(tmp_path):
    with pytest.raises(UserError, match=f"holds none of the WHO's tables {ONE}"):
        read_tables(tmp_path)
    with pytest.raises(UserError, match="no such file or folder"):
        read_tables(tmp_path / "absent.txt")
    sheet = tmp_path / "10To11MapToOneCategory.xlsx"
    sheet.write_bytes(b"PK\x03\x04")
    with pytest.raises(UserError, match=r"not a text file.*name the \.txt file"):
        read_tables(sheet)


@given(st.text(max_size=60))
def test_any_line_is_read_or_refused_with_its_place(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / ONE
    path.write_text(f"{HEADER}\n{text}", encoding="utf-8", errors="replace")
    try:
        read_tables(path)
    except UserError as error:
        assert f"{ONE}, line " in str(error)  # noqa: PT017
