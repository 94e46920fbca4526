"""The languages of notes, and which one a note is written in."""
from typing import Literal
Language = Literal["en", "es"]
