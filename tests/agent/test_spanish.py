"""Spanish notes end to end, with the shipped Spanish parts."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.evidence import evidence_at
from agent.hearing import hear_llm
from agent.llm.base import as_chat, prompt_key
from agent.llm.replay import ReplayLLM
from agent.prompting import load_prompt
from agent.request import CodingRequest
from agent.result import ResultContext
from agent.state import Proposal
from agent.trace.events import LLMCall
from indexes.artefacts import Artefacts
from indexes.learned import LearnedFiles
from indexes.spanish_parts import SpanishFiles
from knowledge.code_systems import get_code_system
from knowledge.errors import UserError
from knowledge.note_text import Note, Span
from knowledge.strict_yaml import read_yaml

NOTES = Path(__file__).parent.parent / "data" / "notes_es"
ARGUED = read_yaml(NOTES / "argued.yaml")
SHIPPED = SpanishFiles.beside(LearnedFiles(Artefacts.bundled().learned))
needs_parts = pytest.mark.skipif(
    not SHIPPED.manifest.is_file(), reason="no Spanish parts: icd-agent train ranker --language es"
)


def text_of(name):
    return (NOTES / f"{name}.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def coded(code):
    return {
        (name, policy): code(text_of(name), policy)
        for name in ARGUED
        for policy in ("guidelines", "mentions")
    }


@needs_parts
@pytest.mark.parametrize("name", ARGUED)
def test_documented_findings_are_coded(coded, name):
    assert ARGUED[name]["coded"].keys() <= {c.code for c in coded[name, "mentions"].codes}


@needs_parts
@pytest.mark.parametrize("name", ARGUED)
def test_what_is_negated_or_of_others_is_not_coded_under_guidelines(coded, name):
    codes = {c.code[:3] for c in coded[name, "guidelines"].codes}
    assert not codes & ARGUED[name]["ruled_out"].keys()


@needs_parts
@pytest.mark.parametrize("policy", ["guidelines", "mentions"])
@pytest.mark.parametrize("name", ARGUED)
def test_evidence_is_words_of_the_spanish_text(coded, name, policy):
    result, text = coded[name, policy], text_of(name)
    assert result.status == "ok"
    assert result.context.language == "es"
    assert result.plm_icd is None
    for code in result.codes:
        assert code.evidence
        assert all(text[e.start : e.end] == e.text for e in code.evidence)


@needs_parts
def test_guidelines_assigns_billable_codes_and_names_its_rules(coded):
    result = coded["informe_alta", "guidelines"]
    assert not any(f.rule == "billable" for f in result.findings)
    assert any(r.stage == "policy" for r in result.rejected)


@needs_parts
def test_the_language_can_be_said(code):
    result = code("HTA.", "mentions", language="es")
    assert [c.code for c in result.codes] == ["I10"]


@needs_parts
def test_english_and_spanish_notes_share_one_agent(code):
    assert code("ASSESSMENT: Lobar pneumonia.").context.language == "en"
    assert code("Juicio clínico: neumonía lobar en el lóbulo inferior.").context.language == "es"
    assert code("ASSESSMENT: Lobar pneumonia.").plm_icd is not None


def test_the_llm_is_asked_about_the_spanish_note(bare_context):
    text = "Refiere dolor. Posible neumonía lobar en el lóbulo inferior."
    note = Note.parse(text, language="es")
    prompt = load_prompt("verify_code")
    title = get_code_system().get("J18.1").title
    messages = prompt.render(note=text, evidence="neumonía lobar", description=title)
    call = LLMCall(
        at=0.0,
        node="reason",
        call="score_choices",
        purpose="verify_code J18.1",
        prompt_sha256=prompt_key(messages, prompt.choices),
        messages=as_chat(messages),
        choices=list(prompt.choices),
        logprobs={"Yes": -0.1, "No": -2.1},
        prompt_tokens=10,
        completion_tokens=1,
        cached_tokens=0,
        seconds=0.1,
        model="some@sha256:1234",
    )
    context = replace(bare_context(ReplayLLM.from_calls([call])), language="es")
    evidence = evidence_at(note, Span(text.index("neumonía"), text.index(" en el")))
    proposal = Proposal("J18.1", 0.5, "possible", (evidence,), False, "named")
    (heard,) = hear_llm(note, [proposal], context)
    assert heard.sources["llm"] == pytest.approx(2.0)
    assert heard.confidence > 0.5
    assert text in context.recorder.events[0].messages[-1]["content"]


def test_another_language_is_refused(coders):
    text = "Le patient est un homme de 54 ans qui consulte pour une douleur avec de la fièvre."
    request = CodingRequest("n1", text, ResultContext())
    with pytest.raises(UserError, match="'n1' seems to be written in French"):
        coders["mentions"].code(request)
