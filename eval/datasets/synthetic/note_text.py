"""Texts of made-up notes: our own sentences around the titles of the stay's codes."""

from random import Random
from typing import NamedTuple

from eval.datasets.synthetic.code_lists import TitledCode
from eval.datasets.synthetic.stays import Stay

_COURSE = """
The patient was seen on morning rounds and was resting comfortably in bed.
Vital signs stayed stable: temperature {a}.{b}, heart rate {c}, blood pressure {d}/{e}.
Laboratory values were followed daily; the hematocrit was {f} and the potassium {g}.
The family was told about the plan and asked "what happens next"; their questions were answered.
A chest film on hospital day {g} was unchanged from the one before.
Diet was advanced as tolerated, and the patient was walking with help by day {g}.
Physical therapy saw the patient {g} times and recommended discharge home with services.
Oxygen was weaned from {g} litres to room air over {b} hours.
The nurse noted "no complaints overnight", and pain was rated {b}/10.
Home medications were resumed once oral intake was adequate.
Intravenous fluids were stopped on day {g} after {c} ml had been given.
The dose was changed to {c} mg twice daily after the level came back at {b}.{a}.
Blood cultures from day {g} had no growth at {d} hours.
The case was discussed with the consulting team, who agreed with the plan.
Urine output was {d} ml over the shift; creatinine was {b}.{g}.
There was no bleeding at the site, and the dressing was dry and intact.
""".strip().splitlines()
_MENTIONS = (
    "The course was marked by ",
    "The patient was treated for ",
    "Work-up was consistent with ",
    "He or she is known to have ",
)
_ADVICE = (
    "1. Call your doctor for fever over 101, worse pain, or anything that worries you.\n"
    '2. Take all medications as prescribed; bring the list marked "current" to each visit.\n'
    "3. Follow up with your primary care doctor within two weeks.\n"
)
# Characters of course sentences in a discharge summary; the whole then has some 9,500.
_COURSE_CHARACTERS = (5_000, 9_000)


class Mention(NamedTuple):
    """Words of a text that name a code."""

    code: TitledCode
    start: int
    end: int


class DischargeText(NamedTuple):
    """A discharge summary and where it names its codes."""

    text: str
    mentions: tuple[Mention, ...]


def discharge_text(stay: Stay, random: Random) -> DischargeText:
    """Compose the discharge summary of a stay: every code is named once or twice."""
    pieces: list[str] = []
    mentions: list[Mention] = []
    length = 0

    def add(piece: str) -> None:
        nonlocal length
        pieces.append(piece)
        length += len(piece)

    def name(code: TitledCode) -> None:
        mentions.append(Mention(code, length, length + len(code.title)))
        add(code.title)

    add(
        f"Admission Date:  [**{stay.admitted:%Y-%m-%d}**]       "
        f"Discharge Date:  [**{stay.discharged:%Y-%m-%d}**]\n\n"
        f"Sex:  {stay.patient.sex}\n\nService: MEDICINE\n\nHistory of Present Illness:\n"
        f"This {min(stay.age, 90)} year-old patient was admitted on [**{stay.admitted:%m-%d}**].\n"
    )
    add("\nBrief Hospital Course:\n")
    for code in stay.diagnoses:
        add(random.choice(_MENTIONS))
        name(code)
        add(".\n")
    target = length + random.randint(*_COURSE_CHARACTERS)
    while length < target:
        add(_sentence(random) + "\n")
    if stay.procedures:
        add("\nMajor Surgical or Invasive Procedures:\n")
    for code in stay.procedures:
        name(code)
        add("\n")
    add("\nDischarge Diagnoses:\n")
    for code in stay.diagnoses:
        add("- ")
        name(code)
        add("\n")
    add(f"\nDischarge Instructions:\n{_ADVICE}\n")
    return DischargeText("".join(pieces), tuple(mentions))


def addendum_text(random: Random) -> str:
    """Compose an addendum to a discharge summary."""
    return f"Addendum:\n{_paragraph(random, 600)}\n\n"


def short_text(random: Random) -> str:
    """Compose a note of another category, some 1,500 characters long."""
    return f"Progress note\n{_paragraph(random, random.randrange(300, 2_700))}\n"


def _paragraph(random: Random, characters: int) -> str:
    lines: list[str] = []
    length = 0
    while length < characters:
        lines.append(_sentence(random))
        length += len(lines[-1]) + 1
    return "\n".join(lines)


def _sentence(random: Random) -> str:
    numbers = {
        "a": random.randrange(10),
        "b": random.randrange(1, 10),
        "c": random.randrange(50, 130),
        "d": random.randrange(90, 180),
        "e": random.randrange(50, 95),
        "f": random.randrange(22, 48),
        "g": random.randrange(2, 8),
    }
    return random.choice(_COURSE).format(**numbers)
