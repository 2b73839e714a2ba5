"""What a person does in the chat screen, step by step, on the terminal alone."""

import re

from tests.support.pty_program import Terminal

PLACEHOLDER = "│ Write a message"
"""What an empty composer shows."""


def status(terminal: Terminal) -> str:
    """The status line: the second from below, or the last where the hints are hidden."""
    return "\n".join(terminal.lines()[-2:])


def until_ready(terminal: Terminal) -> None:
    """The model is loaded and its prompt is read."""
    terminal.until(lambda: re.search(r"^ ready\b", status(terminal), re.M), what="ready")


def until_streaming(terminal: Terminal, more_than: int = 20) -> None:
    """An answer is being written, and at least so many tokens of it are on screen."""

    def grows() -> bool:
        # Shares of the classes may stand between the two as soon as there are scores.
        found = re.search(r"^ generating\b.* · ctx (\d+)/", status(terminal), re.M)
        return found is not None and int(found[1]) > more_than

    terminal.until(grows, what="streaming")


def write(terminal: Terminal, text: str) -> None:
    """Type into the composer and see it there."""
    terminal.send(text)
    terminal.until_text(text[-30:])


def ask(terminal: Terminal, text: str) -> None:
    """Type, press Enter, and wait until the composer has let go of the text: it is in the history."""
    write(terminal, text)
    terminal.send("enter")
    terminal.until_text(PLACEHOLDER)


def ask_and_watch(terminal: Terminal, text: str, more_than: int = 20) -> None:
    """Ask, and wait until the answer streams."""
    ask(terminal, text)
    until_streaming(terminal, more_than)
