"""An LLM alone that walks down the tree of codes, as a baseline.

After Boyle et al. 2023, "Automated clinical coding using off-the-shelf large language models"
(arXiv 2310.06552): from the chapters on, the LLM reads the note and the titles one level below and
says which of them apply; those are opened next, until codes are reached or the calls are spent.
Two changes, which spare tokens: the answer is numbers in place of a line for each title, and a note
longer than the context is cut at its end. Depth first, so that codes are reached on any budget.
"""

import re
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.llm.base import CodingLLM, ContextOverflow
from agent.prompting import load_prompt
from knowledge.code_systems.icd10cm import ICD10CM
from knowledge.dataset_row import DatasetRow

_PROMPT = "tree_search"
_MAX_ANSWER = 40  # tokens: a dozen numbers
_NUMBER = re.compile(r"\d+")
_SHORTER = 0.7  # of a note that does not fit


class Walk(NamedTuple):
    """What a walk came to.

    Attributes:
        codes: Billable codes in the order they were reached.
        calls: LLM calls.
        prompt_tokens: Read.
        completion_tokens: Written.
        seconds: Wall-clock time.
    """

    codes: tuple[str, ...]
    calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float


def tree_search(text: str, llm: CodingLLM, system: ICD10CM, calls: int) -> Walk:
    """Walk from the chapters to codes.

    Args:
        text: The note.
        llm: Answers as a chat model.
        system: The tree.
        calls: LLM calls at most.
    """
    began = time.perf_counter()
    asker = _Asker(text, llm)
    reached: dict[str, None] = {}
    # Entries whose children are still to be chosen from, the next one last.
    open_entries: list[Sequence[str]] = [_chapters(system)]
    while open_entries and asker.calls < calls:
        options = open_entries.pop()
        chosen = asker.choose([_described(entry, system) for entry in options])
        below = []
        for entry in (options[place] for place in chosen):
            if system.get(entry).billable:
                reached.setdefault(entry)
            else:
                below.append(system.children(entry))
        open_entries += reversed(below)
    seconds = time.perf_counter() - began
    return Walk(tuple(reached), asker.calls, asker.prompt_tokens, asker.completion_tokens, seconds)


def as_row(row: DatasetRow, walk: Walk, llm: str) -> dict[str, Any]:
    """Return a walk as a line of results; what was reached first ranks first."""
    ranked = [{"code": code, "score": 1 / place} for place, code in enumerate(walk.codes, 1)]
    usage = {"llm": llm, "llm_calls": walk.calls, **walk._asdict()}
    usage = {name: value for name, value in usage.items() if name not in ("codes", "calls")}
    codes = [{"code": code} for code in walk.codes]
    return {
        "id": row.id,
        "status": "ok" if codes else "empty",
        "codes": codes,
        "candidates": ranked,
        "usage": usage,
    }


class _Asker:
    """Asks which entries apply, and counts what that costs."""

    def __init__(self, text: str, llm: CodingLLM) -> None:
        self._text, self._llm = text.replace("<|", "< |"), llm
        self.calls = self.prompt_tokens = self.completion_tokens = 0

    def choose(self, titles: Sequence[str]) -> list[int]:
        """Return the places of the titles that apply, in the order of the answer."""
        options = "\n".join(f"{place}. {title}" for place, title in enumerate(titles, 1))
        messages = load_prompt(_PROMPT).render(note=self._text, options=options)
        try:
            answer = self._llm.invoke(messages, max_tokens=_MAX_ANSWER)
        except ContextOverflow:
            self._text = self._text[: int(_SHORTER * len(self._text))]
            return self.choose(titles) if self._text else []
        self.calls += 1
        if usage := answer.usage_metadata:
            self.prompt_tokens += usage["input_tokens"]
            self.completion_tokens += usage["output_tokens"]
        places = (int(number) - 1 for number in _NUMBER.findall(str(answer.content)))
        return list(dict.fromkeys(place for place in places if 0 <= place < len(titles)))


def _chapters(system: ICD10CM) -> list[str]:
    return [group for group in system.groups() if group.isdigit()]


def _described(entry: str, system: ICD10CM) -> str:
    title = system.get(entry).title
    return title if entry.isdigit() else f"{entry} {title}"
