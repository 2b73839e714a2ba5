"""A session that nobody has named is called by what it begins with."""

import pytest

from urial_tui.store.sessions.sessions import TITLE_LENGTH, title_from
from urial_tui.store.store import Store

LONG = "a word and another " * 10


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Why walk?", "Why walk?"),
        ("\n\n  Why \t walk?\nTell me.", "Why walk?"),
        ("# Why walk?", "Why walk?"),
        ("> - **Why** walk?", "**Why** walk?"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("---\nWhy walk?", "Why walk?"),
        ('"Why walk?"', "Why walk?"),
        ("“Why walk?”", "Why walk?"),
        ("**Why walk?**", "**Why walk?**"),
        ('"Why" and "how"', '"Why" and "how"'),
        ("'Tis the season", "'Tis the season"),
        ("-5 + 3", "-5 + 3"),
        ("#5", "#5"),
        ("1. 2. 3.", "1. 2. 3."),
        ("¯\\_(ツ)_/¯", "¯\\_(ツ)_/¯"),
        ("->", "->"),
        ("```", "```"),
        ("每天散步有什么好处？", "每天散步有什么好处？"),
        ("", ""),
        (" \n ", ""),
        ('"', '"'),
        ('""', '""'),
        (f"What are the benefits of walking? {LONG}", "What are the benefits of walking?"),
        (f"Tell me about walking. {LONG}", "Tell me about walking."),
        (f"每天散步有什么好处你能告诉我吗？{'我想知道' * 20}", "每天散步有什么好处你能告诉我吗？"),
        (LONG, "a word and another a word and another a word and another a…"),
        ("x" * 100, "x" * 59 + "…"),
    ],
)
def test_the_title_is_how_the_first_message_begins(text: str, title: str) -> None:
    assert title_from(text) == title
    assert len(title) <= TITLE_LENGTH


def test_an_abbreviation_and_a_greeting_end_no_title() -> None:
    assert title_from(f"Say what is new, e.g. in {LONG}").endswith("…")
    assert title_from(f"Hello! I want to know {LONG}").startswith("Hello! I want to know a word")


def test_a_session_gets_its_title_from_its_first_message_and_keeps_it() -> None:
    with Store.in_memory() as store:
        session = store.create_session("demo").id
        store.add_user_message(session, None, "# Why walk?\nTell me.")
        store.add_user_message(session, None, "And how?")
        assert store.session(session).title == "Why walk?"
        named = store.create_session("demo", "mine").id
        store.add_user_message(named, None, "Why walk?")
        assert store.session(named).title == "mine"
