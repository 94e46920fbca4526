"""Fits how much an LLM's answers weigh beside the ranker's confidence.

The LLM is asked about open candidates of training notes, as it would be when coding; the
confidences are those that the ranker gave these notes out-of-fold. A logistic regression on both
log-odds then says how to hear it. Answers are kept, so a run that was stopped goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import orjson

from agent.confidence import log_odds
from agent.nodes.reason import open_questions, propose
from agent.nodes.retrieve import retrieve
from agent.state import CoderContext
from agent.verify import verify
from indexes.candidates import Candidate
from indexes.coded_notes import CodedNote
from indexes.ranker.model import LLMVoice
from knowledge.errors import UserError
from knowledge.jsonl import read_jsonl

_LEAST_ANSWERS = 30  # of either kind; fewer do not tell how to weigh a voice


class Answer(NamedTuple):
    """What an LLM said of a candidate of a training note.

    Attributes:
        id: The note.
        code: The candidate.
        confidence: The ranker's, out-of-fold.
        odds: Log-odds of Yes.
        right: Whether the annotators gave the code.
    """

    id: str
    code: str
    confidence: float
    odds: float
    right: bool


def read_out_of_fold(path: Path) -> dict[str, dict[str, float]]:
    """Read the confidences that ``icd-agent train ranker`` left of its training notes.

    Raises:
        UserError: There is no such file.
    """
    return {
        line.value["id"]: {c["code"]: c["score"] for c in line.value["candidates"]}
        for line in read_jsonl(path)
    }


def collect_answers(
    notes: Sequence[CodedNote],
    confidences: Mapping[str, Mapping[str, float]],
    context: CoderContext,
    kept: Path,
    progress: Callable[[int, int], None],
) -> list[Answer]:
    """Ask the LLM about the open candidates of notes.

    Args:
        notes: Training notes with reference codes.
        confidences: For each of them the out-of-fold confidence of each candidate.
        context: Has the LLM and the learned parts.
        kept: File of answers; notes answered in it are not asked again.
        progress: Told notes done and notes in all.
    """
    former = read_jsonl(kept) if kept.is_file() else ()
    done = {line.value["id"]: line.value["answers"] for line in former}
    answers: list[Answer] = []
    with kept.open("ab") as file:
        for number, coded in enumerate(notes):
            if coded.id not in done:
                done[coded.id] = _ask(coded, confidences[coded.id], context)
                row = {"id": coded.id, "answers": done[coded.id]}
                file.write(orjson.dumps(row) + b"\n")
                file.flush()
            answers += [
                Answer(coded.id, code, confidence, odds, code in coded.codes)
                for code, confidence, odds in done[coded.id]
            ]
            progress(number + 1, len(notes))
    return answers


def fit_voice(answers: Sequence[Answer], model: str) -> LLMVoice:
    """Return the voice that explains the answers best.

    Raises:
        UserError: There are too few answers about right or about wrong candidates.
    """
    from sklearn.linear_model import LogisticRegression

    right = sum(a.right for a in answers)
    if min(right, len(answers) - right) < _LEAST_ANSWERS:
        raise UserError(
            f"{len(answers)} answers ({right} about right codes) do not tell how to hear an LLM; "
            f"{_LEAST_ANSWERS} about right and about wrong codes are needed.",
            fix="give more notes: --notes 100",
        )
    both = [[log_odds(a.confidence), a.odds] for a in answers]
    fitted = LogisticRegression(C=1.0).fit(both, [a.right for a in answers])
    confidence_weight, llm_weight = fitted.coef_[0].tolist()
    return LLMVoice(
        model=model,
        confidence_weight=confidence_weight,
        llm_weight=llm_weight,
        bias=float(fitted.intercept_[0]),
        questions=len(answers),
    )


def _ask(
    coded: CodedNote, confidences: Mapping[str, float], context: CoderContext
) -> list[tuple[str, float, float]]:
    """Return code, confidence and log-odds of Yes of the open candidates of a note."""
    found: Sequence[Candidate] = retrieve({"note": coded.note}, context)["candidates"]
    # The ranker in use knows the note by heart; what it thought before it did is what counts.
    candidates = [replace(c, score=confidences[c.code]) for c in found if c.code in confidences]
    asked = open_questions(propose(coded.note, candidates, context), context)
    return [
        (proposal.code, proposal.confidence, odds)
        for proposal, odds in verify(coded.note, asked, context)
    ]
