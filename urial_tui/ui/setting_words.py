"""What the settings screen says of a setting. Pure."""

from collections.abc import Sequence

from urial_tui.settings import Field, Origin, variable_of


def words_of(item: Field, *, listed: bool = False) -> str:
    """What it means, and what its value must be where it is not chosen from a list."""
    if listed or item.kind in ("yes/no", "choice"):
        return item.help
    expected = item.expected[0].upper() + item.expected[1:]
    return f"{item.help} {expected}{', in ' + item.unit if item.unit else ''}."


def overruled_words(item: Field, origin: Origin) -> str:
    """Why its value in the file does not count; "" where it does."""
    if origin == "environment":
        return (
            f"Set by the environment variable {variable_of(item.key)}, which goes before the file."
        )
    if origin == "option":
        return "Set by an option of this run, which goes before the file."
    return ""


def default_words(item: Field) -> str:
    return item.typed(item.default) or item.optional or "none"


def about(item: Field) -> str:
    """The line below the form about the setting under the cursor."""
    return (
        f"default: {default_words(item)} · a change counts {item.counts} · {variable_of(item.key)}"
    )


def matches(item: Field, origin: Origin, words: Sequence[str]) -> bool:
    """Whether all of `words` (casefolded) occur in what is shown of a setting."""
    text = f"{item.key} {item.group} {words_of(item)} {origin}".casefold()
    return all(word in text for word in words)
