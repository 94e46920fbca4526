"""Takes the screenshots of docs/web.md: ``python tests/agent/web/screenshots.py``.

Both show the demo note, coded without an LLM. They are stored with 256 colours.
"""

import io
from pathlib import Path

from conftest import NOTES, chromium, code_note, serving
from PIL import Image

from agent.chat.store import ChatStore
from agent.coder import Coder, CoderOptions

DOCS = Path(__file__).parents[3] / "docs"
VISIT = {"setting": "outpatient", "sex": "F", "age": "46"}
SHOTS = {
    "web_wide_light.png": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "web_narrow_dark.png": {
        "viewport": {"width": 390, "height": 844},
        "color_scheme": "dark",
        "device_scale_factor": 2,
    },
}


def main():
    note = (NOTES / "emergency_visit.txt").read_text(encoding="utf-8")
    store = ChatStore.in_memory()
    with serving(Coder(CoderOptions(llm="none")), store) as address, chromium() as browser:
        for name, options in SHOTS.items():
            page = browser.new_page(**options)
            page.goto(address)
            page.wait_for_selector("dialog[open], #queue li")
            code_note(page, note, "emergency_visit", **VISIT)
            if "narrow" in name:
                page.click("#panes [data-pane=codes]")
            page.click('#codes > li[data-code="J45.909"] .title')
            page.click('#codes > li[data-code="J45.909"] .chip')
            if "narrow" in name:
                page.click("#panes [data-pane=codes]")
            else:
                page.fill("#line", "why not E11.9?")
                page.press("#line", "Enter")
                page.wait_for_selector("#log button.cite >> text=guideline")
            page.wait_for_timeout(500)
            shot = Image.open(io.BytesIO(page.screenshot()))
            shot.convert("RGB").quantize(256).save(DOCS / name, optimize=True)
            page.close()


if __name__ == "__main__":
    main()
