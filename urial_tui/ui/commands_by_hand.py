"""The commands of both screens for rating by hand. Single keys work there; in the line of a comment they are text."""

from urial_tui.ui.command import Command

RATE, PAIR = "Rating", "Comparing"
"""The screens' names, which help and keymap call their places."""


def _score(number: int) -> Command:
    return Command(
        f"rate.score-{number}",
        str(number),
        f"score({number})",
        str(number),
        f"Score {number}",
        "For the aspect under the cursor, which then goes to the next",
        RATE,
        show=False,
        palette=False,
    )


def _walk(place: str, prefix: str) -> tuple[Command, ...]:
    """What both screens for rating by hand have."""
    return (
        Command(
            f"{prefix}.next",
            "down,tab",
            "move(1)",
            "Next aspect",
            "Next aspect",
            "Without a score for this one",
            place,
            show=False,
            palette=False,
        ),
        Command(
            f"{prefix}.previous",
            "up,shift+tab",
            "move(-1)",
            "Aspect before",
            "Aspect before",
            "To change its score",
            place,
            show=False,
            palette=False,
        ),
        Command(
            f"{prefix}.clear",
            "backspace,delete",
            "clear",
            "Clear",
            "Clear the aspect",
            "It is not rated then, which is no score",
            place,
            show=False,
            palette=False,
        ),
        Command(
            f"{prefix}.comment",
            "c",
            "comment",
            "Comment",
            "Write a comment",
            "One line that is kept with it; Enter goes back",
            place,
        ),
        Command(
            f"{prefix}.levels",
            "l",
            "show_rubric",
            "Levels",
            "The rubric in full",
            "What is asked of each aspect and what each level stands for, uncut",
            place,
        ),
        Command(
            f"{prefix}.skip",
            "s",
            "skip",
            "Skip",
            "Skip this one",
            "It comes again when the others are done",
            place,
        ),
        Command(
            f"{prefix}.undo",
            "u",
            "undo",
            "Back to the last",
            "Back to the one before",
            "Shows it with what was saved; saving again replaces that",
            place,
        ),
    )


RATE_COMMANDS = (
    Command(
        "rate.save",
        "enter",
        "save",
        "Save",
        "Save",
        "Keep the scores; aspects without one stay unrated. The next answer comes",
        RATE,
    ),
    *(_score(number) for number in range(1, 6)),
    Command(
        "rate.na",
        "0,n",
        "not_applicable",
        "N/A",
        "Does not apply",
        "Where the rubric allows it; it is counted as such and never as a number",
        RATE,
    ),
    *_walk(RATE, "rate"),
    Command(
        "rate.rubric",
        "r",
        "next_rubric",
        "Rubric",
        "Another rubric",
        "Rate the same answer with the next rubric",
        RATE,
    ),
    Command(
        "rate.back",
        "escape",
        "back",
        "Back",
        "Back",
        "What is not saved is kept and there again the next time",
        RATE,
        palette=False,
    ),
)

PAIR_COMMANDS = (
    Command(
        "pair.a",
        "a",
        "choose('a')",
        "A is better",
        "A is better",
        "All in all: it is saved at once. With the aspects open: in this aspect",
        PAIR,
    ),
    Command(
        "pair.b",
        "b",
        "choose('b')",
        "B is better",
        "B is better",
        "All in all: it is saved at once. With the aspects open: in this aspect",
        PAIR,
    ),
    Command(
        "pair.tie",
        "t",
        "choose('tie')",
        "Tie",
        "A tie",
        "Neither is clearly better",
        PAIR,
    ),
    Command(
        "pair.aspects",
        "p",
        "aspects",
        "Aspects",
        "An aspect at a time",
        "Choose for each aspect, then save with Enter; again: all in all only",
        PAIR,
    ),
    Command(
        "pair.save",
        "enter",
        "save",
        "Save",
        "Save",
        "Keep the choices; aspects without one stay open. The next two answers come",
        PAIR,
    ),
    Command(
        "pair.na",
        "0,n",
        "not_applicable",
        "N/A",
        "Does not apply",
        "Where the rubric allows it; it is no choice",
        PAIR,
        show=False,
        palette=False,
    ),
    Command(
        "pair.other",
        "left,right,v",
        "other",
        "Other answer",
        "Show the other answer",
        "Where there is no room for both beside each other",
        PAIR,
    ),
    *_walk(PAIR, "pair"),
    Command(
        "pair.back",
        "escape",
        "back",
        "Back",
        "Back",
        "What is not saved is kept and there again the next time",
        PAIR,
        palette=False,
    ),
)
