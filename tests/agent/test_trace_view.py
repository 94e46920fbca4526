"""The page of a trace: whole, safe with any note, and without script or anything from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.cli.trace import trace_group
from agent.request import CodingRequest
from agent.trace.reader import read_trace
from agent.trace.view import render_page, write_page
from knowledge.errors import UserError

TRACE = Path(__file__).parents[1] / "data" / "old_traces" / "version_1.jsonl.gz"
_VOID = {"meta", "br", "link", "img", "input", "hr"}
_LOADING = {"src", "srcset", "data", "poster", "action", "formaction", "background"}


class Page(HTMLParser):
    """The elements of a page; its elements are closed in the order of their opening."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.texts = [], [], {}
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in self.open:
            self.texts.setdefault(tag, []).append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def recorded():
    return read_trace(TRACE)


@pytest.fixture(scope="module")
def start(recorded):
    return recorded[0]


@pytest.fixture(scope="module")
def html(recorded):
    return render_page(recorded, TRACE)


def test_nothing_is_run_and_nothing_loaded(html):
    page = Page(html)
    assert not page.of("script") + page.of("link") + page.of("iframe") + page.of("img")
    for _, attributes in page.elements:
        assert not attributes.keys() & _LOADING
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("href", "#").startswith("#")
    policy = next(m["content"] for m in page.of("meta") if "http-equiv" in m)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert "url(" not in html
    assert "@import" not in html


def test_note_prompts_answers_and_decisions_are_all_there(html, recorded):
    texts = Page(html).texts
    prompts = "".join(texts["pre"])
    for call in (e for e in recorded if e.event == "llm_call"):
        assert all(message["content"] in prompts for message in call.messages)
        assert all(f"{value:.4f}" in prompts for value in call.logprobs.values())
    cells = "".join(texts["td"])
    for decision in (e for e in recorded if e.event == "decision"):
        assert decision.reason in cells


def test_evidence_is_marked_where_it_stands_and_leads_to_its_code(html, recorded):
    result = recorded[-1].result
    marks = re.findall(r"<mark[^>]*>(.*?)</mark>", html, re.DOTALL)
    assert len(marks) == len({(e.start, e.end) for c in result.codes for e in c.evidence})
    ids = {attributes["id"] for _, attributes in Page(html).elements if "id" in attributes}
    links = {attributes["href"] for attributes in Page(html).of("a")}
    assert {link.removeprefix("#") for link in links} <= ids
    assert {f"code-{n}" for n in range(len(result.codes))} <= ids


def test_the_note_is_whole_between_the_marks(html, recorded):
    body = re.search(r'<div class="note">(.*?)</div>', html, re.DOTALL).group(1)
    text = "".join(Page(re.sub(r"<a .*?</a>", "", f"<p>{body}</p>")).texts["p"])
    assert text == recorded[0].note


def test_markup_in_a_note_stays_text(coders):
    note = 'PLAN: Hypertension.<script>alert(1)</script> "><img src=x onerror=alert(2)> {{ 7*7 }}'
    events = coders["guidelines"].code_traced(CodingRequest("<b>n</b>", note)).events
    html = render_page(events, TRACE)
    page = Page(html)
    assert not page.of("script") + page.of("img") + page.of("b")
    assert "{{ 7*7 }}" in html
    assert "<script>alert(1)</script>" in "".join(page.texts["div"])


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=60))
def test_any_note_gives_a_page_that_holds_it(start, text):
    html = render_page([start.model_copy(update={"note": text})], TRACE)
    body = re.search(r'<div class="note">(.*?)</div>', html, re.DOTALL).group(1)
    shown = "".join(Page(f"<p>{body}</p>").texts.get("p", []))
    assert shown == text


def test_a_killed_run_has_a_page_that_says_so(recorded, tmp_path):
    out = tmp_path / "deep" / "t.html"
    write_page(recorded[:20], TRACE, out)
    html = out.read_text("utf-8")
    assert "the run did not finish" in html
    assert "verify_code" in html


def test_the_command_writes_the_page(tmp_path):
    out = tmp_path / "t.html"
    done = CliRunner().invoke(trace_group, ["view", str(TRACE), "--out", str(out)])
    assert done.exit_code == 0
    assert out.read_text("utf-8").startswith("<!doctype html>")


def test_a_page_that_cannot_be_written_is_an_error_to_mend(recorded, tmp_path):
    with pytest.raises(UserError, match="cannot write"):
        write_page(recorded, TRACE, tmp_path)
