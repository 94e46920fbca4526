"""Steps on codes that need company: findings without a diagnosis, figures, external causes."""

from agent.policy.authority import Authority
from agent.policy.ledger import Ledger

INCIDENTAL = Authority("incidental_findings", "III.B")
REACTIONS = Authority("incidental_findings", "III")
FIGURES = Authority("figures_without_a_diagnosis", "I.B.14")
CAUSES = Authority("causes_without_an_injury", "I.C.20.a")

# Overweight and obesity, malnutrition, abnormal weight: what a body mass index may go with.
_WEIGHT_DIAGNOSES = ("E40", "E41", "E43", "E44", "E45", "E46", "E66", "R63", "R64", "F50")
_ADULT_BMI_AGE = 20  # years
_EXTERNAL_CAUSES = ("V", "W", "X", "Y")
# Injuries, burns, poisoning and effects of the outside; not allergies (T78) and complications.
_INJURIES = ("S", *(f"T{tens}" for tens in (0, 1, 2, 3, 4, 5, 6)), "T71", "T74", "T75", "T76")


def incidental_findings(ledger: Ledger) -> None:
    """Drop signs that only the examination, results or review of systems list."""
    for p in ledger.accepted("present", "possible"):
        if p.code[0] == "R" and ledger.only_as(p, "finding"):
            where = p.evidence[0].section or "the findings"
            ledger.reject(p, f"only listed under {where}, not assessed: {p.reason}", INCIDENTAL)
        elif p.code[0] != "Z" and ledger.only_as(p, "allergy"):
            ledger.reject(p, f"a reaction named in the list of allergies: {p.reason}", REACTIONS)


def figures_without_a_diagnosis(ledger: Ledger) -> None:
    """Keep a body mass index only beside a weight diagnosis of an adult."""
    diagnosed = any(p.code.startswith(_WEIGHT_DIAGNOSES) for p in ledger.current())
    age = ledger.encounter.age
    minor = age is not None and age < _ADULT_BMI_AGE
    for p in ledger.current():
        if p.code.startswith("Z68") and (minor or not diagnosed):
            why = "adult codes are for 20 years and over" if minor else "no weight diagnosis"
            ledger.reject(p, f"{why}: {p.reason}", FIGURES)


def causes_without_an_injury(ledger: Ledger) -> None:
    """Keep external causes only beside what they have caused."""
    injured = any(p.code.startswith(_INJURIES) for p in ledger.current())
    for p in ledger.current():
        if p.code.startswith(_EXTERNAL_CAUSES) and not injured:
            ledger.reject(p, f"no injury that it would have caused: {p.reason}", CAUSES)
