"""The glossary: terms in order, each with a lesson that is there and a meaning of one or two sentences."""

import re

import pytest
from course import LESSONS
from glossary import ENTRY, PAGE, Term, defines, terms, uses

TERMS = terms()
KINDS = ("global", "local", "overall", "short", "long")


def term(name: str) -> Term:
    return next(entry for entry in TERMS if entry.name == name)


def test_every_line_is_an_entry_and_they_are_in_alphabetical_order_without_doubles():
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("- ")]
    assert all(ENTRY.fullmatch(line) for line in lines) and 30 <= len(lines) == len(TERMS) <= 60
    names = [entry.name.lower() for entry in TERMS]
    assert names == sorted(set(names))


def test_every_term_names_a_lesson_and_links_to_it():
    links = {path.stem[:2]: f"../notebooks/{path.name}" for path in LESSONS}
    assert [entry.name for entry in TERMS if links.get(entry.lesson) != entry.link] == []


@pytest.mark.parametrize("entry", TERMS, ids=lambda entry: entry.name)
def test_a_meaning_is_one_or_two_sentences_that_do_not_begin_with_the_term(entry: Term):
    assert 1 <= len(re.findall(r"[.!?](?= [A-Z]|$)", entry.meaning)) <= 2 and entry.meaning.endswith(".")
    assert 30 < len(entry.meaning) <= 260
    assert not re.match(entry.pattern, entry.meaning)


def test_a_meaning_needs_no_term_of_a_later_lesson():
    pairs = ((entry, other) for entry in TERMS for other in TERMS if other.lesson > entry.lesson)
    assert [(entry.name, other.name) for entry, other in pairs if uses(other, entry.meaning, TERMS)] == []


def test_all_kinds_of_templates_are_in_it():
    assert {f"{kind} template" for kind in KINDS} <= {entry.name for entry in TERMS}


def test_a_use_is_found_in_singular_and_plural_and_whatever_its_case():
    assert all(uses(term("look-alike"), text, TERMS) for text in ("Look-alikes cross", "a look alike", "(look-alike)"))
    assert not any(uses(term("look-alike"), text, TERMS) for text in ("look", "`look-alike`", "[x](look-alike.md)"))
    assert uses(term("id"), "two ids", TERMS) and not uses(term("id"), "an idea, or did", TERMS)
    assert uses(term("J"), "a J of", TERMS) and not any(uses(term("J"), text, TERMS) for text in ("j", "J&F", "$J$"))


def test_a_longer_term_does_not_count_as_the_shorter_one_in_it():
    assert not uses(term("mask"), "an id mask, two region masks", TERMS) and uses(term("mask"), "its mask", TERMS)
    assert not uses(term("template"), "the long template", TERMS) and uses(
        term("template"), "long templates and a template", TERMS
    )


def test_a_definition_is_the_term_in_bold():
    assert defines(term("key"), "a **key** is") and defines(term("key"), "**Keys** are")
    assert not any(defines(term("key"), text) for text in ("a key", "*key*", "**keyhole**", "**the key of it**"))
