"""`urial-tui shift`: how a reference would have ranked each token of an answer, for one query or for a file of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from urial_tui.cli.common.completing import reference_names, side_names
from urial_tui.cli.common.context_options import context_options
from urial_tui.cli.common.ranges import FiniteRange

if TYPE_CHECKING:
    from urial_tui.cli.shift.items import Row
    from urial_tui.cli.shift.work import Shifting

MAX_ANSWER_BYTES = 8 * 1024 * 1024


@click.command()
@click.argument("query", required=False)
@click.option(
    "--demo", is_flag=True, help="The embedded model: the default pack against zero-shot."
)
@click.option(
    "--generator",
    metavar="SIDE",
    shell_complete=side_names,
    help="The side that writes the answer.",
)
@click.option(
    "--reference",
    "references",
    metavar="SIDE",
    multiple=True,
    shell_complete=reference_names,
    help="A side that scores it. May be given several times. MODEL@same: the generator's own prompt.",
)
@click.option("--pack", metavar="ID", help="The generator's prompt pack; replaces its style.")
@click.option(
    "--temperature",
    type=FiniteRange(0.0, 5.0),
    default=0.0,
    show_default=True,
    help="0 is plain greedy decoding; above 0 the side's own sampling settings are used.",
)
@click.option(
    "--max-tokens", type=click.IntRange(1), help="End an answer after this many tokens (512)."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 2), help="The same seed gives the same answer."
)
@click.option(
    "--top-k",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="Alternatives kept of each side.",
)
@click.option(
    "--answer",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Score the text of FILE (- is standard input); nothing is generated.",
)
@click.option(
    "--input",
    "input_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare every item of FILE, in just-eval's format. Items with an `output` are scored as they are.",
)
@click.option("--limit", type=click.IntRange(1), help="The first N items of --input only.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object at the end.")
@click.option("--jsonl", "as_lines", is_flag=True, help="One JSON line an item, as it is finished.")
@click.option(
    "--html", type=click.Path(path_type=Path), metavar="FILE", help="Write one self-contained page."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write one JSON line an item to FILE, and go on after the items that are there.",
)
@context_options(references=True)
def shift(
    query: str | None,
    demo: bool,
    generator: str | None,
    references: tuple[str, ...],
    pack: str | None,
    temperature: float,
    max_tokens: int | None,
    seed: int | None,
    top_k: int,
    answer: Path | None,
    input_file: Path | None,
    limit: int | None,
    as_json: bool,
    as_lines: bool,
    html: Path | None,
    output: Path | None,
    overrides: dict[str, Any],
) -> None:
    """Compare sides token by token over the answer to QUERY (- or a pipe: standard input).

    Each token of the generator's answer is unshifted (the reference ranks the generator's first choice first),
    marginal (second or third) or shifted.
    """
    from urial_tui.cli.shift.work import Shifting
    from urial_tui.errors import UsageError

    if as_json and as_lines:
        raise UsageError("--json and --jsonl exclude each other", hint="Give one of them.")
    _refuse_one_file_twice(
        ("--output", output), ("--html", html), ("--input", input_file), ("--answer", answer)
    )
    if input_file is None and limit is not None:
        raise UsageError("--limit is for --input", hint="Leave it out, or name a file of items.")
    generator, references = _sides(demo, generator, references, pack)
    rows, source = _rows(query, answer, input_file)
    rows = rows[:limit]
    if generator is None and any(row.answer is None and row.problem is None for row in rows):
        raise UsageError(
            "there is no generator to write the answer",
            hint="Name one with --generator SIDE, or give the answer with --answer FILE.",
        )
    shifting = Shifting(
        generator,
        references,
        rows,
        source,
        single=input_file is None,
        temperature=temperature,
        max_tokens=max_tokens,
        seed=seed,
        top_k=top_k,
        output=output,
        overrides=overrides,
    )
    _compare(shifting, as_json=as_json, as_lines=as_lines, html=html)


def _refuse_one_file_twice(*named: tuple[str, Path | None]) -> None:
    """Raises UsageError when one of the first two, which are written, is also one of those after it."""
    from urial_tui.errors import UsageError

    files = [(name, path) for name, path in named if path is not None and str(path) != "-"]
    for number, (name, path) in enumerate(files):
        for other, there in files[number + 1 :]:
            if name in ("--output", "--html") and _same_file(path, there):
                raise UsageError(
                    f"{name} and {other} are the same file, {path}",
                    hint=f"Choose another file for {name}.",
                )


def _same_file(one: Path, other: Path) -> bool:
    import os

    try:
        return os.path.realpath(one) == os.path.realpath(other) or one.samefile(other)
    except (OSError, ValueError):  # one of them is not there
        return False


def _sides(
    demo: bool, generator: str | None, references: tuple[str, ...], pack: str | None
) -> tuple[str | None, tuple[str, ...]]:
    from urial_tui.errors import UsageError
    from urial_tui.prompts.styles import DEFAULT_PACK
    from urial_tui.sides import DEMO, ZERO_SHOT, Side, parse_side

    if demo and generator is not None:
        raise UsageError(
            "--demo and --generator exclude each other", hint="Write demo inside the SIDE."
        )
    if demo:
        generator = str(Side(DEMO, style=pack or DEFAULT_PACK))
        references = references or (str(Side(DEMO, style=ZERO_SHOT)),)
    elif pack is not None:
        if generator is None:
            raise UsageError("--pack is for the generator", hint="Name one with --generator SIDE.")
        generator = str(parse_side(generator).with_style(pack))
    if not references:
        raise UsageError(
            "there is no reference",
            hint="Name one with --reference SIDE, or try --demo.",
        )
    for side in (generator, *references):
        if side is not None:
            parse_side(side)
    return generator, references


def _rows(
    query: str | None, answer: Path | None, input_file: Path | None
) -> tuple[list["Row"], str]:
    """What to compare, and the sha256 of it."""
    import hashlib
    import sys

    from urial_tui.cli.common.query import read_query
    from urial_tui.cli.shift.items import Row, load_rows
    from urial_tui.errors import UsageError

    if input_file is not None:
        if query is not None or answer is not None:
            raise UsageError(
                "--input excludes QUERY and --answer", hint="Its items have queries and answers."
            )
        return load_rows(input_file)
    from_stdin = answer is not None and str(answer) == "-"
    if query is None and not from_stdin and sys.stdin is not None and not sys.stdin.isatty():
        query = "-"
    if query == "-" and from_stdin:
        raise UsageError(
            "query and answer cannot both come from standard input",
            hint="Write the query as an argument.",
        )
    text = read_query(query)
    given = _read_answer(answer) if answer is not None else None
    source = hashlib.sha256(repr((text, given)).encode("utf-8")).hexdigest()
    return [Row(0, text, given)], source


def _read_answer(path: Path) -> str:
    """The text of the file, less one newline at its end. UsageError when it is empty."""
    from urial_tui.cli.common.query import read_stdin
    from urial_tui.errors import UsageError
    from urial_tui.prompts.files import decode, read_bytes

    if str(path) == "-":
        text = read_stdin()
    else:
        text = decode(read_bytes(path, "an answer", MAX_ANSWER_BYTES), path)
        text = text[:-1].removesuffix("\r") if text.endswith("\n") else text
    if not text.strip():
        raise UsageError("the answer is empty", hint="Give the text to score.", kind="empty-answer")
    return text


def _compare(shifting: "Shifting", *, as_json: bool, as_lines: bool, html: Path | None) -> None:
    from urial_tui.cli.shift.as_html import check_target, write_page
    from urial_tui.cli.shift.items import line_of
    from urial_tui.cli.shift.report import report
    from urial_tui.cli.shift.work import work
    from urial_tui.exchange.shift_json import Item

    if html is not None:
        check_target(html)

    def on_item(item: Item) -> None:
        if as_lines:
            click.echo(line_of(item), nl=False)

    outcome = work(shifting, on_item)
    if html is not None and outcome.items:
        write_page(html, outcome.items, complete=outcome.complete)
    report(shifting, outcome, as_json=as_json, as_lines=as_lines, html=html)
