import jinja2
import pytest
from pydantic import ValidationError

from agent.prompting import Prompt, load_prompt

VARIABLES = {"note": "A NOTE", "evidence": "pneumonia", "description": "Pneumonia"}


def test_the_note_stands_before_the_question_so_that_it_is_a_shared_prefix():
    first = load_prompt("verify_code").render(**VARIABLES)
    second = load_prompt("verify_code").render(**{**VARIABLES, "description": "Asthma"})
    assert first[0] == second[0]
    head = str(first[1].content).split("Words:")[0]
    assert "A NOTE" in head
    assert str(second[1].content).startswith(head)


def test_a_missing_variable_fails():
    with pytest.raises(jinja2.UndefinedError, match="evidence"):
        load_prompt("verify_code").render(note="x", description="y")


def test_braces_in_a_note_are_not_a_template():
    note = "{{ evidence }} {% for x in y %}"
    content = str(load_prompt("verify_code").render(**{**VARIABLES, "note": note})[1].content)
    assert note in content


def test_unknown_keys_of_a_prompt_file_are_refused():
    with pytest.raises(ValidationError, match="extra"):
        Prompt.model_validate(
            {"description": "", "choices": [], "system": "", "user": "", "extra": 1}
        )
