"""Results in FHIR R4 and CSV: whatever a result may hold converts, validates and keeps offsets."""

import csv
import io
import json
import re
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.export.csv import COLUMNS, csv_rows, header
from agent.export.fhir import FhirOptions, bundle, check_options
from agent.export.fhir_condition import DERIVATION, SYSTEM
from agent.export.fhir_validation import validate_bundle
from agent.export.results import read_results
from agent.result import AssignedCode, Evidence, Policy, Result, ResultContext, Role, Usage
from knowledge.assertion import Assertion
from knowledge.errors import UserError
from knowledge.rules import Finding, Severity

NOTES = Path(__file__).parent.parent / "data" / "notes"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def words(**limits):
    return st.text(max_size=20, **limits)


@st.composite
def evidence(draw):
    text, start = draw(words()), draw(st.integers(0, 10**6))
    return Evidence(start=start, end=start + len(text), text=text, section=draw(words()))


codes = st.builds(
    AssignedCode,
    code=st.from_regex(r"[A-Z][0-9][0-9AB](\.[0-9A-Z]{1,4})?", fullmatch=True),
    description=words(),
    confidence=st.floats(0, 1),
    role=st.sampled_from(get_args(Role)),
    evidence=st.lists(evidence(), max_size=3),
    assertion=st.sampled_from(get_args(Assertion)),
    reason=words(),
    guidelines=st.lists(words(), max_size=2),
    sources=st.dictionaries(words(), st.floats(0, 1), max_size=1),
    findings=st.lists(st.integers(0, 3), max_size=1),
)
results = st.builds(
    Result,
    id=words(),
    status=st.sampled_from(["ok", "empty"]),
    context=st.builds(
        ResultContext,
        setting=st.sampled_from(["inpatient", "outpatient"]),
        sex=st.sampled_from(["M", "F", None]),
        age=st.none() | st.floats(0, 130),
        date=st.none() | st.dates().map(str),
    ),
    code_system=st.just("ICD-10-CM"),
    release=words(),
    policy=st.sampled_from(get_args(Policy)),
    codes=st.lists(codes, max_size=4),
    findings=st.lists(
        st.builds(
            Finding,
            rule=words(min_size=1),
            severity=st.sampled_from(get_args(Severity)),
            codes=st.lists(words(), max_size=2),
            message=words(),
            citation=words(),
            mend=st.none(),
        ),
        max_size=2,
    ),
    usage=st.builds(Usage, llm=words()),
)


def resources(made, kind):
    return [e["resource"] for e in made["entry"] if e["resource"]["resourceType"] == kind]


def derivations(element):
    """The (offset, length) pairs of HL7's extension, in order."""
    parts = [
        {part["url"]: part for part in extension["extension"]}
        for extension in element.get("extension", ())
        if extension["url"] == DERIVATION
    ]
    return [(p["offset"]["valueInteger"], p["length"]["valueInteger"]) for p in parts]


def spans(resource):
    elements = resource.get("evidence", []) if "evidence" in resource else [resource]
    return [span for element in elements for span in derivations(element)]


def assert_sound(value, addresses):
    """What the models of fhir.resources leave open: no empty element, no dead reference."""
    if isinstance(value, dict):
        assert value
        if "url" in value:  # ext-1
            assert ("extension" in value) != any(key.startswith("value") for key in value)
        if str(value.get("reference", "")).startswith("urn:"):
            assert value["reference"] in addresses
    if isinstance(value, dict | list):
        assert value
        for inner in value.values() if isinstance(value, dict) else value:
            assert_sound(inner, addresses)
    if isinstance(value, str):
        assert value.strip()
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", value)


@settings(deadline=None)
@given(results)
def test_every_result_becomes_a_valid_bundle(result):
    made = bundle(result, NOW)
    validate_bundle(made)
    addresses = [entry["fullUrl"] for entry in made["entry"]]
    assert len(set(addresses)) == len(addresses)
    assert_sound(made, addresses)
    for condition in resources(made, "Condition"):
        for item in condition.get("evidence", ()):
            assert item.keys() & {"code", "detail"}  # con-2
    assert json.loads(json.dumps(made)) == made


