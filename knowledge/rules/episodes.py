"""The episode of care that a 7th character tells: initial, subsequent, sequela."""

from collections.abc import Iterable
from typing import Literal, get_args

from knowledge.rules.context import Case

Episode = Literal["initial", "subsequent", "sequela"]
_EPISODES: tuple[Episode, ...] = get_args(Episode)
_EXTERNAL_CAUSES = "20"


def episode(case: Case, code: str) -> Episode | None:
    """Return the episode of a code, None if its 7th character tells something else or is none."""
    meaning = case.system.get(code).seventh or ""
    return next((one for one in _EPISODES if meaning.startswith(one)), None)


def injuries(case: Case) -> dict[str, Episode]:
    """Return the reported conditions with an episode: injuries, poisonings, certain fractures."""
    return _episodes(
        case, (code for code in case.codes if case.system.get(code).chapter != _EXTERNAL_CAUSES)
    )


def external_causes(case: Case) -> dict[str, Episode]:
    """Return the reported external causes with an episode."""
    return _episodes(
        case, (code for code in case.codes if case.system.get(code).chapter == _EXTERNAL_CAUSES)
    )


def _episodes(case: Case, codes: Iterable[str]) -> dict[str, Episode]:
    found = {code: episode(case, code) for code in codes}
    return {code: one for code, one in found.items() if one}
