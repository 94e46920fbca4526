import csv

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from knowledge.code_systems import get_code_system
from knowledge.code_systems.icd9cm import ICD9CM, data_file, dotted
from knowledge.crosswalk import map_code
from knowledge.errors import UserError
from knowledge.map_cli import map_command

SYSTEM = get_code_system()


def _targets(mapping):
    return [[[target.code for target in part] for part in o.parts] for o in mapping.options]


def _raw_rows(name):
    """Read a table on its own, without the crosswalk: its rows by source as it is written there."""
    rows = {}
    with data_file(name).open(encoding="ascii") as file:
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


@given(st.sampled_from(sorted(BACKWARD)))
def test_no_icd10_row_is_lost_or_made_up(source):
    mapping = map_code(source, "icd10cm", "icd9cm", SYSTEM)
    found = [t.code for o in mapping.options for part in o.parts for t in part]
    assert sorted(found) == sorted(dotted(r[1]) for r in BACKWARD[source] if r[1] != "NoDx")
    scenarios = {(r[6], r[7]) for r in BACKWARD[source] if r[6] != "0"}
    parts = sum(len(o.parts) for o in mapping.options if len(o.parts) > 1)
    assert parts <= len(scenarios)


def test_every_target_in_icd9_has_a_title():
    icd9cm = ICD9CM.load()
    targets = {row[1] for rows in BACKWARD.values() for row in rows} - {"NoDx"}
    assert all(dotted(target) in icd9cm for target in targets)


@pytest.mark.parametrize(
    ("code", "source", "target", "message"),
    [
        ("250.6", "icd9cm", "icd10cm", r"250\.6 needs more digits: 250\.60, 250\.61"),
        ("000.00", "icd9cm", "icd10cm", r"ICD-9-CM has no diagnosis code 000\.00"),
        ("E11.9", "icd9cm", "icd10cm", r"'E11\.9' is not shaped like an ICD-9-CM"),
        ("E11", "icd10cm", "icd9cm", r"E11 is not a complete ICD-10-CM code; below it are E11\.0"),
        ("E11.9", "icd10cm", "icd11", r"No table maps from 'icd10cm' to 'icd11'; available"),
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


@given(st.text(max_size=8))
def test_any_text_is_a_code_or_a_clear_error(text):
    try:
        code = ICD9CM.load().normalise(text)
    except UserError:
        return
    assert ICD9CM.load().normalise(code.replace(".", "")) == code
