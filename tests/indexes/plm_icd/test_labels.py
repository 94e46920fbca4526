from indexes.plm_icd.labels import LabelSpace, category_of


def test_levels_of_a_label_space(system):
    labels = LabelSpace.of(["J18.9", "I10", "J18.1", "I10", "J45.909"], system)
    assert labels.codes == ("I10", "J18.1", "J18.9", "J45.909")
    assert labels.categories == ("I10", "J18", "J45")
    assert labels.category_positions == [0, 1, 1, 2]
    assert [labels.chapters[n] for n in labels.chapter_positions] == ["9", "10", "10", "10"]


def test_a_code_that_the_release_lacks_takes_the_title_of_its_stem(system):
    labels = LabelSpace.of(["W19.XXX", "ZZ9"], system)
    assert labels.titles == ("Unspecified fall", "ZZ9")


def test_category_is_the_part_before_the_dot():
    assert [category_of(code) for code in ("I10", "S72.001A", "250.00")] == ["I10", "S72", "250"]
