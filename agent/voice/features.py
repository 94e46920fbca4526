"""What the voice of ``guidelines`` sees of a candidate: few numbers, each with a plain meaning."""

import math
import re
from collections.abc import Mapping, Sequence, Set
from typing import Literal, NamedTuple

from agent.voice.roles import ASSESSED, place_of
from indexes.candidates import Candidate, Mention
from indexes.tokens import text_stems
from knowledge.assertion import Assertion
from knowledge.code_systems.base import CodeSystem
from knowledge.note_text import Note, Span
from knowledge.policy_data import Policy

# Generators that find a clause or line of similar meaning; all others name the words of a finding.
SIMILARITY = frozenset({"dense", "bm25", "lines", "plm_icd"})
# Generators of words: the term look-up is what most candidates come from, others have a say.
_COMMON = SIMILARITY | {"terms"}
_DENSE_ORIGIN = 0.5  # cosine below which similarity says nothing
_FULL = 0.9  # score from which a wording says all that a specific term does
_LONG = 3  # content words from which a wording is seldom there by chance
_INJURIES = ("S", "T")
_CAUSES = ("V", "W", "X", "Y")
_VAGUE = ("unspecified site", "unspecified body region", "site unspecified")

_NEAR = 50  # characters beside a mention in which its treatment is sought
_TREATED = re.compile(
    r"[^.;:\n]{0,25}?\b(?:on|takes?|taking|uses?|(?:controlled|managed|treated) (?:on|with|by))\s+"
    r"(?!exam|arrival|admission|the|day|imaging|ct|mri|follow)[a-z]{4,}",
    re.I,
)
_TAKEN_FOR = re.compile(
    r"\b[a-z]{5,}(?: \d+ ?m?c?g)?(?: daily| nightly)? for (?:his |her |their )?$", re.I
)

Sort = Literal["disease", "symptom", "injury", "status", "cause"]
Features = Mapping[str, float]


class Supported(NamedTuple):
    """A candidate, what the note asserts of it, and the mentions that say so, best first."""

    candidate: Candidate
    assertion: Assertion
    mentions: Sequence[Mention]


class _Claim(NamedTuple):
    """Words that a candidate rests on."""

    code: str
    span: Span
    score: float


def is_worded(candidate: Candidate) -> bool:
    """Tell whether words of the note name the candidate, not only a clause that resembles it."""
    return not candidate.sources.keys() <= SIMILARITY