@settings(deadline=None)
@given(results)
def test_codes_order_and_offsets_come_through(result):
    made = bundle(result, NOW)
    coded = [
        r
        for entry in made["entry"]
        if (r := entry["resource"])["resourceType"] in ("Condition", "FamilyMemberHistory")
    ]
    expected = [
        (c.code, [(e.start, e.end - e.start) for e in c.evidence], c.confidence)
        for c in result.codes
    ]
    assert [(_coding(r)["code"], spans(r), _extension(r, "confidence")) for r in coded] == expected
    assert all(_coding(r)["system"] == SYSTEM for r in coded)
    (encounter,) = resources(made, "Encounter")
    by_address = {entry["fullUrl"]: entry["resource"] for entry in made["entry"]}
    ranked = [
        (d["rank"], _coding(by_address[d["condition"]["reference"]])["code"])
        for d in encounter.get("diagnosis", ())
    ]
    kept = [
        (rank, c.code)
        for rank, c in enumerate(result.codes, start=1)
        if c.assertion != "family" or c.code.startswith("Z")
    ]
    assert ranked == kept


@given(results)
def test_csv_reads_back_as_the_codes_of_the_result(result):
    rows = list(csv.DictReader(io.StringIO(header() + csv_rows(result), newline="")))
    assert [row["code"] for row in rows] == [c.code for c in result.codes]
    for row, assigned in zip(rows, result.codes, strict=True):
        offsets = [tuple(map(int, o.split("-"))) for o in row["evidence_offsets"].split(";") if o]
        assert offsets == [(e.start, e.end) for e in assigned.evidence]
        assert float(row["confidence"]) == assigned.confidence
        assert row["id"] == result.id
        assert not row["evidence_text"].startswith(("=", "+", "-", "@", "\t", "\r"))


def _coding(resource):
    concept = resource["code"] if "code" in resource else resource["condition"][0]["code"]
    return concept["coding"][0]


def _extension(resource, name):
    (found,) = [e for e in resource["extension"] if e["url"].endswith(f"/{name}")]
    return next(value for key, value in found.items() if key.startswith("value"))


def result_with(code="I10", assertion="present", **context):
    return Result(
        id="n1",
        status="ok",
        context=ResultContext(**context),
        code_system="ICD-10-CM",
        release="2026-04-01",
        policy="guidelines",
        codes=[
            AssignedCode(
                code=code,
                description="A title",
                confidence=0.5,
                role="principal",
                evidence=[Evidence(start=5, end=8, text="HTN", section="PMH")],
                assertion=assertion,
                reason="",
                guidelines=["I.C.9.a"],
                sources={},
                findings=[],
            )
        ],
        usage=Usage(llm="none"),
    )


@pytest.mark.parametrize(
    ("code", "assertion", "clinical", "verification"),
    [
        ("I10", "present", "active", "confirmed"),
        ("I10", "possible", "active", "unconfirmed"),
        ("I10", "historical", None, "confirmed"),  # chronic conditions stay after "history of"
        ("I10", "absent", None, "refuted"),
        ("I10", "hypothetical", None, "unconfirmed"),
        ("Z87.81", "historical", "active", "confirmed"),
        ("Z83.3", "family", "active", "confirmed"),
    ],
)
def test_the_assertion_decides_the_status(code, assertion, clinical, verification):
    (condition,) = resources(bundle(result_with(code, assertion), NOW), "Condition")
    status = condition.get("clinicalStatus")
    assert (status and status["coding"][0]["code"]) == clinical
    assert condition["verificationStatus"]["coding"][0]["code"] == verification
    assert _extension(condition, "assertion") == assertion


def test_what_a_relative_has_is_no_condition_of_the_patient():
    made = bundle(result_with("E11.9", "family"), NOW)
    assert not resources(made, "Condition")
    (history,) = resources(made, "FamilyMemberHistory")
    assert (_coding(history)["code"], spans(history)) == ("E11.9", [(5, 3)])
    assert "diagnosis" not in resources(made, "Encounter")[0]


