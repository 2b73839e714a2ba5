"""Turns an official URIAL text file into a pack. Used by `packs import`; the file itself is never changed.

Shape `official` renders exactly what the official runner would send; where a pack's regular form cannot say that, the
whole file becomes the pack's system text, as it is. Shape `examples` goes on in the form of the file's own examples.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from urial_tui.errors import PromptError
from urial_tui.prompts.official import OFFICIAL_DEFAULTS, OfficialPrompt, OfficialTurn
from urial_tui.prompts.pack_types import Example, Format, Pack
from urial_tui.prompts.render import official_shape, pack_shape

ImportShape = Literal["official", "examples"]


@dataclass(frozen=True)
class Imported:
    """`identical`: every conversation renders to the same bytes as the official file. `notes` are for the user."""

    pack: Pack
    identical: bool
    notes: tuple[str, ...]


def import_official(
    prompt: OfficialPrompt,
    pack_id: str,
    shape: ImportShape = "official",
    *,
    name: str = "",
    language: str = "en",
) -> Imported:
    """The pack, not yet written. PromptError when the file has nothing in it."""
    if not prompt.text.strip():
        raise PromptError(f"{prompt.name} is empty", hint="There is nothing to import.")
    blank = Pack(
        id=pack_id,
        name=name or prompt.name,
        version="1.0.0",
        language=language,
        license="",
        description=f"Imported from {prompt.name}.",
        system="",
        examples=(),
        defaults=dict(OFFICIAL_DEFAULTS),
    )
    notes = list(prompt.warnings)
    differences = prompt.differences()
    if shape == "examples":
        pack, more = _as_examples(blank, prompt)
        identical = _same(pack, prompt)
        if not identical:
            more += [f"not the official rendering: {reason}" for reason in differences]
            more.append("the rendered bytes differ from the official ones")
        return Imported(pack, identical, (*notes, *more))
    pack = _structured(blank, prompt)
    if not _same(pack, prompt):
        pack = _verbatim(blank, prompt)
        notes.append(
            "the whole file became the pack's system text: its examples have a form that a pack cannot "
            "repeat byte for byte"
        )
    if differences:
        notes += differences
        notes.append("with --as examples the conversation goes on as the file's own examples do")
    return Imported(pack, _same(pack, prompt), tuple(notes))


def _same(pack: Pack, prompt: OfficialPrompt) -> bool:
    """Equal shapes render every conversation alike."""
    return pack_shape(pack) == official_shape(prompt)


def _tail_format(prompt: OfficialPrompt) -> Format:
    """The format whose later turns are the official tail."""
    tail = prompt.tail
    before, _, rest = tail.query_open.partition(tail.query_heading)
    opening = f"{tail.fence}\n" if tail.fence else ""
    closing = f"\n{tail.fence}" if tail.fence else ""
    return Format(
        system_heading="",
        query_heading=tail.query_heading,
        answer_heading=tail.answer_heading,
        fence=tail.fence or "",
        before_heading=before,
        after_heading=rest.removesuffix(opening),
        after_block=tail.close.removeprefix(closing),
        stops=(tail.stop,),
    )


def _structured(blank: Pack, prompt: OfficialPrompt) -> Pack:
    """System text and examples apart, in the tail's format. Whether it is exact is for the caller to check."""
    form = _tail_format(prompt)
    lines = prompt.text.split("\n")
    first = prompt.turns[0].line - 1 if prompt.turns else len(lines)
    front = "\n".join([*lines[:first], ""]) if prompt.turns else prompt.text
    form, system = _split_front(form, front, prompt, bool(prompt.turns))
    pack = replace(blank, system=system, examples=_pairs(prompt.turns)[0], format=form)
    if not pack.examples:
        return pack
    bare = replace(pack, format=replace(form, after_examples=""))
    body = pack_shape(bare).opening.removesuffix(prompt.tail.query_open)
    rest = prompt.text.removeprefix(body)
    if body + rest == prompt.text and not rest.strip("\n") and rest != form.after_block:
        pack = replace(pack, format=replace(form, after_examples=rest))
    return pack


