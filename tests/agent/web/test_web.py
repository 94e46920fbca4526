"""The coder's page, driven in a browser as a coder would."""

import json
import re

import pytest

pytest.importorskip("fastapi", reason="the extra serve is not installed")
pytest.importorskip("playwright", reason="the extra dev is not installed")

pytest.importorskip("axe_playwright_python", reason="the extra dev is not installed")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from agent.chat.store import ChatStore

VISIT = """\
HISTORY: Mother with T2DM. Latex allergy.

ASSESSMENT:
1. Closed nondisplaced fracture of the left lateral malleolus, initial encounter. Fall at home.
2. Asthma, stable.
3. Hypothyroidism. Continue levothyroxine.
4. Nicotine dependence, cigarettes.
Possible mild osteopenia. BP 152/94.
"""
SIZES = {"wide": {"width": 1280, "height": 800}, "narrow": {"width": 390, "height": 844}}
TOKEN = "a-token-of-the-tests"


@pytest.fixture(scope="module")
def address(coders, serve):
    with serve(coders["guidelines"], ChatStore.in_memory()) as address:
        yield address


@pytest.fixture
def open_page(browser, address):
    """Return a function that opens the page; nothing may fail in it or leave this machine."""
    contexts, problems = [], []

    def begin(size="wide", to="/", **options):
        context = browser.new_context(viewport=SIZES[size], accept_downloads=True, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(f"dialog {dialog.message}"))
        context.on("request", lambda request: requested(request.url))
        page.goto(address + to)
        return page

    def requested(url):
        if not url.startswith((f"{address}/", "blob:")):
            problems.append(f"request of {url}")

    yield begin
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def visit(open_page, address, give_note):
    """The demo note, coded in a thread of its own, which is deleted after the test."""
    pages = []

    def begin(size="wide", age="46", **options):
        page = open_page(size, **options)
        page.wait_for_selector("dialog[open], #queue li")
        give_note(page, VISIT, "visit", setting="outpatient", sex="F", age=age)
        pages.append(page)
        return page

    yield begin
    for page in pages:
        page.request.delete(f"{address}/v1/threads/{page.url.rpartition('#')[2]}")


def row(page, code):
    return page.locator(f'#codes > li[data-code="{code}"]')


def codes(page):
    return page.eval_on_selector_all("#codes > li", "rows => rows.map(r => r.dataset.code)")


def pane(page, name):
    tab = page.locator(f'#panes [data-pane="{name}"]')
    if tab.is_visible():
        tab.click()


def ask(page, line):
    pane(page, "chat")
    page.fill("#line", line)
    page.press("#line", "Enter")


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.parametrize("size", SIZES)
def test_a_code_lights_its_evidence_and_the_evidence_its_code(visit, size):
    page = visit(size)
    pane(page, "codes")
    row(page, "E03.9").locator(".title").hover()
    lit = page.locator("#note mark.lit")
    expect(lit).to_have_text(["Hypothyroidism"])
    row(page, "E03.9").click(position={"x": 20, "y": 20})
    row(page, "E03.9").locator(".chip").first.click()
    assert page.evaluate("[...CSS.highlights.get('cited')].join('|')") == "Hypothyroidism"
    mark = page.locator("#note mark", has_text="T2DM")
    pane(page, "note")
    mark.hover()
    expect(row(page, "Z83.3")).to_have_class(re.compile("lit"))
    mark.click()
    expect(row(page, "Z83.3")).to_be_focused()
    expect(row(page, "Z83.3").locator(".details")).to_contain_text("T2DM")


@pytest.mark.parametrize("size", SIZES)
def test_questions_are_asked_and_answered(visit, size):
    page = visit(size)
    ask(page, "why not E11.9?")
    answer = page.locator("#log > .agent").last
    expect(answer).to_contain_text("Z83.3")
    expect(answer.locator("button.cite", has_text="guideline").first).to_be_visible()
    ask(page, "why J45.909?")
    cite = page.locator("#log > .agent").last.locator("button.cite", has_text="note")
    cite.first.click()
    assert page.evaluate("[...CSS.highlights.get('cited')].join('|')") == "Asthma"
    ask(page, "sing")
    expect(page.locator("#log .mistake").last).to_contain_text("that is no question I know")
    pane(page, "chat")
    page.locator("#question .option", has_text="mild intermittent").click()
    expect(page.locator("#status")).to_contain_text("J45.909 becomes J45.20")
    expect(page.locator("#question")).to_be_empty()
    assert "J45.20" in codes(page)
    page.click("#undo")
    expect(page.locator("#question")).to_contain_text("Question about J45.909")
    expect(page.locator("#log .mistake")).to_have_count(0)


