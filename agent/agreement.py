"""PLM-ICD's opinion beside the agent's codes: where they agree, and what only one of them has.

PLM-ICD assigns the codes of the notes that it was trained on, as those write them. Some of these
need more characters (R51), some are stems without the 7th character that the tabular list does not
hold as entries (W19.XXX). Under the policy "mentions" codes are compared as they are. Under
"guidelines" the agent's codes are billable: there an incomplete label stands for every code below
it, and where the result has none of these, the words of the note complete it.
"""

from collections.abc import Iterable, Sequence, Set

from agent.result import PLMOnly, PLMOpinion, Policy, TextSpan
from agent.state import CoderContext, State
from indexes.plm_icd.predict import Prediction
from indexes.specificity import sentence_stems, specify
from knowledge.code_systems.base import CodeSystem
from knowledge.note_text import Note


class PLMReading:
    """PLM-ICD's predictions for one note, read in the codes of a policy.

    Args:
        predictions: Most probable first.
        labels: Every code that the model can assign; those of the predictions are among them.
        threshold: Probability from which it assigns a code.
        note: The note of the predictions.
        system: The code system of the labels.
        policy: The coding policy whose codes are compared.
    """

    def __init__(
        self,
        predictions: Sequence[Prediction],
        labels: Set[str],
        threshold: float,
        note: Note,
        system: CodeSystem,
        policy: Policy,
    ) -> None:
        self._note, self._system, self._policy = note, system, policy
        self._entries = frozenset(map(self._entry, labels))
        self._assigned = [p for p in predictions if p.probability >= threshold]
        self._assigned_entries = frozenset(self._entry(p.code) for p in self._assigned)
        self._probabilities: dict[str, float] = {}
        for code, probability, _ in predictions:
            self._probabilities.setdefault(self._entry(code), probability)

    def knows(self, code: str) -> bool:
        """Tell whether a code of the agent is inside PLM-ICD's label space."""
        return not self._entries.isdisjoint(self._names(code))

    def assigns(self, code: str) -> bool:
        """Tell whether PLM-ICD assigns a code of the agent."""
        return not self._assigned_entries.isdisjoint(self._names(code))

    def probability(self, code: str) -> float | None:
        """Return what PLM-ICD gives a code of the agent; None if no prediction names it."""
        given = [self._probabilities[n] for n in self._names(code) if n in self._probabilities]
        return max(given, default=None)

    def assigned_beside(self, codes: Iterable[str]) -> list[Prediction]:
        """Return what PLM-ICD assigns and none of these codes says, most probable first."""
        said = {name for code in codes for name in self._names(code)}
        return [p for p in self._assigned if self._entry(p.code) not in said]

    def says(self, prediction: Prediction, code: str) -> bool:
        """Tell whether a prediction stands for a code of the agent."""
        return self._entry(prediction.code) in self._names(code)

    def completed(self, prediction: Prediction) -> str:
        """Return the code that a prediction means under the policy.

        A label that no word of its sentence completes stays as it is.
        """
        entry = self._entry(prediction.code)
        if self._policy == "mentions" or entry not in self._system:
            return prediction.code
        words = sentence_stems(self._note, prediction.evidence.start)
        return specify(self._system, entry, words) or prediction.code

    def opinion(self, codes: Iterable[str]) -> PLMOpinion:
        """Compare with the codes of a result; each of them falls into exactly one list."""
        opinion = PLMOpinion()
        codes = list(dict.fromkeys(codes))
        for code in codes:
            if self.assigns(code):
                opinion.agree.append(code)
            elif self.knows(code):
                opinion.agent_only.append(code)
            else:
                opinion.outside_label_space.append(code)
        opinion.plm_only.extend(self._only(self.assigned_beside(codes)))
        return opinion

    def _only(self, predictions: Iterable[Prediction]) -> list[PLMOnly]:
        """Describe predictions; labels that mean the same code are one."""
        found: dict[str, PLMOnly] = {}
        for prediction in predictions:
            code = self.completed(prediction)
            probability = round(prediction.probability, 4)
            only = found.setdefault(code, PLMOnly(code=code, probability=probability, evidence=[]))
            span = TextSpan(start=prediction.evidence.start, end=prediction.evidence.end)
            if span not in only.evidence:
                only.evidence.append(span)
        return list(found.values())

    def _names(self, code: str) -> tuple[str, ...]:
        """Return the entries by which PLM-ICD may name a code: itself, or an incomplete stem."""
        if self._policy == "mentions" or code not in self._system:
            return (code,)
        return (code, *self._system.ancestors(code))

    def _entry(self, label: str) -> str:
        """Return the entry of the code system that a label means; the label where there is none."""
        if self._policy == "mentions" or label in self._system:
            return label
        stem = label.rstrip("X").rstrip(".")  # placeholders before the 7th character
        return stem if stem in self._system else label


def plm_reading(state: State, context: CoderContext) -> PLMReading | None:
    """Return PLM-ICD's predictions for the note of a run; None where there is no model."""
    if context.plm is None:
        return None
    return PLMReading(
        state["plm_icd"],
        context.plm.label_space,
        context.plm.threshold,
        state["note"],
        context.system,
        context.policy,
    )
