"""Compared answers for people: the answer with its classes on a terminal, plain in a pipe, and tables of numbers.

Classes are told by attributes and by colour: unshifted plain, marginal underlined, shifted bold and reversed.
"""

import os
import sys
from typing import Any

import click

from urial_tui.cli.common.plain import plain
from urial_tui.exchange.pages import label
from urial_tui.exchange.shift_json import Item, Json
from urial_tui.safetext import Sanitizer, sanitize, sanitize_line
from urial_tui.shift.classes import COUNTED, is_near_tie, token_class

BAR = 24
_STYLES: dict[str, dict[str, Any]] = {
    "unshifted": {},
    "marginal": {"underline": True, "fg": "yellow"},
    "shifted": {"bold": True, "reverse": True, "fg": "magenta"},
    "control": {"dim": True},
}


def print_answer(item: Item) -> None:
    """The answer, classes by the first reference, and each reference's numbers."""
    record = item.record
    drawn = sys.stdout.isatty() and not plain()
    if drawn:
        click.echo(marked(item))
    else:
        click.echo(record["text"])
    click.echo()
    _print_generator(record["generator"])
    for n, reference in enumerate(record["references"]):
        _print_reference(reference)
        if n == 0 and drawn:
            click.echo(f"  {_legend()}")


def print_summary(summary: Json, total: int, *, to_stderr: bool = False) -> None:
    """The pooled numbers of several items."""
    if not summary["items"]:
        click.echo(f"0 of {total} items compared", err=to_stderr)
        return
    tokens = f"{summary['tokens']:,} tokens"
    click.echo(f"{summary['items']} of {total} items compared, {tokens}", err=to_stderr)
    _print_generator(summary["generator"], to_stderr)
    for reference in summary["references"]:
        _print_reference(reference, to_stderr)


def marked(item: Item) -> str:
    """The answer with terminal attributes, safe to print. A class that could fall the other way has a small `?`."""
    sanitizer = Sanitizer()
    readable = [token["text"] for token in item.record["tokens"]]
    noise = item.record["references"][0]["noise"]
    parts = []
    for token, text in zip(item.scores, readable, strict=True):
        name = token_class(token, 0)
        safe = sanitizer.feed(text)
        score = token.references[0]
        near = score is not None and not token.control and is_near_tie(score, noise)
        parts.append(_styled(safe, name) + (_styled("?", "control") if near and safe else ""))
    return "".join(parts) + sanitizer.finish()


def _styled(text: str, name: str | None) -> str:
    """Attributes are put around the text of each line, so that no line end is painted."""
    look = dict(_STYLES.get(name or "control", {}))
    if "NO_COLOR" in os.environ:
        look.pop("fg", None)
    if not look:
        return text
    return "\n".join(click.style(line, **look) if line else "" for line in text.split("\n"))


def _legend() -> str:
    return ", ".join(_styled(name, name) for name in COUNTED) + ", ? near tie"


def _print_generator(generator: Json | None, to_stderr: bool = False) -> None:
    said = sanitize_line(generator["side"], 300) if generator else "none, the text was given"
    click.echo(f"generator  {said}{_noise(generator) if generator else ''}", err=to_stderr)


def _noise(side: Json) -> str:
    parts = []
    if side["noise"] is not None:
        parts.append(f"noise {side['noise']:.3g} nats")
    if side["null_rate"] is not None:
        parts.append(f"against itself {side['null_rate']:.1%} not unshifted")
    return f"  ({', '.join(parts)})" if parts else ""


def _print_reference(reference: Json, to_stderr: bool = False) -> None:
    def say(text: str = "") -> None:
        click.echo(text, err=to_stderr)

    say(f"reference  {sanitize_line(reference['side'], 300)}{_noise(reference)}")
    for warning in reference["warnings"]:
        say(f"  warning: {sanitize(warning)}")
    if reference.get("error"):
        say(f"  error: {sanitize(reference['error']['message'])}")
    if reference["ratios"] is None:
        say("  no token was scored")
        return
    for line in ratio_table(reference):
        say(f"  {line}")
    facts = []
    if reference["mean_kl"] is not None:
        facts.append(f"mean KL {reference['mean_kl']:.3f} nats")
    if reference["top_agreement"] is not None:
        facts.append(f"{reference['top_agreement']:.1%} of the top lists in common")
    if reference["unscored"]:
        facts.append(f"{reference['unscored']} tokens without a score")
    if facts:
        say("  " + ", ".join(facts))
    early, late = reference["early"], reference["late"]
    first = early["positions"][1] + 1
    parts = [
        f"{name} {100 * part['ratios']['shifted']:.1f} %"
        for name, part in ((f"first {first} tokens", early), ("later", late))
        if part["ratios"]
    ]
    say("  shifted: " + ", ".join(parts))
    _print_most_shifted(reference["most_shifted"][:10], say)


def ratio_table(reference: Json) -> list[str]:
    """Lines with counts, shares, near ties and, over several items, intervals."""
    near, without = reference["near_ties"], reference["ratios_without_near_ties"]
    spans = reference.get("intervals") or {}
    head = f"{'class':<10}{'tokens':>8}{'share':>9}"
    head += f"{'near ties':>11}{'without':>9}" if near else ""
    head += f"{'mean of items, 95 %':>29}" if spans else ""
    lines = [head]
    for name in COUNTED:
        line = f"{name:<10}{reference['counts'][name]:>8}{_percent(reference['ratios'][name]):>9}"
        if near:
            line += f"{near[name]:>11}{_percent(without[name]) if without else '-':>9}"
        if name in spans:
            span = spans[name]
            line += (
                f"{_percent(span['mean']):>11} [{_percent(span['low'])}, {_percent(span['high'])}]"
            )
        lines.append(line)
    if reference["counts"]["control"]:
        lines.append(f"{'control':<10}{reference['counts']['control']:>8}  not counted")
    return lines


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _print_most_shifted(tokens: list[Json], say: Any) -> None:
    if not tokens:
        return
    most = max(token["shifted"] for token in tokens)
    labels = [label(bytes.fromhex(token["hex"])) for token in tokens]
    width = max(map(len, labels))
    say("  most shifted tokens")
    for token, shown in zip(tokens, labels, strict=True):
        bar = "" if plain() else "█" * max(1, round(BAR * token["shifted"] / most))
        counts = f"{token['shifted']:>4} of {token['occurrences']:<4}"
        say(f"    {shown:<{width}}  {counts} {bar}".rstrip())