@pytest.mark.parametrize(
    ("setting", "kind", "period"),
    [
        ("outpatient", "AMB", {"start": "2026-05-04", "end": "2026-05-04"}),
        ("inpatient", "IMP", {"end": "2026-05-04"}),  # the day of discharge
    ],
)
def test_the_setting_is_the_class_of_the_encounter(setting, kind, period):
    made = bundle(result_with(setting=setting, date="2026-05-04"), NOW)
    (encounter,) = resources(made, "Encounter")
    assert (encounter["class"]["code"], encounter["period"]) == (kind, period)
    assert encounter["status"] == "unknown"


@pytest.mark.parametrize(
    ("patient", "subject"),
    [
        ("Patient/a-1", {"reference": "Patient/a-1"}),
        ("4711", {"type": "Patient", "identifier": {"value": "4711"}}),
        (
            "https://hospital.example/mrn|4711",
            {
                "type": "Patient",
                "identifier": {"system": "https://hospital.example/mrn", "value": "4711"},
            },
        ),
    ],
)
def test_a_given_patient_is_referred_to(patient, subject):
    made = bundle(result_with(sex="F"), NOW, FhirOptions(patient))
    validate_bundle(made)
    assert not resources(made, "Patient")
    assert resources(made, "Condition")[0]["subject"] == subject


def test_an_unnamed_patient_has_nothing_but_the_sex():
    (patient,) = resources(bundle(result_with(sex="F"), NOW), "Patient")
    assert patient == {"resourceType": "Patient", "gender": "female"}


def test_the_provenance_names_software_version_release_and_note():
    made = bundle(result_with(), NOW)
    (provenance,), (device,) = resources(made, "Provenance"), resources(made, "Device")
    assert provenance["recorded"] == made["timestamp"] == "2026-11-25T12:00:00+00:00"
    assert len(provenance["target"]) == 2
    assert provenance["entity"][0]["what"]["identifier"] == {"value": "n1"}
    assert device["deviceName"][0]["name"] == "icd-agent"
    assert [v["value"] for v in device["version"]][1] == "2026-04-01"


def test_a_result_always_gets_the_same_addresses():
    first, again = (bundle(result_with(), NOW) for _ in range(2))
    assert first == again
    assert uuid.UUID(first["entry"][0]["fullUrl"]).version == 5
    other = bundle(result_with("I11.9"), NOW)
    assert first["entry"][0]["fullUrl"] != other["entry"][0]["fullUrl"]


def test_a_base_of_ones_own_takes_the_place_of_the_placeholder():
    options = FhirOptions(extension_base="https://hospital.example/fhir/")
    (condition,) = resources(bundle(result_with(), NOW, options), "Condition")
    assert condition["extension"][0]["url"] == "https://hospital.example/fhir/confidence"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (FhirOptions("|4711"), "which names no patient"),
        (FhirOptions("mrn|"), "which names no patient"),
        (FhirOptions("no system|4711"), "which names no patient"),
        (FhirOptions("Patient/é"), "which names no patient"),
        (FhirOptions(extension_base="hospital"), "not a web address"),
    ],
)
def test_unusable_options_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        check_options(options)


def test_only_icd10cm_is_exported():
    result = result_with().model_copy(update={"code_system": "ICD-9-CM"})
    with pytest.raises(UserError, match="ICD-9-CM cannot be exported"):
        bundle(result, NOW)


def test_cells_that_a_spreadsheet_would_run_are_made_harmless():
    result = result_with()
    result.codes[0].evidence[0].text = "=1+1"
    row = dict(zip(COLUMNS, next(csv.reader([csv_rows(result)])), strict=True))
    assert row["evidence_text"] == "'=1+1"


# --- the command ------------------------------------------------------------------------------


def export(*arguments, before="pass"):
    program = f"{before}; from agent.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "export", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