@pytest.mark.parametrize("size", SIZES)
def test_decisions_are_taken_and_undone(visit, size):
    page = visit(size)
    before = codes(page)
    pane(page, "codes")
    row(page, "E03.9").get_by_label("Reject").click()
    expect(row(page, "E03.9")).to_have_count(0)
    page.click("#undo")
    expect(row(page, "E03.9")).to_have_count(1)
    assert codes(page) == before
    row(page, "F17.210").click(position={"x": 20, "y": 20})
    row(page, "F17.210").get_by_role("button", name="Principal").click()
    expect(page.locator("#codes > li").first).to_have_attribute("data-code", "F17.210")
    row(page, "F17.210").get_by_label("Move F17.210 down").click()
    expect(page.locator("#codes > li").nth(1)).to_have_attribute("data-code", "F17.210")
    ask(page, "add W19.XXXS")
    pane(page, "codes")
    row(page, "W19.XXXS").click(position={"x": 20, "y": 20})
    row(page, "W19.XXXS").get_by_role("button", name="Principal").click()
    expect(row(page, "W19.XXXS").locator(".badge.error")).to_be_visible()
    expect(page.locator("#findings")).to_contain_text("error:")


@pytest.mark.parametrize("size", SIZES)
def test_a_code_is_replaced_with_completion_and_in_the_tree(visit, size):
    page = visit(size)
    pane(page, "codes")
    row(page, "J45.909").click(position={"x": 20, "y": 20})
    row(page, "J45.909").get_by_role("button", name="Replace").click()
    options = page.locator("#picks [role=option]")
    expect(options).to_have_count(3)  # its siblings
    page.keyboard.type("mild persistent asth", delay=10)
    expect(options.first).to_contain_text("Mild persistent asthma")
    page.fill("#pick", "J45")
    expect(page.locator(".path button").last).to_have_text("J45")
    options.filter(has_text="J45.3").click()
    expect(options.filter(has_text="J45.30")).to_have_count(1)
    options.filter(has_text="J45.31").click()
    expect(row(page, "J45.31")).to_contain_text("Mild persistent asthma with (acute) exacerbation")
    expect(row(page, "J45.31")).to_contain_text("by coder")


@pytest.mark.parametrize("size", SIZES)
def test_marked_words_become_a_code_and_the_list_is_exported(visit, size):
    page = visit(size)
    pane(page, "note")
    page.evaluate(
        """() => {
          const walker = document.createTreeWalker(document.querySelector('#note'), 4);
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const at = node.data.indexOf('osteopenia');
            if (at < 0) continue;
            node.parentElement.scrollTop = 1e6;
            const range = document.createRange();
            range.setStart(node, at - 1);
            range.setEnd(node, at + 'osteopenia'.length);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
          }
        }"""
    )
    page.get_by_role("button", name="Add a code for “osteopenia”").click()
    expect(page.locator("#words")).to_have_value("osteopenia")
    page.fill("#pick", "M85.80")
    expect(page.locator("#picks [role=option]").first).to_contain_text("M85.80")
    press(page, "Enter")
    expect(row(page, "M85.80")).to_have_count(1)
    expect(page.locator("#note mark", has_text="osteopenia")).to_have_attribute(
        "data-codes", "M85.80"
    )
    exported = {}
    for form in ("json", "csv", "fhir"):
        page.click("#export summary")
        with page.expect_download() as download:
            page.click(f'#export [data-form="{form}"]')
        exported[form] = download.value.path().read_text(encoding="utf-8")
        assert download.value.suggested_filename == f"visit.{form}".replace("fhir", "fhir.json")
    added = json.loads(exported["json"])["codes"][-1]
    assert (added["code"], added["evidence"][0]["text"]) == ("M85.80", "osteopenia")
    assert "M85.80" in exported["csv"].splitlines()[-1]
    assert json.loads(exported["fhir"])["resourceType"] == "Bundle"


def test_everything_is_done_with_the_keyboard(visit):
    page = visit(age="47")
    count = len(codes(page))
    page.locator("#codes > li").first.focus()
    press(page, *"j" * codes(page).index("J45.909"), "a")
    expect(row(page, "J45.909")).to_contain_text("accepted")
    expect(row(page, "J45.909")).to_be_focused()
    press(page, "u")
    expect(row(page, "J45.909")).not_to_contain_text("accepted")
    press(page, "1")
    expect(row(page, "J45.20")).to_have_count(1)
    press(page, "ArrowDown", "x")
    expect(page.locator("#codes > li")).to_have_count(count - 1)
    press(page, "J")
    expect(page.locator("#status")).to_contain_text("is in place")
    press(page, "p")
    expect(page.locator("#status")).to_contain_text("is the principal diagnosis")
    press(page, "w")
    expect(page.locator("#log > .agent").last).to_contain_text("is on the list, principal")
    press(page, "e")
    assert page.evaluate("CSS.highlights.get('cited').size") == 1
    press(page, "r")
    expect(page.locator("#picks [role=option]").first).to_be_visible()
    press(page, "Escape", "n")
    expect(page.locator("#pick")).to_be_visible()  # else letters are commands
    page.keyboard.type("elevated blood pressure reading")
    expect(page.locator("#picks [role=option]").first).to_contain_text("R03.0")
    page.fill("#words", "BP 152/94")
    page.locator("#pick").press("Enter")
    expect(row(page, "R03.0")).to_have_count(1)
    page.locator("#note mark").first.focus()
    press(page, "ArrowRight", "Enter")
    expect(page.locator("#codes > li:focus")).to_have_count(1)
    press(page, "?")
    expect(page.locator("dialog")).to_contain_text("make it the principal diagnosis")
    page.uncheck("#keys-on")
    press(page, "Escape", "x", "x")
    assert len(codes(page)) == count


