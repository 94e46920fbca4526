"""Fits the voice of ``guidelines`` on notes with argued codes.

Each candidate that the note supports is a row: its features, and whether it leads to a code of the
reference, by itself or by a step of the policy ("breast cancer" called history leads to Z85.3).
A logistic regression weighs the features; it is regularised, since the notes are few. The threshold
is chosen, and the figures of the card come, from whole results of notes that the weights had not
seen.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from typing import NamedTuple

from langsmith import tracing_context

from agent.graph import build_graph
from agent.nodes.reason import supported_candidates
from agent.nodes.retrieve import retrieve
from agent.request import CodingRequest
from agent.result import ResultContext
from agent.state import CoderContext
from agent.trace.recorder import Recorder
from agent.voice.features import EvidenceView, Features, Supported, is_worded
from agent.voice.model import GuidelineVoice
from indexes.candidates import Candidate, CandidateGenerator
from indexes.coded_notes import CodedNote, data_identity, folds
from knowledge.errors import UserError
from knowledge.note_text import Note
from knowledge.policy_data import Combination, Policy

PARTS = 5
REGULARISATION = 0.3  # scikit-learn's C: less is stronger
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5)
_SEED = 0
_LEAST_ROWS = 30  # of either kind
_BINS = 10
_SILENCED = 0.5  # score below which a longer wording holds the words of a mention
# What the voice is never asked about: the note says that it is not there.
_NEVER_CODED = frozenset({"absent", "hypothetical"})

# Codes notes with a voice; gives the codes of each.
CodeNotes = Callable[[Sequence[CodedNote], GuidelineVoice], Sequence[Set[str]]]


class Row(NamedTuple):
    """A candidate of a training note.

    Attributes:
        note: Position of the note.
        features: As the voice sees them.
        right: Whether it leads to a code of the reference.
    """

    note: int
    features: Features
    right: bool


class Remembering:
    """A generator that keeps what it found of each note, since training codes each several times.

    Args:
        generator: The generator.
    """

    def __init__(self, generator: CandidateGenerator) -> None:
        self.name = generator.name
        self._generator = generator
        self._found: dict[tuple[str, int], Sequence[Candidate]] = {}

    def candidates(self, note: Note, k: int) -> Sequence[Candidate]:
        """Return the candidates of the generator."""
        key = (note.text, k)
        if key not in self._found:
            self._found[key] = self._generator.candidates(note, k)
        return self._found[key]


def train_voice(
    notes: Sequence[CodedNote], context: CoderContext, code: CodeNotes
) -> GuidelineVoice:
    """Fit a voice and choose its threshold.

    Args:
        notes: With reference codes of the policy.
        context: Generators and policy data; its policy is "guidelines".
        code: Codes notes with a voice and everything that follows it.

    Raises:
        UserError: There are too few candidates, right or wrong.
    """
    rows = training_rows(notes, context)
    _require_both_kinds(rows)
    unseen = _held_out(notes, rows, code)
    return _fit(rows).model_copy(
        update={
            "threshold": unseen.threshold,
            "notes": len(notes),
            "micro_f1": round(unseen.micro_f1, 4),
            "calibration_error": round(unseen.calibration_error, 4),
            "data_sha256": data_identity(notes),
        }
    )


def code_with(context: CoderContext) -> CodeNotes:
    """Return what codes notes as the agent does, without LLM, with the voice that it is given."""
    graph = build_graph()

    def codes_of(coded: CodedNote, voice: GuidelineVoice) -> Set[str]:
        row = coded.row
        known = ResultContext(setting=row.setting or "inpatient", sex=row.sex, age=row.age)
        request = CodingRequest(coded.id, row.text, known)
        # LangChain would send the note to LangSmith where a user's environment asks for it.
        with tracing_context(enabled=False):
            state = graph.invoke(
                {"request": request}, context=replace(context, guideline_voice=voice)
            )
        return {code.code for code in state["result"].codes}

    return lambda notes, voice: [codes_of(coded, voice) for coded in notes]


def training_context(context: CoderContext) -> CoderContext:
    """Return the context of an agent made fit for training.

    Its generators remember what they found, and neither LLM nor PLM-ICD take part.
    """
    generators = [Remembering(g) for g in context.generators]
    return replace(context, generators=generators, llm=None, plm=None, recorder=Recorder())


def training_rows(notes: Sequence[CodedNote], context: CoderContext) -> list[Row]:
    """Return a row for each candidate that may be accepted under ``guidelines``."""
    rows: list[Row] = []
    for number, coded in enumerate(notes):
        candidates = retrieve({"note": coded.note}, context)["candidates"]
        supported = supported_candidates(coded.note, candidates, context)
        worded = [s for s in supported if is_worded(s.candidate)]
        view = EvidenceView(coded.note, worded, context.system, context.policy_data)
        rows += [
            Row(number, view.features(s), leads_to(s, coded.codes, context.policy_data))
            for s in worded
            if _may_be_accepted(s, coded, context)
        ]
    return rows


def _may_be_accepted(supported: Supported, coded: CodedNote, context: CoderContext) -> bool:
    """Tell whether the voice decides on a candidate: assertion and policy have no say first."""
    uncertain = supported.assertion == "possible" and coded.row.setting == "outpatient"
    return (
        supported.assertion not in _NEVER_CODED
        and not uncertain
        and context.system.get(supported.candidate.code).billable
    )


def leads_to(supported: Supported, reference: Set[str], policy: Policy) -> bool:
    """Tell whether a candidate becomes one of some codes, by itself or by a step of the policy.

    What stands for less than a longer wording does becomes nothing: its score says so.
    """
    code = supported.candidate.code
    if code in reference:
        return True
    if max(m.score for m in supported.mentions) < _SILENCED:
        return False
    if supported.assertion == "family":
        entry = policy.family(code)
        return bool(entry and entry.history in reference)
    if policy.past(code).code in reference:
        return True
    return any(_combines(rule, code, reference) for rule in policy.combinations)


def _combines(rule: Combination, code: str, reference: Set[str]) -> bool:
    outcome = {*rule.replace.values(), *rule.add}
    return any(code.startswith(group) for group in rule.when) and not outcome.isdisjoint(reference)


def _require_both_kinds(rows: Sequence[Row]) -> None:
    right = sum(row.right for row in rows)
    if min(right, len(rows) - right) < _LEAST_ROWS:
        raise UserError(
            f"{len(rows)} candidates ({right} right) do not tell how to weigh evidence; "
            f"{_LEAST_ROWS} right and {_LEAST_ROWS} wrong ones are needed.",
            fix="give more notes.",
        )


def _fit(rows: Sequence[Row]) -> GuidelineVoice:
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    table = DictVectorizer(sparse=False)
    values = table.fit_transform([dict(row.features) for row in rows])
    fitted = LogisticRegression(C=REGULARISATION, max_iter=2000)
    fitted.fit(values, [row.right for row in rows])
    names = table.get_feature_names_out().tolist()
    weights = dict(zip(names, fitted.coef_[0].round(3).tolist(), strict=True))
    return GuidelineVoice(
        bias=round(float(fitted.intercept_[0]), 3),
        weights=weights,
        threshold=0.5,
        notes=0,
        candidates=len(rows),
        micro_f1=0.0,
        calibration_error=0.0,
        data_sha256="",
    )


class _HeldOut(NamedTuple):
    """What voices make of notes they had not seen, at the best threshold."""

    threshold: float
    micro_f1: float
    calibration_error: float


def _held_out(notes: Sequence[CodedNote], rows: Sequence[Row], code: CodeNotes) -> _HeldOut:
    """Code each fold with a voice fitted on the others."""
    hits = dict.fromkeys(THRESHOLDS, 0)
    given = dict.fromkeys(THRESHOLDS, 0)
    judged: list[tuple[float, bool]] = []
    for fold in folds(len(notes), PARTS, _SEED):
        held_out = set(fold)
        voice = _fit([row for row in rows if row.note not in held_out])
        judged += [
            (voice.confidence(row.features), row.right) for row in rows if row.note in held_out
        ]
        part = [notes[position] for position in fold]
        for threshold in THRESHOLDS:
            results = code(part, voice.model_copy(update={"threshold": threshold}))
            given[threshold] += sum(map(len, results))
            hits[threshold] += sum(
                len(note.codes & codes) for note, codes in zip(part, results, strict=True)
            )
    wanted = sum(len(note.codes) for note in notes)
    scores = {t: 2 * hits[t] / max(1, given[t] + wanted) for t in THRESHOLDS}
    best = max(scores, key=lambda t: scores[t])
    return _HeldOut(best, scores[best], _calibration_error(judged))


def _calibration_error(judged: Sequence[tuple[float, bool]]) -> float:
    """Return the expected calibration error over bins of equal width."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in judged:
        bins.setdefault(min(int(confidence * _BINS), _BINS - 1), []).append((confidence, right))
    gaps = (abs(sum(c - r for c, r in members)) for members in bins.values())
    return sum(gaps) / max(1, len(judged))
