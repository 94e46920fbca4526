"""What happens to codes that did not exist when the learned parts were trained.

A share of the codes of the training notes is held out of everything that learns: codes and evidence
of the notes, and with them mention dictionary, evidence lines and counts of codes; for the ranker
their candidates are neither right nor wrong. Titles, inclusion terms and synonyms stay. Then their
recall is compared with that of the same codes when they were in training, and taken apart by
wordings. Without any wording it is 0: nothing else proposes a code that was never learned.

PLM-ICD has no voice in these systems: it knows no code outside its labels by construction, and adds
nothing to the ranker for those inside (see the lab book).
"""

from collections.abc import Mapping, Sequence, Set
from typing import Any, NamedTuple

from eval.metrics import (
    DEFAULT_RESAMPLES,
    Interval,
    mean_average_precision,
    micro_scores,
    ratio,
    ratio_interval,
)
from indexes.artefacts import Artefacts
from indexes.bundle import Bundle
from indexes.candidates import CandidateGenerator
from indexes.coded_notes import CodedNote, data_identity
from indexes.fusion import reciprocal_rank_fusion
from indexes.hold_out import draw_codes, without_codes
from indexes.learned import LearnedFiles, load_learned
from indexes.ranker.features import LEARNED, Rankings
from indexes.ranker.model import Ranker
from indexes.ranker.pool import pool
from indexes.ranker.train import train_ranker
from indexes.training import Workshop, cross_fitted_features, learned_generators
from indexes.wordings import Wordings, untrained_generators
from knowledge.errors import UserError

# Each with a ranker of its own that learned to rely on no more.
LIMITED_WORDINGS: tuple[Wordings, ...] = ("descriptions", "titles", "synonyms")
_RETRIEVED = 50
_RANKED = (15, 50)


class Judged(NamedTuple):
    """What a system made of one note.

    Attributes:
        gold: The reference codes of the note.
        alone: Codes of each untrained generator, best first.
        retrieved: Codes by rank fusion of those, best first.
        ranking: All candidates, most believable first.
        assigned: The codes it assigned.
    """

    gold: frozenset[str]
    alone: Mapping[str, Sequence[str]]
    retrieved: Sequence[str]
    ranking: Sequence[str]
    assigned: frozenset[str]


