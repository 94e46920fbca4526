"""Patients and their stays in hospital, drawn at random."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from eval.datasets.synthetic.code_lists import CodeDraws, TitledCode, titled_codes

# MIMIC-III has 58,976 admissions of 46,520 patients, with 11 diagnoses and 4 procedures each.
_MORE_STAYS = 0.21
_DIAGNOSES = (5, 17)
_PROCEDURES = (0, 8)
_FIRST_PATIENT, _FIRST_STAY = 10_000, 100_001
_OVER_89 = 0.04


@dataclass(frozen=True, slots=True)
class Patient:
    """A person whose dates are shifted into the 22nd century.

    Attributes:
        number: Id.
        sex: F or M.
        born: Date of birth, true to the shifted dates.
        seen: Shifted year of the first stay.
        period: Number from 0 to 4, the later the more recent, of the years they were seen in.
    """

    number: int
    sex: str
    born: datetime
    seen: int
    period: int


@dataclass(frozen=True, slots=True)
class Stay:
    """One admission.

    Attributes:
        number: Id.
        patient: Whose it is.
        admitted: Shifted time of admission.
        discharged: Shifted time of discharge.
        version: Version of ICD it was coded in.
        diagnoses: Codes by priority.
        procedures: Codes by priority.
    """

    number: int
    patient: Patient
    admitted: datetime
    discharged: datetime
    version: int
    diagnoses: tuple[TitledCode, ...]
    procedures: tuple[TitledCode, ...]

    @property
    def age(self) -> int:
        """Age at admission in whole years."""
        birthday = (self.patient.born.month, self.patient.born.day)
        before = (self.admitted.month, self.admitted.day) < birthday
        return self.admitted.year - self.patient.born.year - before


class Hospital:
    """Draws stays; the same seed draws the same.

    Args:
        seed: Of everything that is drawn.
        icd9_only: Code all stays in ICD-9-CM instead of by period.
    """

    def __init__(self, seed: int, *, icd9_only: bool) -> None:
        self.random = Random(seed)
        self._versions = (9,) if icd9_only else (9, 10)
        self._draws = {
            (version, kind): CodeDraws(titled_codes(version, kind), self.random)
            for version in self._versions
            for kind in ("diagnosis", "procedure")
        }

    def stays(self, count: int) -> Iterator[Stay]:
        """Yield a number of stays, those of one patient after each other."""
        random = self.random
        patient = self._patient(_FIRST_PATIENT)
        admitted = self._first_admission(patient)
        for number in range(_FIRST_STAY, _FIRST_STAY + count):
            stay = self._stay(number, patient, admitted)
            yield stay
            if random.random() < _MORE_STAYS:
                admitted = stay.discharged + timedelta(days=random.randrange(5, 600))
            else:
                patient = self._patient(patient.number + random.randrange(1, 4))
                admitted = self._first_admission(patient)

    def _patient(self, number: int) -> Patient:
        random = self.random
        age = random.randrange(90, 102) if random.random() < _OVER_89 else random.randrange(90)
        seen = random.randrange(2100, 2200)
        born = datetime(seen - age, random.randrange(1, 13), random.randrange(1, 29))
        return Patient(number, random.choice("FM"), born, seen, random.randrange(5))

    def _first_admission(self, patient: Patient) -> datetime:
        first_day = max(datetime(patient.seen, 1, 1), patient.born)
        minutes = int((datetime(patient.seen + 1, 1, 1) - first_day).total_seconds()) // 60
        return first_day + timedelta(minutes=self.random.randrange(minutes))

    def _stay(self, number: int, patient: Patient, admitted: datetime) -> Stay:
        random = self.random
        version = 9
        if len(self._versions) > 1:
            # The change to ICD-10 falls into the middle period.
            version = random.choice((9, 10)) if patient.period == 2 else 9 + (patient.period > 2)
        return Stay(
            number=number,
            patient=patient,
            admitted=admitted,
            discharged=admitted + timedelta(minutes=random.randrange(60 * 12, 60 * 24 * 20)),
            version=version,
            diagnoses=self._draws[version, "diagnosis"].draw(random.randint(*_DIAGNOSES), random),
            procedures=self._draws[version, "procedure"].draw(random.randint(*_PROCEDURES), random),
        )