def _split_front(
    form: Format, front: str, prompt: OfficialPrompt, examples: bool
) -> tuple[Format, str]:
    """The text before the examples as heading, system text and the newlines after it."""
    heading = prompt.heading
    if heading and front.startswith(heading + "\n\n"):
        form = replace(form, system_heading=heading)
        front = front.removeprefix(heading + "\n\n")
    system = front.rstrip("\n")
    after = front[len(system) :]
    if examples:
        after = after.removesuffix(form.before_heading)
    return replace(form, after_system=after), system


def _verbatim(blank: Pack, prompt: OfficialPrompt) -> Pack:
    form = replace(_tail_format(prompt), after_system="")
    return replace(blank, system=prompt.text, format=form)


def _pairs(turns: tuple[OfficialTurn, ...]) -> tuple[tuple[Example, ...], list[str]]:
    """Each query that is directly followed by its answer; notes about the rest."""
    found: list[Example] = []
    notes: list[str] = []
    at = 0
    while at < len(turns):
        turn = turns[at]
        after = turns[at + 1] if at + 1 < len(turns) else None
        if turn.role == "user" and after is not None and after.role == "assistant":
            if turn.text.strip() and after.text.strip():
                found.append(Example(turn.text, after.text))
            else:
                notes.append(f"line {turn.line}: an example with an empty text is left out")
            at += 2
            continue
        notes.append(f"line {turn.line}: {turn.heading} has no counterpart and is left out")
        at += 1
    return tuple(found), notes


def _as_examples(blank: Pack, prompt: OfficialPrompt) -> tuple[Pack, list[str]]:
    """In the form of the file's own turns: their headings, fences and most common spacing."""
    structured = _structured(blank, prompt)
    if not prompt.turns or not prompt.differences():
        note = "the file's examples already look like the official tail"
        examples, notes = _pairs(prompt.turns)
        return replace(structured, examples=examples), [note, *notes]
    examples, notes = _pairs(prompt.turns)
    query = next((t.heading for t in prompt.turns if t.role == "user"), "User:")
    answer = next((t.heading for t in prompt.turns if t.role == "assistant"), "Assistant:")
    fenced = sum(turn.body != "bare" for turn in prompt.turns) * 2 > len(prompt.turns)
    after_heading, between = _spacing(prompt)
    form = Format(
        system_heading="",
        query_heading=query,
        answer_heading=answer,
        fence="```" if fenced else "",
        before_heading="\n",
        after_heading=after_heading,
        after_block=between,
    )
    lines = prompt.text.split("\n")
    front = "\n".join([*lines[: prompt.turns[0].line - 1], ""])
    form, system = _split_front(form, front, prompt, True)
    notes.append(f"a conversation goes on with {query} and {answer}, as the file's own examples do")
    if len({turn.body for turn in prompt.turns}) > 1 or not _even(prompt):
        notes.append("fences or blank lines vary in the file; the pack uses the most common form")
    return replace(blank, system=system, examples=examples, format=form), notes


def _gaps(prompt: OfficialPrompt) -> tuple[list[int], list[int]]:
    """Blank lines after each heading, and after each turn's text (the last turn's left out)."""
    lines = prompt.text.split("\n")
    starts = [turn.line for turn in prompt.turns]
    leads, trails = [], []
    for number, start in enumerate(starts):
        end = starts[number + 1] - 1 if number + 1 < len(starts) else len(lines)
        body = lines[start:end]
        filled = [n for n, line in enumerate(body) if line.strip()]
        if not filled:
            continue
        leads.append(filled[0])
        if end < len(lines):
            trails.append(len(body) - 1 - filled[-1])
    return leads, trails


def _even(prompt: OfficialPrompt) -> bool:
    return all(len(set(gaps)) <= 1 for gaps in _gaps(prompt))


def _spacing(prompt: OfficialPrompt) -> tuple[str, str]:
    leads, trails = _gaps(prompt)
    lead = Counter(leads).most_common(1)[0][0] if leads else 0
    trail = Counter(trails).most_common(1)[0][0] if trails else 1
    return "\n" * (lead + 1), "\n" * max(trail, 1)


def pack_id_for(file_name: str) -> str:
    """A pack id out of a file's name: inst_1k_v4.help.txt becomes inst-1k-v4-help."""
    stem = re.sub(r"\.txt$", "", file_name, flags=re.I)
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:64].strip("-") or "imported"