def test_a_second_page_of_the_thread_shows_what_is_decided(visit, open_page):
    page = visit()
    other = open_page(to="/" + page.url.rpartition("/")[2])
    expect(row(other, "E03.9")).to_have_count(1)
    row(page, "E03.9").get_by_label("Accept").click()
    expect(row(other, "E03.9")).to_contain_text("accepted")
    expect(other.locator("#queue")).to_contain_text("1/")
    ask(other, "why E03.9?")
    expect(page.locator("#log > .agent").last).to_contain_text("Hypothyroidism")


def test_files_make_a_queue_and_a_note_is_forgotten(open_page, tmp_path):
    page = open_page()
    page.wait_for_selector("dialog[open], #queue li")
    if not page.locator("dialog[open]").count():
        page.click("#new-note")
    text = tmp_path / "one.txt"
    text.write_text("ASSESSMENT:\nHip pain.")
    rows = tmp_path / "more.jsonl"
    rows.write_text(
        "\n".join(
            json.dumps({"id": f"row {n}", "text": f"ASSESSMENT:\nLobar pneumonia {n}."})
            for n in (1, 2)
        )
    )
    page.set_input_files("#new-files", [text, rows])
    page.click("dialog button.main")
    queue = page.locator("#queue li")
    expect(queue).to_contain_text(["one", "row 1", "row 2"])
    expect(page.locator("#queue .state", has_text="accepted")).to_have_count(3)
    expect(page.locator("#note-title")).to_have_text("one")
    press(page, "]")
    expect(page.locator("#note-title")).to_have_text("row 1")
    expect(row(page, "J18.1")).to_have_count(1)
    for left in (2, 1, 0):
        page.click("#forget")
        page.locator("dialog").get_by_role("button", name="Forget").click()
        expect(queue).to_have_count(left)
    expect(page.locator("dialog")).to_contain_text("New note")


def test_markup_in_a_note_is_text(open_page, address, give_note):
    page = open_page()
    page.wait_for_selector("dialog[open], #queue li")
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><b>"
    give_note(page, f"ASSESSMENT:\nLobar pneumonia {evil}. Hip pain 😀 left.", evil)
    assert evil in page.locator("#note").text_content()
    assert page.locator("#note-title").text_content() == evil
    assert page.locator("main img, main script, main b, #queue b").count() == 0
    ask(page, evil)
    expect(page.locator("#log .coder").last).to_have_text(evil)
    marks = page.locator("#note mark").all_text_contents()
    assert "Lobar pneumonia" in marks
    page.request.delete(f"{address}/v1/threads/{page.url.rpartition('#')[2]}")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_found_by_axe(visit, size, scheme):
    page = visit(size, color_scheme=scheme)
    page.keyboard.press("w")
    expect(page.locator("#log > .agent").last).to_contain_text("is on the list")
    found = []
    for name in ("note", "codes", "chat"):
        pane(page, name)
        found += serious(page)
        if size == "wide":
            break
    page.keyboard.press("n")
    expect(page.locator("#picks")).to_be_visible()
    page.fill("#pick", "asthma")
    expect(page.locator("#picks [role=option]").first).to_be_visible()
    found += serious(page)
    page.keyboard.press("Escape")
    page.click("#new-note")
    found += serious(page)
    assert found == []


def serious(page):
    violations = Axe().run(page).response["violations"]
    return [
        (found["id"], found["nodes"][0]["html"][:120], found["nodes"][0].get("failureSummary"))
        for found in violations
        if found["impact"] in ("serious", "critical")
    ]


def test_nothing_is_wider_than_a_narrow_screen(visit):
    page = visit("narrow")
    for name in ("note", "codes", "chat"):
        pane(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_token_is_asked_for_and_kept_for_the_tab(browser, coders, serve):
    with serve(coders["guidelines"], ChatStore.in_memory(), TOKEN) as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        page.fill("#token", "wrong")
        page.keyboard.press("Enter")
        expect(page.locator("dialog")).to_contain_text("The token is not right.")
        page.fill("#token", TOKEN)
        page.keyboard.press("Enter")
        expect(page.locator("dialog")).to_contain_text("New note")
        page.reload()
        expect(page.locator("dialog")).to_contain_text("New note")
        context.close()
