import pytest

from knowledge.code_systems import get_icd10cm
from knowledge.life_stages import code_in_stage


@pytest.mark.parametrize(
    ("stage", "code", "target"),
    [
        ("pregnancy", "I10", "O10.0"),
        ("pregnancy", "D50.9", "O99.0"),
        ("pregnancy", "E11.9", "O24.1"),
        ("pregnancy", "N39.0", "O23.4"),
        ("pregnancy", "S72.001A", None),
        ("newborn", "R17", "P59.9"),
        ("newborn", "I10", None),
    ],
)
def test_the_code_of_a_stage(stage, code, target):
    assert code_in_stage(stage, code) == target


@pytest.mark.parametrize(("stage", "chapter"), [("pregnancy", "O"), ("newborn", "P")])
def test_every_target_exists_in_the_chapter_of_its_stage(stage, chapter):
    system = get_icd10cm()
    targets = {code_in_stage(stage, code) for code in system.codes()} - {None}
    assert targets
    assert all(target in system and target.startswith(chapter) for target in targets)
