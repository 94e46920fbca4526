"""How well an LLM judges what the rules leave open, on argued questions.

Each question is put as `agent.judgement` puts it. The threshold and the band of indecision are
chosen on the split ``tune``; accuracy is that of the split ``report``, with the exact interval of
Clopper and Pearson (1934). The area under the curve is that of ranking yes above no, which needs no
threshold.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from agent.evidence import evidence_at
from agent.judgement import ask_about
from agent.policy.open_pairs import EXCLUDES1, INTEGRAL, OpenPair
from agent.policy.wording import UNSPECIFIED
from agent.settings import Band
from agent.state import CoderContext, Proposal
from agent.trace.events import JudgementKind
from knowledge.errors import UserError
from knowledge.note_text import Note, Span
from knowledge.strict_yaml import read_yaml

_SURE = 0.9  # share of tuning answers beyond an end of the band that must be right
_CHANCE = 0.5  # half of the answers of each kind are yes
_FIX = "see tests/data/judgements.yaml for the form of a question"


class Item(BaseModel):
    """One question with the argued answer; ``words`` are the evidence of the codes in the note."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: JudgementKind
    split: Literal["tune", "report"]
    codes: tuple[str, str]
    words: tuple[str, str]
    note: str
    answer: bool
    why: str


class Heard(NamedTuple):
    """The log-odds of yes that the LLM gave, and whether yes is right."""

    odds: float
    right: bool


class Interval(NamedTuple):
    """A 95 % interval."""

    low: float
    high: float


class KindReport(NamedTuple):
    """How well one kind of question is judged.

    Attributes:
        tune: Questions to choose the threshold on.
        report: Questions that the figures below are of.
        threshold: Log-odds from which an answer is taken as yes, where it has to be yes or no.
        accuracy: Share of right answers at the threshold.
        accuracy_ci95: Its exact 95 % interval.
        auc: Area under the curve.
        band: Between its ends an answer decides nothing; None where no end is sure on ``tune``.
        decided: Share of questions that the band decides.
        decided_accuracy: Share of right answers among these; None where it decides none.
        better_than_chance: Whether the interval lies above one half.
    """

    tune: int
    report: int
    threshold: float
    accuracy: float
    accuracy_ci95: Interval
    auc: float
    band: Band | None
    decided: float
    decided_accuracy: float | None
    better_than_chance: bool

    def to_json(self) -> dict[str, Any]:
        """Return the figures under their public names, ready for JSON."""
        return {
            **self._asdict(),
            "accuracy_ci95": list(self.accuracy_ci95),
            "band": self.band.model_dump() if self.band else None,
        }


def judge_file(path: Path, llm: str, within: Path | None = None) -> dict[str, Any]:
    """Put the questions of a file to an LLM and report how well it judged, ready for JSON.

    Args:
        path: YAML file of argued questions.
        llm: Spec of the LLM.
        within: A text that the notes of the split ``report`` are put behind, to see whether what is
            chosen on short notes holds in a longer one.

    Raises:
        UserError: A file or the LLM cannot be used.
    """
    from agent.coder import Coder, CoderOptions
    from indexes.cli_output import progress_bar

    items = read_items(path)
    before = f"{_read_text(within)}\n\nADDENDUM:\n" if within else ""
    if llm == "none":
        raise UserError("--llm none judges nothing", fix="--llm builtin")
    context = Coder(CoderOptions(llm=llm)).context
    with progress_bar("Asking") as progress:
        heard = hear(items, context, progress, before)
    kinds = {kind: found.to_json() for kind, found in report(heard).items()}
    answers = [
        {"kind": i.kind, "split": i.split, "codes": i.codes, "answer": i.answer, "log_odds": h.odds}
        for i, h in heard
    ]
    return {"model": context.llm_identity.model, "kinds": kinds, "answers": answers}


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}", fix="--within a UTF-8 text file") from error


def read_items(path: Path) -> list[Item]:
    """Read argued questions.

    Raises:
        UserError: The file cannot be read, breaks the form, or quotes words its note lacks.
    """
    try:
        items = TypeAdapter(list[Item]).validate_python(read_yaml(path))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}", fix=_FIX) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}, item {where}: {first['msg']}", fix=_FIX) from error
    for number, item in enumerate(items):
        for words in item.words:
            if words not in item.note:
                problem = f"{path}, item {number}: its note lacks the words {words!r}"
                raise UserError(problem, fix="quote them as they stand in the note")
    return items


def hear(
    items: Sequence[Item],
    context: CoderContext,
    progress: Callable[[int, int], None],
    before: str = "",
) -> list[tuple[Item, Heard]]:
    """Put each question to the LLM of the context.

    Args:
        items: The questions.
        context: Has the LLM.
        progress: Told questions done and questions in all.
        before: Text that stands before the notes of the split ``report``.

    Raises:
        UserError: The LLM gave no usable answer.
    """
    heard = []
    for number, item in enumerate(items):
        head = before if item.split == "report" else ""
        note = Note.parse(head + item.note, f"item {number}")
        odds = ask_about(_pair(item, note, len(head), context), note, context)
        if odds is None:
            raise UserError(
                f"{context.llm_identity.model} gave no usable answer to question {number + 1}",
                fix="ask again when the LLM answers",
            )
        heard.append((item, Heard(odds, item.answer)))
        progress(number + 1, len(items))
    return heard


