"""Which candidates of each generator the ranker looks at."""

from collections.abc import Iterable, Mapping, Sequence

from indexes.candidates import Candidate, CandidateGenerator
from indexes.specificity import complete
from knowledge.code_systems.base import CodeSystem
from knowledge.note_text import Note

# Places of each generator; together they hold as many gold codes as the first 300 of each, within
# half a point, at a third of the candidates.
DEPTHS: Mapping[str, int] = {"dense": 60, "bm25": 60, "lines": 80, "plm_icd": 80}
_DEPTH = 200
# Generators that know codes from titles alone and may need more characters than a title gives.
_UNTRAINED = frozenset({"terms", "figures", "circumstances", "dense", "bm25"})


def pool(
    note: Note, generators: Iterable[CandidateGenerator], system: CodeSystem
) -> dict[str, Sequence[Candidate]]:
    """Return the candidates of a note by generator.

    A code that is not billable stands beside the billable one that its words support: annotators
    of research data sets use either. Codes that the release does not hold are left out.

    Args:
        note: The note.
        generators: Who is asked.
        system: The code system of the candidates.
    """
    rankings: dict[str, Sequence[Candidate]] = {}
    for generator in generators:
        found = generator.candidates(note, DEPTHS.get(generator.name, _DEPTH))
        known = [candidate for candidate in found if candidate.code in system]
        if generator.name in _UNTRAINED:
            known = _with_completed(known, note, system)
        rankings[generator.name] = known
    return rankings


def _with_completed(
    candidates: Sequence[Candidate], note: Note, system: CodeSystem
) -> list[Candidate]:
    merged: dict[str, Candidate] = {}
    for candidate in candidates:
        merged.setdefault(candidate.code, candidate)
        for completed in complete([candidate], note, system):
            merged.setdefault(completed.code, completed)
    return list(merged.values())