class EvidenceView:
    """All supported candidates of a note, for looking at each beside the others.

    Args:
        note: The note.
        supported: Its candidates.
        system: Their code system.
        policy: Which codes are symptoms, which conditions are chronic.
    """

    def __init__(
        self, note: Note, supported: Sequence[Supported], system: CodeSystem, policy: Policy
    ) -> None:
        self._note = note
        self._system = system
        self._policy = policy
        self._places = {
            s.candidate.code: [place_of(note, m.span) for m in s.mentions] for s in supported
        }
        self._roles = {code: frozenset(p.role for p in ps) for code, ps in self._places.items()}
        self._claims = [
            _Claim(s.candidate.code, m.span, m.score)
            for s in supported
            if s.assertion not in ("absent", "hypothetical")
            for m in s.mentions
            if m.source not in SIMILARITY
        ]
        self._worded = {claim.code for claim in self._claims}
        self._diagnosed = {
            s.candidate.code
            for s in supported
            if s.assertion == "present"
            and s.candidate.code in self._worded
            and "diagnosis" in self._roles[s.candidate.code]
            and _sort(s.candidate.code, policy) in ("disease", "injury")
        }
        self._combining = _combining(self._worded, policy)
        self._assesses = any(
            section.kind in ("assessment", "diagnoses") for section in note.sections
        ) or bool(self._diagnosed)

    def features(self, supported: Supported) -> Features:
        """Return the features of a candidate; those that are 0 are left out."""
        values = {**self._wording(supported), **self._place(supported), **self._kind(supported)}
        return {name: value for name, value in values.items() if value}

    def _wording(self, supported: Supported) -> dict[str, float]:
        """Tell how well the words fit, and who else claims them."""
        sources = supported.candidate.sources
        others = {f"by.{name}": 1.0 for name in sources if name not in _COMMON}
        wording = max((v for n, v in sources.items() if n not in SIMILARITY), default=0.0)
        best = supported.mentions[0]
        words = len(text_stems(self._note.slice(best.span)))
        wider, equal, sibling = self._rivals(supported)
        return {
            **others,
            "wording": wording,
            "wording.full": float(wording >= _FULL),
            "one_word": float(words <= 1),
            "long": float(words >= _LONG),
            "dense": max(0.0, sources.get("dense", 0.0) - _DENSE_ORIGIN),
            "bm25": sources.get("bm25", 0.0),
            "covers_name": self._coverage(supported),
            "vague": float(supported.candidate.code.startswith(self._policy.vague)),
            "wider_rival": wider,
            "equal_rival": float(equal > best.score),
            "sibling": float(sibling > wording),
        }

    def _coverage(self, supported: Supported) -> float:
        """Return how much of the name of a problem the words say, at best; 0 where they name none.

        "Anemia" says half of "anemia of pregnancy", so the code may be too general.
        """
        best = 0.0
        for place, mention in zip(
            self._places[supported.candidate.code], supported.mentions, strict=True
        ):
            if place.name:
                name = text_stems(self._note.slice(place.name))
                said = text_stems(self._note.slice(mention.span)) & name
                best = max(best, len(said) / max(1, len(name)))
        return best

    def _rivals(self, supported: Supported) -> tuple[float, float, float]:
        """Return the best scores of others at wider words, at equally wide ones, of siblings."""
        code, best = supported.candidate.code, supported.mentions[0]
        wider = equal = sibling = 0.0
        for claim in self._claims:
            if claim.code == code:
                continue
            if claim.span.overlaps(best.span):
                if len(claim.span) > len(best.span):
                    wider = max(wider, claim.score)
                elif len(claim.span) == len(best.span):
                    equal = max(equal, claim.score)
            if claim.code[:3] == code[:3]:
                sibling = max(sibling, claim.score)
        return wider, equal, sibling

    def _place(self, supported: Supported) -> dict[str, float]:
        """Tell where the words stand and how often."""
        roles = self._roles[supported.candidate.code]
        values = {f"role.{role}": 1.0 for role in roles}
        if len(roles) == 1:
            values[f"only.{next(iter(roles))}"] = 1.0
        values["treated"] = float(any(self._is_treated(m.span) for m in supported.mentions))
        values["mentions"] = math.log(len(supported.mentions))
        values[f"assertion.{supported.assertion}"] = float(supported.assertion != "present")
        return values

    def _is_treated(self, span: Span) -> bool:
        """Tell whether the words beside a mention name what is taken for it."""
        after = self._note.text[span.end : span.end + _NEAR]
        before = self._note.text[max(0, span.start - _NEAR) : span.start]
        return bool(_TREATED.match(after) or _TAKEN_FOR.search(before))

    def _kind(self, supported: Supported) -> dict[str, float]:
        """Tell what sort of code it is, and whether that fits the place."""
        code = supported.candidate.code
        roles = self._roles[code]
        title = self._system.get(code).title.lower()
        sort = _sort(code, self._policy)
        unassessed = self._assesses and not roles & ASSESSED
        unspecified = "unspecified" in title
        return {
            f"sort.{sort}": 1.0,
            f"{sort}.diagnosis": float("diagnosis" in roles),
            f"{sort}.unassessed": float(unassessed),
            f"{sort}.chronic_listed": float(
                unassessed and "listed" in roles and self._policy.past(code).action == "keep"
            ),
            "symptom.beside_disease": float(sort == "symptom" and bool(self._diagnosed)),
            "unspecified": float(unspecified),
            "unspecified.beside_sibling": float(
                unspecified and any(c[:3] == code[:3] for c in self._worded - {code})
            ),
            "combines": float(code in self._combining),
            "status.by_terms": float(
                sort == "status" and "circumstances" not in supported.candidate.sources
            ),
            "unspecified.whole": float(unspecified and self._coverage(supported) == 1),
            "vague_site": float(any(words in title for words in _VAGUE)),
        }


def _combining(codes: Set[str], policy: Policy) -> frozenset[str]:
    """Return the codes that a combination would join ("hyperglycemia" beside diabetes)."""
    found: set[str] = set()
    for rule in policy.combinations:
        groups = [{c for c in codes if c.startswith(group)} for group in rule.when]
        if all(groups) and not any(c.startswith(rule.unless) for c in codes):
            found.update(*groups)
    return frozenset(found)


def _sort(code: str, policy: Policy) -> Sort:
    if code[0] in _CAUSES:
        return "cause"
    if code[0] == "Z":
        return "status"
    if policy.is_symptom(code):
        return "symptom"
    return "injury" if code[0] in _INJURIES else "disease"
