"""The tools for models, on the shipped artefacts: answers, and mistakes in words that help."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.request import CodingRequest
from agent.result import ResultContext
from agent.tools import Desk, NoteDesk, langchain_tools
from agent.tools.arguments import SystemKey
from knowledge.code_systems import SYSTEM_KEYS, get_code_system
from knowledge.errors import UserError

NOTE = """ASSESSMENT:
No chest pain. Possible pneumonia. Type 2 diabetes
mellitus, on metformin. Influx of patients.
"""


@pytest.fixture(scope="module")
def tools(coders):
    context = coders["guidelines"].context
    desk = Desk(context.system, lambda: context)
    note = NoteDesk(desk, CodingRequest("n", NOTE, ResultContext(sex="F", age=30)))
    return {tool.name: tool for tool in langchain_tools(note.functions)}


@pytest.fixture(scope="module")
def call(tools):
    """Return a function that calls a tool as an LLM does and gives the tool message."""

    def run(name, **arguments):
        return tools[name].invoke({"name": name, "args": arguments, "id": "1", "type": "tool_call"})

    return run


@pytest.fixture(scope="module")
def answer(call):
    def run(name, **arguments):
        message = call(name, **arguments)
        assert message.status == "success", message.content
        return json.loads(message.content)

    return run


def test_every_tool_explains_itself_and_its_arguments(tools):
    assert list(tools) == [
        "search_codes",
        "show_code",
        "browse_children",
        "search_guidelines",
        "check_codes",
        "map_code",
        "find_in_note",
        "plm_icd_candidates",
    ]
    for tool in tools.values():
        assert tool.description.endswith(".")
        for argument in tool.args.values():
            assert argument.get("description"), tool.name


def test_search_finds_codes_for_words(answer):
    (best, *_) = answer("search_codes", query="heart failure", limit=3)["hits"]
    assert (best["code"], best["billable"], best["matched"]) == ("I50.9", True, "heart failure")


def test_a_code_is_shown_with_its_inherited_notes(answer):
    entry = answer("show_code", code="e1122")
    assert entry["code"] == "E11.22"
    assert [a["code"] for a in entry["ancestors"]] == ["E11.2", "E11", "E08-E13", "4"]
    carriers = {n["carrier"] for n in entry["notes"] if n["kind"] == "excludes1"}
    assert "E11" in carriers


def test_other_code_systems_are_shown_too(answer):
    assert answer("show_code", code="250.00", system="icd9cm")["code_system"] == "ICD-9-CM"
    assert answer("browse_children", code="E11", system="icd10who")["children"]


def test_children_are_the_way_to_a_more_specific_code(answer):
    below = answer("browse_children", code="I50.2")
    assert [c["code"] for c in below["children"]] == ["I50.20", "I50.21", "I50.22", "I50.23"]
    assert all(c["billable"] and not c["children"] for c in below["children"])
    chapter = answer("browse_children", code="9")["children"]
    assert "I10-I1A" in {c["code"] for c in chapter}
    seventh = answer("browse_children", code="S82.001")["children"]
    assert "S82.001A" in {c["code"] for c in seventh}
    assert answer("browse_children", code="I50.20")["children"] == []


def test_guidelines_are_found_with_their_section(answer):
    hits = answer("search_guidelines", query="uncertain diagnosis inpatient", limit=3)["hits"]
    assert "II.H" in {hit["section"] for hit in hits}


def test_codes_of_the_note_are_checked_for_its_patient(answer):
    report = answer("check_codes", codes=["e109", "E11.9"])
    assert (report["codes"], report["errors"]) == (["E10.9", "E11.9"], 1)
    assert report["findings"][0]["rule"] == "excludes1"
    prostate = answer("check_codes", codes=["N40.0"])
    assert any("sex" in f["rule"] for f in prostate["findings"])  # the patient is a woman


def test_a_code_is_mapped_with_all_its_equivalents(answer):
    mapping = answer("map_code", code="996.01", target="icd10cm")
    assert (mapping["source"], mapping["source_inferred"]) == ("icd9cm", True)
    assert len(mapping["options"]) > 1


def test_words_are_found_across_lines_with_what_is_said_of_them(answer):
    (place,) = answer("find_in_note", words="type 2  DIABETES mellitus")["places"]
    assert NOTE[place["start"] : place["end"]] == place["text"] == "Type 2 diabetes\nmellitus"
    assert (place["assertion"], place["section"]) == ("present", "ASSESSMENT")
    (pain,) = answer("find_in_note", words="chest pain")["places"]
    assert (pain["assertion"], pain["sentence"]) == ("absent", "No chest pain.")
    assert answer("find_in_note", words="in flux") == {"total": 0, "places": []}


def test_plm_icd_gives_its_opinion_with_where_it_looked(answer):
    opinion = answer("plm_icd_candidates", limit=5)
    (best, *_) = opinion["candidates"]
    assert best["code"].startswith("E11")
    assert best["assigned"] is (best["probability"] >= opinion["threshold"])
    assert all(NOTE[c["start"] : c["end"]] == c["text"] for c in opinion["candidates"])


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "show_code",
            {"code": "E11.99"},
            "'E11.99' does not exist in ICD-10-CM 2026-04-01; existing codes: E11.9. "
            'Fix: show_code(code="E11.9")',
        ),
        ("show_code", {"code": "flu"}, 'search_codes(query="flu")'),
        ("show_code", {"code": "E11", "system": "icd9"}, "invalid arguments: system: Input should"),
        ("show_code", {}, "invalid arguments: code: Field required"),
        ("search_codes", {"query": "flu", "limit": 0}, "invalid arguments: limit: Input should"),
        ("search_codes", {"query": "  "}, "the query is empty"),
        ("search_guidelines", {"query": "\n"}, "the query is empty"),
        ("check_codes", {"codes": []}, "invalid arguments: codes: List should have at least 1"),
        ("check_codes", {"codes": ["E11.9", "X"]}, "'X' is not shaped like"),
        ("map_code", {"code": "E11.9", "target": "icd9proc"}, "No table leads to 'icd9proc'"),
        ("map_code", {"code": "401.9", "target": "icd10pcs"}, 'source="icd9proc"'),
        (
            "map_code",
            {"code": "E11.9", "source": "icd10cm", "target": "icd10pcs"},
            "from 'icd10cm' tables lead to: icd10who, icd9cm, icd11",
        ),
        ("find_in_note", {"words": " "}, "there is no word to look for"),
    ],
)
def test_a_mistake_comes_back_as_advice(call, name, arguments, message):
    answered = call(name, **arguments)
    assert answered.status == "error"
    assert message in answered.content
    assert "Traceback" not in answered.content
    assert "icd-agent " not in answered.content  # a model has tools, not commands


def test_without_a_plm_icd_model_another_tool_is_named(bare_context):
    context = bare_context()
    note = NoteDesk(Desk(context.system, lambda: context), CodingRequest("n", NOTE))
    with pytest.raises(UserError, match=r"no PLM-ICD model.*Fix: use search_codes instead"):
        note.plm_icd_candidates()


def test_a_model_may_name_every_code_system():
    assert get_args(SystemKey) == SYSTEM_KEYS


@given(st.text(max_size=80), st.text(min_size=1, max_size=6), st.integers(0, 80))
def test_what_is_found_in_a_note_is_what_was_looked_for(around, words, position):
    if not words.split():
        return
    text = f"{around[:position]} {words} {around[position:]}"
    desk = Desk(get_code_system(), pytest.fail)
    found = NoteDesk(desk, CodingRequest("n", text)).find_in_note(words, 50)
    assert found.total >= len(found.places) >= 1
    for place in found.places:
        assert text[place.start : place.end] == place.text
        assert len(place.text.split()) == len(words.split())
