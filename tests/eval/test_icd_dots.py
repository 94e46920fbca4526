import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.datasets.icd_dots import with_dot
from eval.datasets.synthetic.code_lists import titled_codes
from knowledge.code_systems import get_code_system
from knowledge.code_systems.icd9cm import ICD9CM


@pytest.mark.parametrize(
    ("code", "version", "kind", "dotted"),
    [
        ("0389", 9, "diagnosis", "038.9"),
        ("4019", 9, "diagnosis", "401.9"),
        ("042", 9, "diagnosis", "042"),
        ("V4581", 9, "diagnosis", "V45.81"),
        ("V08", 9, "diagnosis", "V08"),
        ("E8788", 9, "diagnosis", "E878.8"),
        ("E030", 9, "diagnosis", "E030"),
        ("9904", 9, "procedure", "99.04"),
        ("0045", 9, "procedure", "00.45"),
        ("640", 9, "procedure", "64.0"),
        ("E119", 10, "diagnosis", "E11.9"),
        ("I10", 10, "diagnosis", "I10"),
        ("T148XXA", 10, "diagnosis", "T14.8XXA"),
        ("02703DZ", 10, "procedure", "02703DZ"),
    ],
)
def test_the_dot_stands_where_the_classification_has_it(code, version, kind, dotted):
    assert with_dot(code, version, kind) == dotted


@pytest.mark.parametrize("version", [9, 10])
@pytest.mark.parametrize("kind", ["diagnosis", "procedure"])
def test_removing_the_dot_undoes_putting_it_for_every_code(version, kind):
    for code, _ in titled_codes(version, kind):
        assert with_dot(code, version, kind).replace(".", "") == code


def test_every_code_of_the_dotted_lists_gets_its_dot_back():
    icd10cm = get_code_system()
    for code in icd10cm.codes():
        assert with_dot(code.replace(".", ""), 10, "diagnosis") == code
    icd9cm = ICD9CM.load()
    assert all(with_dot(code, 9, "diagnosis") in icd9cm for code, _ in titled_codes(9, "diagnosis"))


@given(st.data(), st.sampled_from([9, 10]), st.sampled_from(["diagnosis", "procedure"]))
def test_no_two_codes_become_one(data, version, kind):
    codes = st.sampled_from(titled_codes(version, kind))
    one, other = data.draw(codes).code, data.draw(codes).code
    dotted = with_dot(one, version, kind), with_dot(other, version, kind)
    assert (dotted[0] == dotted[1]) == (one == other)
