"""Keeping sessions and branches in order in a real terminal: the tree, a search to another branch, the bin and back."""

from pathlib import Path

from tests.pty.conftest import Start
from tests.pty.driving import until_ready
from tests.support import pty_history as history
from urial_tui.store.store import Store


def branched(home: Path, side: str) -> None:
    """A session with two answers to its first question; the second one is shown."""
    path = history.history_file(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    with Store.open(path) as store:
        session = store.create_session(side)
        question = store.add_user_message(session.id, None, "Why are there tides?")
        for text in ("The moon pulls the water.", "Because of the moon and the sun."):
            answer = store.begin_answer(session.id, question.id)
            store.finish_answer(answer.id, None, "complete", None, tail=text)


def test_the_tree_a_search_to_another_branch_and_the_bin(
    start: Start, home: Path, tiny: Path
) -> None:
    branched(home, f'"{tiny}"@zero-shot')
    terminal = start(size=(80, 24))
    terminal.until_text("Because of the moon")
    until_ready(terminal)

    terminal.send("shift+f7")
    terminal.until_text("3 messages, 2 branches")
    terminal.send("c", "left", "c")
    terminal.until_text("by words · difference 1 of")
    terminal.until_text("The moon pulls the water.")
    terminal.until_text("Because of the moon")
    terminal.send("escape", "escape")
    terminal.until_gone("by words")
    terminal.until_text("Write a message")

    terminal.send("ctrl+f")
    terminal.until_text("words of a title or a message")
    terminal.send("pulls")
    terminal.until_text("1 found")
    terminal.send("enter")
    terminal.until_text("The moon pulls the water.")
    terminal.until_text("Hit 1 of 1")
    terminal.until_gone("Because of the moon")
    terminal.send("escape")

    terminal.send("f12")
    terminal.until_text("Shift+F12")
    terminal.until_text("New session")
    terminal.until_gone("The moon pulls the water.")
    terminal.send("shift+f12")
    terminal.until_text("The moon pulls the water.")
    terminal.send("ctrl+q")
    assert terminal.ended() == 0
    assert terminal.unrestored() == []
    assert len(history.sessions(home)) == 1 and history.problems(home) == []