def report(heard: Sequence[tuple[Item, Heard]]) -> Mapping[JudgementKind, KindReport]:
    """Choose thresholds on ``tune`` and measure on ``report``, for each kind of question.

    Raises:
        UserError: A kind lacks questions of either answer in a split.
    """
    kinds = dict.fromkeys(item.kind for item, _ in heard)
    return {kind: _report(kind, heard) for kind in kinds}


def _report(kind: JudgementKind, heard: Sequence[tuple[Item, Heard]]) -> KindReport:
    tune, test = (
        [h for item, h in heard if item.kind == kind and item.split == split]
        for split in ("tune", "report")
    )
    for name, answers in (("tune", tune), ("report", test)):
        if len({h.right for h in answers}) < 2:
            raise UserError(f"{kind} has no questions of both answers in split {name!r}", fix=_FIX)
    threshold = best_threshold(tune)
    right = sum((h.odds >= threshold) == h.right for h in test)
    low, high = exact_interval(right, len(test))
    band = sure_band(tune)
    outcomes = [(band.answer(h.odds), h.right) for h in test] if band else []
    decided = [(answer == "yes") == right for answer, right in outcomes if answer != "undecided"]
    return KindReport(
        tune=len(tune),
        report=len(test),
        threshold=threshold,
        accuracy=right / len(test),
        accuracy_ci95=Interval(low, high),
        auc=area_under_curve(test),
        band=band,
        decided=len(decided) / len(test),
        decided_accuracy=sum(decided) / len(decided) if decided else None,
        better_than_chance=low > _CHANCE,
    )


def best_threshold(heard: Sequence[Heard]) -> float:
    """Return the log-odds that part yes and no best, halfway between two answers.

    Of several that are equally good the middle one is taken.
    """
    odds = sorted({h.odds for h in heard})
    # Between neighbouring numbers there is none: their half way rounds to one of them.
    pairs = itertools.pairwise(odds)
    cuts = [(a + b) / 2 if (a + b) / 2 > a else b for a, b in pairs] or odds
    right = [sum((h.odds >= cut) == h.right for h in heard) for cut in cuts]
    best = [cut for cut, count in zip(cuts, right, strict=True) if count == max(right)]
    return best[len(best) // 2]


def sure_band(heard: Sequence[Heard]) -> Band | None:
    """Return the band that leaves least undecided and is sure on either side.

    Sure means that at least nine of ten answers beyond an end are right. None where there is no
    such band; of several equally narrow ones that with the most right answers is taken.
    """
    odds = sorted({h.odds for h in heard})
    yes = [o for o in odds if _share([h.right for h in heard if h.odds >= o]) >= _SURE]
    no = [o for o in odds if _share([not h.right for h in heard if h.odds <= o]) >= _SURE]
    bands = [Band(yes_from=high, no_to=low) for low in no for high in yes if low < high]

    def undecided_and_wrong(band: Band) -> tuple[int, int]:
        answers = [(band.answer(h.odds), h.right) for h in heard]
        undecided = sum(answer == "undecided" for answer, _ in answers)
        wrong = sum(answer == ("no" if right else "yes") for answer, right in answers)
        return undecided, wrong

    return min(bands, key=undecided_and_wrong, default=None)


def area_under_curve(heard: Sequence[Heard]) -> float:
    """Return the chance that a right yes has higher log-odds than a right no; ties count half."""
    yes = [h.odds for h in heard if h.right]
    no = [h.odds for h in heard if not h.right]
    return sum((a > b) + (a == b) / 2 for a in yes for b in no) / (len(yes) * len(no))


def exact_interval(successes: int, trials: int) -> Interval:
    """Return the exact 95 % interval of a share (Clopper and Pearson 1934)."""
    from scipy.stats import binomtest

    found = binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="exact")
    return Interval(float(found.low), float(found.high))


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right)


def _pair(item: Item, note: Note, start: int, context: CoderContext) -> OpenPair:
    """Return the question of an item whose own note begins at ``start``."""
    first, second = (
        _proposal(context.system.normalise(code), words, note, start)
        for code, words in zip(item.codes, item.words, strict=True)
    )
    if item.kind == "integral_symptom":
        return OpenPair(item.kind, first, second, INTEGRAL)
    same_category = first.code[:3] == second.code[:3]
    return OpenPair(item.kind, first, second, UNSPECIFIED if same_category else EXCLUDES1)


def _proposal(code: str, words: str, note: Note, start: int) -> Proposal:
    at = note.text.index(words, start)
    evidence = evidence_at(note, Span(at, at + len(words)))
    return Proposal(code, 1.0, "present", (evidence,), True, "argued")
