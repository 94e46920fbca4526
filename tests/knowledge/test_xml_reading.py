import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import UserError
from knowledge.xml_reading import line_of, xml_units

LAUGHS = b"""<!DOCTYPE root [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>
<root><unit>&b;</unit></root>"""
EXTERNAL = b"""<!DOCTYPE root [<!ENTITY passwords SYSTEM "file:///etc/passwd">]>
<root><unit>&passwords;</unit></root>"""


@pytest.fixture
def written(tmp_path):
    def write(payload: bytes):
        path = tmp_path / "file.xml"
        path.write_bytes(payload)
        return path

    return write


def test_units_come_with_their_lines(written):
    path = written(b"<root>\n<other><unit/></other>\n<unit>a<b>c</b>\n</unit><unit/></root>")
    units = list(xml_units(path, "root", "unit"))
    assert [line_of(unit) for unit in units] == [3, 4]
    assert "".join(units[0].itertext()) == "ac\n"


@pytest.mark.parametrize("payload", [LAUGHS, EXTERNAL])
def test_entities_are_refused(written, payload):
    with pytest.raises(UserError, match="declares the entity"):
        list(xml_units(written(payload), "root", "unit"))


def test_a_document_type_without_entities_is_read(written):
    path = written(b'<!DOCTYPE root SYSTEM "nowhere.dtd"><root><unit>a</unit></root>')
    assert [unit.text for unit in xml_units(path, "root", "unit")] == ["a"]


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "line 1: no well-formed XML"),
        (b"<root>\n<unit>", "line 2: no well-formed XML"),
        (b"<root>\n<unit></root>", "line 2: no well-formed XML"),
        (b"<root>\xff</root>", "line 1: no well-formed XML"),
        (b"<html/>", "line 1: the root is <html>, not <root>"),
        (b"<root>\n" + b"<unit>" * 100, "line 2: elements are nested more than"),
        (b'<?xml version="1.0" encoding="klingon"?><root/>', "line 1: declares an encoding"),
        (b'<?xml version="1.0" encoding="utf-7"?><root/>', "line 1: declares an encoding"),
    ],
)
def test_damage_is_reported_with_its_line(written, payload, message):
    with pytest.raises(UserError, match=message) as caught:
        list(xml_units(written(payload), "root", "unit"))
    assert "download file.xml anew" in str(caught.value)


def test_a_missing_file_is_a_mistake_of_the_user(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        list(xml_units(tmp_path / "none.xml", "root", "unit"))


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_read_or_refused(tmp_path_factory, noise, place):
    sound = b"<root>\n<unit><title>a</title></unit>\n<unit>b</unit>\n</root>"
    path = tmp_path_factory.mktemp("noise") / "file.xml"
    path.write_bytes(sound[:place] + noise + sound[place:])
    try:
        units = list(xml_units(path, "root", "unit"))
    except UserError:
        return
    assert all(unit.tag == "unit" for unit in units)