class Share(NamedTuple):
    """A ratio of counts with its 95 % bootstrap interval over notes."""

    hits: int
    total: int
    ci95: Interval | None

    @property
    def value(self) -> float:
        """The ratio; 0 where there is nothing to judge."""
        return ratio(self.hits, self.total)

    def to_json(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        interval = list(self.ci95) if self.ci95 else None
        return {"value": self.value, "ci95": interval, "of": self.total}


class Experiment(NamedTuple):
    """What systems are trained and judged with.

    Attributes:
        notes: The training notes with all their codes.
        reference: Notes to judge by; None judges the training notes, out of fold.
        artefacts: Where the wordings of codes are stored.
        bundle: The untrained generators with all wordings.
        shop: Tools of training; its untrained generators are replaced.
    """

    notes: Sequence[CodedNote]
    reference: Sequence[CodedNote] | None
    artefacts: Artefacts
    bundle: Bundle
    shop: Workshop

    def judge(self, held_out: Set[str], wordings: Wordings) -> list[Judged]:
        """Train a system and let it code the notes to judge by.

        Args:
            held_out: Codes that training must not know.
            wordings: What the untrained generators know of all codes.
        """
        untrained = untrained_generators(wordings, self.artefacts, self.bundle, self.shop.system)
        shop = self.shop._replace(
            untrained=untrained, index_identity=f"{self.bundle.identity} {wordings}"
        )
        notes = [without_codes(coded, held_out) for coded in self.notes]
        identity = data_identity(notes)
        features = cross_fitted_features(notes, shop, unborn=held_out)
        with shop.progress(f"Ranker, wordings: {wordings}") as progress:
            stacked = train_ranker(*features, identity, progress, passed_over=held_out)
        threshold = stacked.card.threshold
        if self.reference is None:
            return [
                _judged(coded, pool(coded.note, untrained, shop.system), scores, threshold)
                for coded, scores in zip(self.notes, stacked.scores, strict=True)
            ]
        ranker = Ranker(stacked.booster, stacked.card, shop.system)
        generators = [*untrained, *learned_generators(notes, " of all notes", shop)]
        return judge_notes(self.reference, generators, ranker, shop)


def judge_notes(
    notes: Sequence[CodedNote],
    generators: Sequence[CandidateGenerator],
    ranker: Ranker,
    shop: Workshop,
) -> list[Judged]:
    """Let a trained system code notes, as the policy "mentions" does without an LLM.

    Args:
        notes: The notes.
        generators: All its generators.
        ranker: Its ranker.
        shop: Tools of training.
    """
    judged = []
    with shop.progress("Judging") as progress:
        for done, coded in enumerate(notes, start=1):
            rankings = pool(coded.note, generators, shop.system)
            scores = {c.code: c.score for c in ranker.rank(coded.note, rankings)}
            untrained = {name: r for name, r in rankings.items() if name not in LEARNED}
            judged.append(_judged(coded, untrained, scores, ranker.card.threshold))
            progress(done, len(notes))
    return judged


def _judged(
    coded: CodedNote, untrained: Rankings, scores: Mapping[str, float], threshold: float
) -> Judged:
    return Judged(
        gold=coded.codes,
        alone={name: [c.code for c in ranking] for name, ranking in untrained.items()},
        retrieved=[c.code for c in reciprocal_rank_fusion(untrained)],
        ranking=sorted(scores, key=lambda code: (-scores[code], code)),
        assigned=frozenset(code for code, score in scores.items() if score >= threshold),
    )


def figures_of(
    notes: Sequence[Judged], codes: Set[str], *, resamples: int = DEFAULT_RESAMPLES
) -> dict[str, Share]:
    """Return recall and precision of some codes, step by step.

    Args:
        notes: The notes as a system judged them.
        codes: The codes that count; others are passed over, in reference and predictions.
        resamples: Draws behind each interval; 0 leaves them out.

    Returns:
        By name: micro recall among the first 50 of retrieval, among all candidates, among the first
        15 and 50 of the ranking and among the assigned codes; precision of those.
    """

    def recall(found: Sequence[Set[str]]) -> Share:
        pairs = [
            (len(note.gold & codes & of_note), len(note.gold & codes))
            for note, of_note in zip(notes, found, strict=True)
        ]
        return _share(pairs, resamples)

    precision = [(len(n.assigned & codes & n.gold), len(n.assigned & codes)) for n in notes]
    return {
        f"retrieval_recall@{_RETRIEVED}": recall([{*n.retrieved[:_RETRIEVED]} for n in notes]),
        "candidate_recall": recall([{*n.ranking} for n in notes]),
        **{f"recall@{k}": recall([{*n.ranking[:k]} for n in notes]) for k in _RANKED},
        "recall": recall([n.assigned for n in notes]),
        "precision": _share(precision, resamples),
    }


def generator_recall(
    notes: Sequence[Judged], codes: Set[str], *, resamples: int = DEFAULT_RESAMPLES
) -> dict[str, Share]:
    """Return micro recall of some codes among the first 50 of each untrained generator alone."""
    names = sorted({name for note in notes for name in note.alone})
    return {
        name: _share(
            [
                (len(n.gold & codes & {*n.alone[name][:_RETRIEVED]}), len(n.gold & codes))
                for n in notes
            ],
            resamples,
        )
        for name in names
    }


def _share(pairs: Sequence[tuple[int, int]], resamples: int) -> Share:
    hits, total = (sum(column) for column in zip(*pairs, strict=True))
    return Share(hits, total, ratio_interval(pairs, resamples=resamples))


def overall(notes: Sequence[Judged], passed_over: Set[str]) -> dict[str, float]:
    """Return micro-F1 and MAP of all codes but some."""
    gold = {str(n): note.gold - passed_over for n, note in enumerate(notes)}
    assigned = {str(n): note.assigned - passed_over for n, note in enumerate(notes)}
    rankings = {
        str(n): [code for code in note.ranking if code not in passed_over]
        for n, note in enumerate(notes)
    }
    return {
        "micro_f1": micro_scores(gold, assigned).f1,
        "map": mean_average_precision(gold, rankings),
    }


class Outcome(NamedTuple):
    """How one system did.

    Attributes:
        in_training: Whether the held-out codes were in its training after all.
        wordings: What its untrained generators know.
        held_out: See `figures_of`, of the held-out codes.
        others: See `overall`, of all other codes.
    """

    in_training: bool
    wordings: Wordings
    held_out: dict[str, Share]
    others: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return {
            "in_training": self.in_training,
            "wordings": self.wordings,
            "held_out": _to_json(self.held_out),
            "others": self.others,
        }


class NeverSeen(NamedTuple):
    """Codes of the reference that the training notes lack by nature.

    Attributes:
        codes: Their number.
        in_release: Those that the release holds; the others cannot be assigned.
        figures: See `figures_of`, under the learned parts that are shipped.
    """

    codes: int
    in_release: int
    figures: dict[str, Share]

    def to_json(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return {**self._asdict(), "figures": _to_json(self.figures)}


class UnseenReport(NamedTuple):
    """Everything that was measured.

    Attributes:
        training_notes: Notes to learn from.
        judged_notes: Notes to judge by.
        out_of_fold: Whether those are the training notes, each judged by parts that learned from
            other notes.
        held_out_codes: Number of codes held out.
        occurrences_in_training: Pairs of a training note and a held-out code of it.
        occurrences: The same in the notes to judge by.
        outcomes: The system with the codes in training, then those without, by wordings.
        generators: See `generator_recall`, of the held-out codes, all wordings.
        never_seen: None without a reference, or where the shipped parts learned from other notes.
    """

    training_notes: int
    judged_notes: int
    out_of_fold: bool
    held_out_codes: int
    occurrences_in_training: int
    occurrences: int
    outcomes: Sequence[Outcome]
    generators: dict[str, Share]
    never_seen: NeverSeen | None

    def to_json(self) -> dict[str, Any]:
        """Return the figures under their public names, ready for JSON."""
        return {
            **self._asdict(),
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
            "generators": _to_json(self.generators),
            "never_seen": self.never_seen.to_json() if self.never_seen else None,
        }


def _to_json(figures: Mapping[str, Share]) -> dict[str, Any]:
    return {name: share.to_json() for name, share in figures.items()}


def draw_held_out(notes: Sequence[CodedNote], share: float, seed: int) -> frozenset[str]:
    """Draw the codes to hold out of training notes.

    Raises:
        UserError: The share comes to none of them, or to all.
    """
    codes = frozenset[str]().union(*(coded.codes for coded in notes))
    held_out = draw_codes((coded.codes for coded in notes), share, seed)
    if not held_out or held_out == codes:
        raise UserError(
            f"A share of {share:g} of {len(codes)} codes is {len(held_out)} codes.",
            fix="give a share that comes to at least one code and not to all, such as 0.1.",
        )
    return held_out


def measure_unseen(
    experiment: Experiment,
    held_out: Set[str],
    wordings: Sequence[Wordings] = LIMITED_WORDINGS,
    *,
    resamples: int = DEFAULT_RESAMPLES,
) -> UnseenReport:
    """Train the systems and compare them on the held-out codes.

    Args:
        experiment: What to train and judge with.
        held_out: The codes to hold out.
        wordings: Limited wordings, each for one more system without the codes in training.
        resamples: Draws behind each interval; 0 leaves them out.
    """

    def outcome(in_training: bool, judged: Sequence[Judged], which: Wordings) -> Outcome:
        figures = figures_of(judged, held_out, resamples=resamples)
        return Outcome(in_training, which, figures, overall(judged, held_out))

    known = experiment.judge(frozenset(), "all")
    unknown = experiment.judge(held_out, "all")
    outcomes = [outcome(True, known, "all"), outcome(False, unknown, "all")]
    outcomes += [outcome(False, experiment.judge(held_out, w), w) for w in wordings]
    return UnseenReport(
        training_notes=len(experiment.notes),
        judged_notes=len(known),
        out_of_fold=experiment.reference is None,
        held_out_codes=len(held_out),
        occurrences_in_training=sum(len(coded.codes & held_out) for coded in experiment.notes),
        occurrences=sum(len(note.gold & held_out) for note in known),
        outcomes=outcomes,
        generators=generator_recall(unknown, held_out, resamples=resamples),
        never_seen=_never_seen(experiment, resamples),
    )


def _never_seen(experiment: Experiment, resamples: int) -> NeverSeen | None:
    """Judge the codes that no training note has by the shipped parts, PLM-ICD among them."""
    files = LearnedFiles(experiment.artefacts.learned)
    if experiment.reference is None or not files.manifest.is_file():
        return None
    if files.read_manifest().data_sha256 != data_identity(experiment.notes):
        return None
    system, bundle = experiment.shop.system, experiment.bundle
    learned = load_learned(files, system, experiment.shop.encoder, bundle.known_words)
    generators = [*bundle.generators, *learned.generators]
    judged = judge_notes(experiment.reference, generators, learned.ranker, experiment.shop)
    seen = frozenset[str]().union(*(coded.codes for coded in experiment.notes))
    codes = frozenset[str]().union(*(note.gold for note in judged)) - seen
    return NeverSeen(
        len(codes),
        sum(code in system for code in codes),
        figures_of(judged, codes, resamples=resamples),
    )
