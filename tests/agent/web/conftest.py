"""The page in a browser: a server in a thread, Debian's chromium, and what tests do with a page."""

import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

NOTES = Path(__file__).parents[2] / "data" / "notes"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@contextmanager
def serving(coder, store, token=None):
    """Serve a coder on a free port; yields the address."""
    import uvicorn

    from agent.serve.app import build_app
    from agent.serve.limits import Limits, access_of
    from agent.serve.server import address_of, listen

    limits = Limits(requests_per_minute=100_000)
    app = build_app(coder, access_of("127.0.0.1", token), limits, store)
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield address_of(listening)
    finally:
        app.on_ending()
        server.should_exit = True
        thread.join()
        listening.close()


@contextmanager
def chromium():
    """Start the browser with a profile of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no chromium on the path (Debian: apt install chromium)")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def serve():
    """Return `serving`, since tests cannot import from here."""
    return serving


@pytest.fixture(scope="session")
def give_note():
    """Return `code_note`."""
    return code_note


def code_note(page, text, name, **encounter):
    """Give a note to the page, as a coder does, and wait for its codes."""
    if not page.locator("dialog[open]").count():
        page.click("#new-note")
    page.fill("#new-text", text)
    page.fill("#new-id", name)
    for field, value in encounter.items():
        control = page.locator(f"#new-{field}")
        if field in ("setting", "sex"):
            control.select_option(value)
        else:
            control.fill(value)
    page.click("dialog button.main")
    page.wait_for_function(
        "name => document.querySelector('#note-title').textContent === name", arg=name
    )
    page.wait_for_selector("#codes > li", state="attached", timeout=60_000)
