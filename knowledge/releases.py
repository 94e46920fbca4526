"""Which release of the classification is in force on the date of an encounter.

A code set is chosen by the date of discharge or service. ICD-10-CM replaced ICD-9-CM on 1 October
2015; its fiscal-year release begins every 1 October, and since 2022 an update has followed every
1 April. Two more came out of turn, for COVID-19.

The way in for a rule that has one release and one date::

    release = release_of(date.fromisoformat(system.release))   # 2026-04-01 .. 2026-09-30
    release.valid_on(encounter_date)                           # True or False
    release_due(encounter_date)                                # the release the date asks for
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from knowledge.errors import UserError

ICD10CM_BEGINS = datetime.date(2015, 10, 1)
_APRIL_UPDATES_BEGIN = 2022
# U07.1 and the vaping codes; J12.82 and other consequences of COVID-19.
_OUT_OF_TURN = (datetime.date(2020, 4, 1), datetime.date(2021, 1, 1))


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A release of a code system and the period in which it is in force.

    Attributes:
        system: Key of the code system, ``icd10cm`` or ``icd9cm``.
        start: First day.
        end: Last day, included.
    """

    system: str
    start: datetime.date
    end: datetime.date

    def valid_on(self, day: datetime.date) -> bool:
        """Tell whether an encounter of this day is coded with the release."""
        return self.start <= day <= self.end

    def __str__(self) -> str:
        return f"{self.system} {self.start} (in force until {self.end})"


def release_of(start: datetime.date) -> Release:
    """Return the release that starts on a day, with the day before the next update as its end.

    An autumn release ends on 31 March, since an April update is to be expected.

    Raises:
        UserError: No release starts on this day.
    """
    release = release_due(start)
    if release.start != start:
        raise UserError(
            f"No release starts on {start}: ICD-10-CM starts on 1 October or, since "
            f"{_APRIL_UPDATES_BEGIN}, on 1 April.",
            fix=f"name the release by its first day, for example {release.start}",
        )
    return release


def release_due(day: datetime.date) -> Release:
    """Return the release that an encounter of this day is coded with, at hand or not."""
    system = "icd10cm" if day >= ICD10CM_BEGINS else "icd9cm"
    updates = _updates(day.year)
    start = max(update for update in updates if update <= day)
    following = min(update for update in updates if update > day)
    return Release(system, start, following - datetime.timedelta(days=1))


def release_on(day: datetime.date, at_hand: Iterable[Release]) -> Release:
    """Return the release at hand that is in force on a day.

    Args:
        day: Date of discharge or service.
        at_hand: The releases to choose from.

    Raises:
        UserError: None of them is; says which are at hand and how to adopt another.
    """
    releases = sorted(at_hand)
    for release in releases:
        if release.valid_on(day):
            return release
    due = release_due(day)
    listed = "; ".join(map(str, releases)) or "none"
    raise UserError(
        f"An encounter of {day} is coded with {due}, which is not at hand. At hand: {listed}.",
        fix=_adoption(due),
    )


def _adoption(due: Release) -> str:
    if due.system == "icd9cm":
        return "give a date from 2014-10-01 on; earlier releases of ICD-9-CM are not carried"
    return (
        f"download the ICD-10-CM files of {due.start} from CDC/NCHS into DIR, then "
        f"icd-agent index build --cdc DIR --out icd10cm-{due.start}"
    )


def _updates(year: int) -> list[datetime.date]:
    """Return the first days of all releases that may be in force in a year or follow it."""
    regular = [datetime.date(near, 10, 1) for near in (year - 1, year, year + 1)]
    april = [datetime.date(near, 4, 1) for near in (year, year + 1) if near >= _APRIL_UPDATES_BEGIN]
    return [*regular, *april, *_OUT_OF_TURN]