@pytest.fixture(scope="module")
def results_file(code, tmp_path_factory):
    """Real results of two notes, with one that failed between them."""
    path = tmp_path_factory.mktemp("export") / "results.jsonl"
    first, second = (
        code((NOTES / f"{name}.txt").read_text(encoding="utf-8"), sex="F", age=46).model_copy(
            update={"id": name}
        )
        for name in ("emergency_visit", "clinic_letter")
    )
    failed = first.model_copy(update={"id": "broken", "status": "failed", "codes": []})
    lines = [result.model_dump_json() for result in (first, failed, second)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_fhir_end_to_end(results_file):
    done = export("fhir", results_file, "--validate", "--patient", "Patient/1")
    assert done.returncode == 1
    assert done.stderr == "icd-agent: broken had failed and is left out\n"
    made = [json.loads(line) for line in done.stdout.splitlines()]
    assert [m["identifier"]["value"] for m in made] == ["emergency_visit", "clinic_letter"]
    note = (NOTES / "emergency_visit.txt").read_text(encoding="utf-8")
    conditions = resources(made[0], "Condition")
    assert len(conditions) > 5
    for condition in conditions:
        for item in condition["evidence"]:
            ((offset, length),) = derivations(item)
            assert note[offset : offset + length] == item["code"][0]["text"]


def test_csv_end_to_end(results_file, tmp_path):
    out = tmp_path / "new" / "codes.csv"
    done = export("csv", results_file, "--out", out, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {"out": str(out), "exported": 2, "failed": ["broken"]}
    assert [p.name for p in out.parent.iterdir()] == ["codes.csv"]
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    given = [r.result for r in read_results(results_file) if r.result.status != "failed"]
    assert [(r["id"], r["code"]) for r in rows] == [(g.id, c.code) for g in given for c in g.codes]
    again = export("csv", results_file, "--out", out)
    assert (again.returncode, again.stdout) == (2, "")
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "line 2: broken JSON at column 1"),
        ('{"id": "x", "text": "a note"}', "line 2: no result of icd-agent code: status: Field"),
        ("[]", "line 2: a JSON object is needed"),
        ({"code": "I 10"}, "line 2: 'I 10' is not shaped like a code"),
        ({"date": "4 May 2026"}, "line 2: the date '4 May 2026' is no calendar date"),
        ({"date": "20260504"}, "line 2: the date '20260504' is no calendar date"),
        ({"end": 9}, "line 2: evidence of I10: 5 to 9 is no span of 3 characters"),
        ({"start": -5, "end": -2}, "line 2: evidence of I10: -5 to -2 is no span"),
    ],
)
def test_a_line_that_is_no_result_is_named(tmp_path, line, message):
    good = result_with().model_dump()
    if isinstance(line, dict):
        bad = result_with().model_dump()
        for target in (bad["codes"][0], bad["codes"][0]["evidence"][0], bad["context"]):
            target.update({key: line[key] for key in line.keys() & target.keys()})
        line = json.dumps(bad)
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(good) + "\n" + line, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        list(read_results(path))
    assert message in str(caught.value)
    assert "Fix: " in str(caught.value)


def test_a_mistake_leaves_no_half_file(tmp_path):
    path, out = tmp_path / "results.jsonl", tmp_path / "bundles.ndjson"
    path.write_text(result_with().model_dump_json() + "\n{}\n", encoding="utf-8")
    done = export("fhir", path, "--out", out)
    assert done.returncode == 2
    assert "line 2: no result of icd-agent code" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["results.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("xml", "r.jsonl"), "No such command 'xml'"),
        (("fhir", "nowhere.jsonl"), "nowhere.jsonl: no such file"),
        (("csv", "nowhere.jsonl", "--json"), "--json reports on a file that is written"),
        (("fhir", "nowhere.jsonl", "--patient", " "), "names no patient"),
    ],
)
def test_bad_usage_is_told(arguments, message):
    done = export(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_file_is_no_results_file(tmp_path):
    path = tmp_path / "results.jsonl"
    path.touch()
    with pytest.raises(UserError, match="holds no result"):
        list(read_results(path))


def test_validation_without_its_package_says_what_to_install(results_file):
    hidden = "import sys; sys.modules['fhir'] = None"
    assert export("fhir", results_file, before=hidden).returncode == 1  # the failed note alone
    done = export("fhir", results_file, "--validate", before=hidden)
    assert done.returncode == 2
    assert "pip install 'icd-agent[fhir]'" in done.stderr
