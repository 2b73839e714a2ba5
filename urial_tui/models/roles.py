"""Whether a model is a base model or one that was trained to answer, guessed from names and from the chat template.

For the list, the library screen and the search for partners. A guess comes with its reason; a name wins over a
template, because base models are published with the template of their family.
"""

from urial_tui.models.facts import Role
from urial_tui.models.naming import bare_name, role_word, words_of

_BUT = "; it carries a chat template all the same"


def guess_role(
    name: str,
    *,
    kind: str = "model",
    title: str = "",
    finetune: str = "",
    repo: str = "",
    base_model: str = "",
    has_template: bool = False,
) -> tuple[Role, str]:
    """The role and why, in words. `name` is the library's, `finetune` the file's `general.finetune`, `repo` where it
    comes from."""
    if kind not in ("model", "adapter"):
        return "unknown", ""
    told = (
        (name, "name"),
        (title, "title"),
        (finetune, "finetune field"),
        (repo.rpartition("/")[2], "repository's name"),
    )
    for text, where in told:
        role, word = _told_by(text)
        if role == "base":
            return role, f'"{word}" in its {where}' + (_BUT if has_template else "")
        if role != "unknown":
            return role, f'"{word}" in its {where}'
    role, word = _told_by(base_model)
    if role == "chat":
        return role, f'"{word}" in the name of what it was made from'
    if role == "base" and bare_name(base_model) in (bare_name(name), bare_name(title)):
        return role, f'"{word}" in the name of what it was made from' + (
            _BUT if has_template else ""
        )
    if has_template:
        return "chat", "it has a chat template"
    return ("base", "no chat template") if kind == "model" else ("unknown", "")


def _told_by(text: str) -> tuple[Role, str]:
    """What the words of `text` say, and the word. One about training after the base wins: `Base-SFT` is tuned."""
    words = words_of(text)
    for wanted in ("chat", "base"):
        for at, word in enumerate(words):
            if role_word(word) == wanted and not (
                word == "pt" and words[at + 1 : at + 2] == ["br"]
            ):
                return ("chat" if wanted == "chat" else "base"), word
    if ":" in text and "text" in words:  # Ollama's tag for models without training after the base
        return "base", "text"
    return "unknown", ""
