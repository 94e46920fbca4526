import pytest

from agent.settings import Band, Settings
from agent.settings_file import read_settings
from knowledge.errors import UserError


def test_what_is_given_differs_from_the_default(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("llm_questions: 0\nsame_condition: {yes_from: 1.5, no_to: -1}\n")
    settings = read_settings(path)
    assert settings.llm_questions == 0
    assert settings.same_condition == Band(yes_from=1.5, no_to=-1)
    assert settings.model_copy(update={"llm_questions": 8, "same_condition": None}) == Settings()


def test_an_empty_file_changes_nothing(tmp_path):
    (tmp_path / "settings.yaml").write_text("")
    assert read_settings(tmp_path / "settings.yaml") == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("llm_question: 3", "llm_question: Extra inputs are not permitted"),
        ("doubt: -1", "doubt: Input should be greater than or equal to 0"),
        ("same_condition: {yes_from: 1}", "same_condition.no_to: Field required"),
        ("- 3", "the whole file"),
        ("doubt: 1\ndoubt: 2", "is no YAML: key 'doubt' occurs twice"),
        ("{", "is no YAML"),
        (None, "cannot be read: No such file"),
    ],
)
def test_mistakes_are_named_with_the_known_fields(tmp_path, text, message):
    path = tmp_path / "settings.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_settings(path)
    assert message in str(caught.value)
    assert "generator_depth, threshold, doubt" in caught.value.fix
