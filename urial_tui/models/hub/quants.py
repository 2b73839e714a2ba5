"""Which files of a repository are one model, and what to call them: quantisations, split parts, names told apart.

Pure: from names and sizes to `Quant`s. What cannot be fetched as a model (vision projectors, importance matrices,
vocabularies, sets with missing parts) is left out, with the reason where somebody could look for it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from urial_tui.models.hub.names import problem_of
from urial_tui.models.hub.types import HubFile, Quant

_SPLIT: Final = re.compile(r"(?P<name>.+)-(?P<no>\d{5})-of-(?P<count>\d{5})$")
_LABEL: Final = re.compile(
    r"(?<![A-Za-z0-9])(?P<ud>UD-)?(?P<quant>"
    r"I?Q\d_K(?:_(?:XXS|XS|S|M|L|XL|XXL)|SS|S|T|V)?"  # Q4_K_M, Q6_K, IQ4_KS
    r"|I?Q\d_(?:XXS|XS|NL|XL|S|M|L)"  # IQ2_XXS, IQ4_NL
    r"|Q\d_[01](?:_\d_\d)?"  # Q4_0, Q8_0, Q4_0_4_8
    r"|TQ\d_0|I2_S|TL[12]|MXFP4(?:_MOE)?|NVFP4"
    r"|BF16|F(?:P)?(?:16|32)|Q\d)"
    r"(?![A-Za-z0-9])(?!_\d)",
    re.IGNORECASE,
)
_NO_MODEL: Final = re.compile(r"(?<![a-z0-9])mmproj(?![a-z0-9])", re.IGNORECASE)
_TOKENS: Final = re.compile(r"[-._/ ]+")


def label_in(name: str) -> str:
    """The quantisation that a file's name (without ending and part number) tells; "" if none."""
    found = None
    for found in _LABEL.finditer(name):  # noqa: B007 - the last one counts
        pass
    if found is None:
        return ""
    quant = found["quant"].upper().replace("FP16", "F16").replace("FP32", "F32")
    return ("UD-" if found["ud"] else "") + quant


def is_model_file(path: str) -> bool:
    """Whether a GGUF of this name is a model or adapter, and not something that lies beside one."""
    stem = _stem(path).rpartition("/")[2].lower()
    if _NO_MODEL.search(stem) or stem.startswith(("mmproj", "imatrix", "ggml-vocab")):
        return False
    if label_in(stem):
        return True
    return not ("imatrix" in stem or stem.endswith(("-vocab", ".vocab", "_vocab", "vocab-only")))


def quants_of(files: Iterable[HubFile]) -> tuple[tuple[Quant, ...], tuple[str, ...]]:
    """The models among `files`, smallest first, with unique labels; and what was left out, in words.

    Files that do not end in .gguf, and those that are no models, are left out without a word.
    """
    problems: list[str] = []
    whole: dict[str, list[HubFile]] = {}
    sets: dict[tuple[str, int], dict[int, HubFile]] = {}
    for file in sorted(files, key=lambda file: file.path):
        if not file.path.lower().endswith(".gguf") or not is_model_file(file.path):
            continue
        problem = problem_of(file.path) or ("" if file.size > 0 else "the hub tells no size")
        if problem:
            problems.append(f"{file.path!r} is left out: {problem}")
            continue
        part = _SPLIT.fullmatch(_stem(file.path))
        if part:
            key = (part["name"], int(part["count"]))
            sets.setdefault(key, {})[int(part["no"])] = file
        else:
            whole[_stem(file.path)] = [file]
    for (name, count), parts in sets.items():
        if sorted(parts) != list(range(1, count + 1)):
            missing = count - len(parts.keys() & set(range(1, count + 1)))
            problems.append(f"{name} is left out: {missing} of its {count} parts are missing")
            continue
        # A whole file of the same name keeps it; the set is then told apart by its number of parts.
        stem = name if name not in whole else f"{name}-in-{count}"
        whole[stem] = [parts[no] for no in sorted(parts)]
    labels = _labels(list(whole))
    quants = [Quant(labels[stem], tuple(found)) for stem, found in whole.items()]
    return tuple(sorted(quants, key=lambda quant: (quant.size, quant.label))), tuple(problems)


def find_quant(quants: Sequence[Quant], wanted: str) -> Quant | None:
    """The quant called `wanted`, in any case, or with a file of that name."""
    key = wanted.casefold().removesuffix(".gguf")
    for quant in sorted(quants, key=lambda quant: quant.label != wanted):
        if quant.label.casefold() == key:
            return quant
    for quant in quants:
        if any(_stem(file.path).rpartition("/")[2].casefold() == key for file in quant.files):
            return quant
    return None


def _stem(path: str) -> str:
    return path[: -len(".gguf")] if path.lower().endswith(".gguf") else path


def _labels(stems: list[str]) -> dict[str, str]:
    """A label for each stem: the quantisation, and before it what tells equal ones apart."""
    plain = {stem: _label_of(stem) for stem in stems}
    counts = Counter(plain.values())
    labels: dict[str, str] = {}
    for label, count in counts.items():
        same = [stem for stem in stems if plain[stem] == label]
        labels |= {same[0]: label} if count == 1 and label else _told_apart(same, label)
    taken = Counter(label.casefold() for label in labels.values())
    return {
        stem: label if taken[label.casefold()] == 1 else stem.replace("/", "-")
        for stem, label in labels.items()
    }


def _label_of(stem: str) -> str:
    """From the file's own name, else from the folder that it is in."""
    folder, _, name = stem.rpartition("/")
    return label_in(name) or label_in(folder)


def _told_apart(stems: list[str], label: str) -> dict[str, str]:
    """The words of each name that are not common to all of them at its beginning or end, then the quantisation."""
    words = {stem: _words(stem, label) for stem in stems}
    rows = list(words.values())
    shortest = min(map(len, rows))
    head = tail = 0
    if len(stems) > 1:
        while head < shortest and len({row[head].casefold() for row in rows}) == 1:
            head += 1
        while tail < shortest - head and len({row[-1 - tail].casefold() for row in rows}) == 1:
            tail += 1
    found = {}
    for stem, row in words.items():
        own = "-".join(row[head : len(row) - tail])
        found[stem] = "-".join(part for part in (own, label) if part) or stem.rpartition("/")[2]
    return found


def _words(stem: str, label: str) -> list[str]:
    """The words of a name without its quantisation. A folder that only repeats the file's name says nothing."""
    folder, _, name = stem.rpartition("/")
    if label_in(folder) or name.startswith(folder):
        folder = ""
    if label:
        matches = list(_LABEL.finditer(name))
        if matches:
            name = name[: matches[-1].start()] + "-" + name[matches[-1].end() :]
    return [word for word in _TOKENS.split(f"{folder}/{name}") if word]
