"""Guesses whether a text is in the language that a pack declares: scripts first, then frequent words.

Deliberately simple: it must never accuse a good pack, so it speaks only about texts of some length and only when the
evidence is clear. Code blocks do not count.
"""

import re
from collections import Counter

_CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.S | re.M)
_WORD = re.compile(r"[^\W\d_]+")
MIN_LETTERS = 20
MIN_WORDS = 12

_RANGES = (
    ("Latin", 0x0041, 0x024F),
    ("Greek", 0x0370, 0x03FF),
    ("Cyrillic", 0x0400, 0x052F),
    ("Hebrew", 0x0590, 0x05FF),
    ("Arabic", 0x0600, 0x077F),
    ("Devanagari", 0x0900, 0x097F),
    ("Thai", 0x0E00, 0x0E7F),
    ("Kana", 0x3040, 0x30FF),
    ("Han", 0x3400, 0x9FFF),
    ("Hangul", 0xAC00, 0xD7AF),
)
_SCRIPTS = {
    "zh": {"Han"},
    "ja": {"Kana", "Han"},
    "ko": {"Hangul"},
    "el": {"Greek"},
    "he": {"Hebrew"},
    "th": {"Thai"},
    "hi": {"Devanagari"},
    "mr": {"Devanagari"},
    "ne": {"Devanagari"},
    **{tag: {"Cyrillic"} for tag in ("ru", "uk", "be", "bg", "mk")},
    **{tag: {"Arabic"} for tag in ("ar", "fa", "ur")},
    **{tag: {"Latin"} for tag in "en it fr de es pt nl sv da no pl cs ro tr fi".split()},
}
_FREQUENT = {
    "en": "the and of to is that it you for with this are not be on how what can your",
    "it": "il di che la per un una è non sono della del con come gli le ogni alla ed nel",
    "fr": "le les des et est une que pour pas dans vous ce qui sur avec du au nous sont il",
    "de": "der die und das ist nicht ein eine den mit für auf wie sich es dem zu von sie ich",
    "es": "el los las y es que una para por con no del su como más se al lo está muy",
    "pt": "o os as e é que uma para não com do da em por mais como se ao você são",
    "nl": "de het een en van is dat niet je op te voor met zijn er aan ook als om maar",
}
_WORDS = {language: frozenset(words.split()) for language, words in _FREQUENT.items()}


def language_problem(text: str, language: str) -> str:
    """Why `text` does not look like `language` (a tag such as zh-Hans); "" when it does or nothing can be said."""
    base = language.split("-", maxsplit=1)[0]
    text = _CODE.sub(" ", text)
    expected = _SCRIPTS.get(base)
    counts = Counter(script for script in map(_script, text) if script)
    total = counts.total()
    if expected is None or total < MIN_LETTERS:
        return ""
    if sum(counts[script] for script in expected) < total / 2:
        seen = counts.most_common(1)[0][0]
        return f"the language is {language}, but most letters are {seen}"
    if base not in _WORDS:
        return ""
    words = [word.casefold() for word in _WORD.findall(text)]
    if len(words) < MIN_WORDS:
        return ""
    hits = {name: sum(word in known for word in words) for name, known in _WORDS.items()}
    best = max(hits, key=lambda name: hits[name])
    if best != base and hits[best] >= 4 and hits[best] > 2 * hits[base]:
        return f"the language is {language}, but it reads like {best}"
    return ""


def _script(char: str) -> str:
    if not char.isalpha():
        return ""
    code = ord(char)
    return next((name for name, low, high in _RANGES if low <= code <= high), "other")
