"""How well the search for guideline cards answers questions whose sections are known."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from indexes.guideline_search import GuidelineSearch
from knowledge.errors import UserError
from knowledge.guidelines import load_cards
from knowledge.strict_yaml import read_yaml

DEPTH = 5


class Question(BaseModel):
    """What a coder asks, and the sections that answer it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    question: str = Field(min_length=1)
    """The words as typed."""
    sections: list[str] = Field(min_length=1)
    """Ids of guideline cards; all of them are wanted."""


class Quality(NamedTuple):
    """How good the rankings for some questions are.

    Attributes:
        recall: Mean share of a question's sections among the first `DEPTH` cards.
        mrr: Mean reciprocal rank of the first card that is wanted, 0 where none is found.
    """

    recall: float
    mrr: float


_GROUPS = TypeAdapter(dict[str, list[Question]])


def read_questions(path: Path) -> dict[str, list[Question]]:
    """Read questions by group, such as those to tune on and those held out.

    Args:
        path: A YAML mapping of groups to lists of ``question`` and ``sections``.

    Raises:
        UserError: The file is missing or has another form, or a section has no card.
    """
    form = "a YAML mapping of groups to lists of {question: ..., sections: [...]}"
    try:
        groups = _GROUPS.validate_python(read_yaml(path))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", fix=f"give {form}") from error
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the whole file"
        raise UserError(f"{path} is not valid at {where}.", fix=f"give {form}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path} is no YAML: {_line(error)}.", fix=f"give {form}") from error
    if not groups or not all(groups.values()):
        raise UserError(f"{path} has no questions, or a group without any.", fix=f"give {form}")
    _refuse_unknown_sections(path, groups)
    return groups


def measure_questions(search: GuidelineSearch, questions: Sequence[Question]) -> dict[str, Quality]:
    """Return the quality of each ranking that the search makes, by its name."""
    rankings: dict[str, list[list[str]]] = {}
    for question in questions:
        for name, hits in search.rankings(question.question).items():
            rankings.setdefault(name, []).append([hit.key for hit in hits])
    wanted = [question.sections for question in questions]
    return {name: quality(ranked, wanted) for name, ranked in rankings.items()}


def quality(rankings: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]]) -> Quality:
    """Compare rankings with what was wanted, one of each for a question.

    Args:
        rankings: Ids of cards, best first, each once.
        wanted: Ids of the cards that answer the question, at least one.
    """
    pairs = list(zip(rankings, wanted, strict=True))
    recall = sum(len({*ranked[:DEPTH]} & {*ids}) / len({*ids}) for ranked, ids in pairs)
    mrr = sum(_reciprocal_rank(ranked, ids) for ranked, ids in pairs)
    return Quality(recall / len(pairs), mrr / len(pairs))


def _reciprocal_rank(ranked: Sequence[str], ids: Sequence[str]) -> float:
    return next((1 / rank for rank, key in enumerate(ranked, start=1) if key in ids), 0.0)


def _refuse_unknown_sections(path: Path, groups: Mapping[str, Sequence[Question]]) -> None:
    known = {card.id for card in load_cards()}
    for questions in groups.values():
        for question in questions:
            for section in question.sections:
                if section not in known:
                    raise UserError(
                        f"{path} wants section {section!r} for {question.question!r}, "
                        "which has no guideline card.",
                        fix="name a section of knowledge/guidelines",
                    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
