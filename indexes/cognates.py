"""English forms of Spanish medical words by the rules of their Greek and Latin endings.

Most medical words of both languages are one word with another ending: "-patía" is "-pathy",
"-ción" is "-tion". The rules make a form; whether there is such an English word is for the caller
to look up.
"""

import re
from collections.abc import Iterator

from indexes.spanish import unaccented

_PLURAL = re.compile(r"(?<=[aeiou])s$")
# Longest first; each ending of the unaccented Spanish word and the English endings for it.
_ENDINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("izaciones", ("ization",)),
    ("izacion", ("ization",)),
    ("patica", ("pathic", "pathy")),
    ("patico", ("pathic", "pathy")),
    ("ciones", ("tion",)),
    ("siones", ("sion",)),
    ("idades", ("ity",)),
    ("scopia", ("scopy",)),
    ("tomia", ("tomy",)),
    ("stomia", ("stomy",)),
    ("grafia", ("graphy", "gram")),
    ("logia", ("logy",)),
    ("patia", ("pathy",)),
    ("plasia", ("plasia",)),
    ("trofia", ("trophy",)),
    ("plejia", ("plegia",)),
    ("rragia", ("rrhage", "rrhagia")),
    ("rrea", ("rrhea",)),
    ("megalia", ("megaly",)),
    ("terapia", ("therapy",)),
    ("algia", ("algia",)),
    ("emia", ("emia",)),
    ("uria", ("uria",)),
    ("osis", ("osis",)),
    ("itis", ("itis",)),
    ("cion", ("tion",)),
    ("sion", ("sion",)),
    ("idad", ("ity",)),
    ("encia", ("ency", "ence")),
    ("ancia", ("ancy", "ance")),
    ("mente", ("ly",)),
    ("ismo", ("ism",)),
    ("oide", ("oid",)),
    ("iaco", ("iac", "ial")),
    ("iaca", ("iac", "ial")),
    ("ario", ("ary",)),
    ("aria", ("ary", "aria")),
    ("orio", ("ory",)),
    ("oria", ("ory",)),
    ("ico", ("ic", "ical")),
    ("ica", ("ic", "ical")),
    ("ivo", ("ive",)),
    ("iva", ("ive",)),
    ("oso", ("ous", "osus")),
    ("osa", ("ous", "osa")),
    ("ado", ("ated", "ate")),
    ("ada", ("ated", "ate")),
    ("ideo", ("id", "oid")),
    ("idea", ("id", "oid")),
    ("eo", ("eal", "eus")),
    ("ea", ("ea", "eal")),
    ("io", ("ium", "y")),
    ("ia", ("ia", "y")),
    ("al", ("al",)),
    ("ar", ("ar",)),
    ("or", ("or",)),
    ("o", ("", "us", "um", "e")),
    ("a", ("", "a", "e")),
    ("e", ("", "e")),
    ("", ("",)),
)
# Inside words, in this order.
_SPELLINGS = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        (r"^es(?=[pct][^aeiou]?)", "s"),
        (r"cc", "ct"),
        (r"^hemorr", "hemorrh"),
        (r"rr(?=ag|ea|oid)", "rrh"),
        (r"f(?=[aeiou]?[a-z]*)", "ph"),
        (r"cua", "qua"),
        (r"cuen", "quen"),
        (r"qui(?=st)", "cy"),
    )
)
_LEAST_LETTERS = 5


def english_forms(word: str) -> Iterator[str]:
    """Yield what a Spanish word may be in English, likeliest first; nothing for short words."""
    plain = unaccented(word)
    if len(plain) < _LEAST_LETTERS or not plain.isalpha():
        return
    for variant in dict.fromkeys((plain, _PLURAL.sub("", plain), plain.removesuffix("es"))):
        ending, forms = next((e, f) for e, f in _ENDINGS if variant.endswith(e))
        root = variant.removesuffix(ending)
        for own in dict.fromkeys((root, *_respelt(root))):
            yield from (own + form for form in forms)


def _respelt(root: str) -> Iterator[str]:
    """Yield the root with each English spelling, then with all of them."""
    everything = root
    for pattern, form in _SPELLINGS:
        changed = pattern.sub(form, root)
        if changed != root:
            yield changed
            everything = pattern.sub(form, everything)
    yield everything
