"""`urial-tui board`: what runs come to, side by side: scores with intervals, lengths, shift, win rates, agreement.

The history is only read, beside a running program too. Errors are UrialErrors, shown by whoever runs the command.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from urial_tui.cli.common.plain import plain
from urial_tui.cli.common.wording import many

if TYPE_CHECKING:
    from urial_tui.judge.board.material import Material
    from urial_tui.judge.board.types import Board, By, PublishedTable
    from urial_tui.store.aio import AsyncStore


@click.command()
@click.option(
    "--run",
    "runs",
    metavar="ID",
    multiple=True,
    help="A run: id, name, or last; may be given several times (default: the newest that was judged).",
)
@click.option(
    "--conversations", is_flag=True, help="Judged answers of conversations instead of a run."
)
@click.option(
    "--judge", "judges", metavar="SIDE|NAME", multiple=True, help="Only what this judge said."
)
@click.option("--rubric", "rubrics", metavar="ID", multiple=True, help="Only by this rubric.")
@click.option(
    "--by",
    type=click.Choice(["task", "topic", "dataset", "category", "turn"]),
    help="Break the scores down (default: by turn, where there are several).",
)
@click.option("--published", is_flag=True, help="Published figures too, apart, with their judge.")
@click.option(
    "--compatible", is_flag=True, help="Means with N/A as 5 too, as just-eval's report has them."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object with everything.")
@click.option("--markdown", is_flag=True, help="Markdown tables.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV, a line for each number.")
@click.option(
    "--html", type=click.Path(path_type=Path), metavar="FILE", help="Write one self-contained page."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to FILE instead of printing.",
)
@click.option("--force", is_flag=True, help="Let -o replace a file that is there.")
def board(
    runs: tuple[str, ...],
    conversations: bool,
    judges: tuple[str, ...],
    rubrics: tuple[str, ...],
    by: By | None,
    published: bool,
    compatible: bool,
    as_json: bool,
    markdown: bool,
    as_csv: bool,
    html: Path | None,
    output: Path | None,
    force: bool,
) -> None:
    """Show what the sides of a run come to: mean scores with 95 % intervals, and what no mean contains.

    \b
    Examples:
      urial-tui board
      urial-tui board --run last --by task --html board.html
      urial-tui board --judge Anna --judge smollm2@chat --markdown -o board.md
    """
    from urial_tui.errors import UsageError
    from urial_tui.judge.board.building import build
    from urial_tui.judge.board.material import choose
    from urial_tui.judge.published import published_tables

    layout = _layout(as_json, markdown, as_csv)
    if runs and conversations:
        raise UsageError("--run and --conversations exclude each other", hint="Give one of them.")
    if force and output is None:
        raise UsageError("--force is for -o", hint="Name a file with -o FILE, or leave it out.")
    _check_files(html, output, force)
    material = choose(
        asyncio.run(_read(runs, conversations)), judges=tuple(judges), rubrics=tuple(rubrics)
    )
    made = build(material, by=by)
    tables = published_tables() if published else ()
    shown = Shown(made, compatible, tables)
    if html is not None:
        _write_html(html, shown)
    if output is not None:
        from urial_tui.cli.common.outputs import write_output

        text = shown.text(layout, width=100, colour=False, unicode=True)
        write_output(output, text, force=force)
    elif layout != "text" or html is None:
        click.echo(shown.printed(layout), nl=False)
    for path in filter(None, (html, output)):
        from urial_tui.safetext import sanitize_line

        click.echo(f"written: {sanitize_line(str(path), 1000)}", err=True)
    if not (made.panels or made.duels):
        _say_how_to_judge(made)


def _layout(as_json: bool, markdown: bool, as_csv: bool) -> str:
    from urial_tui.errors import UsageError

    given = {"--json": as_json, "--markdown": markdown, "--csv": as_csv}
    chosen = [name for name, on in given.items() if on]
    if len(chosen) > 1:
        raise UsageError(
            f"{' and '.join(chosen)} exclude each other",
            hint="Give one of them, each to a file of its own.",
        )
    return chosen[0].removeprefix("--") if chosen else "text"


def _check_files(html: Path | None, output: Path | None, force: bool) -> None:
    """Before anything is computed. Raises UsageError."""
    from urial_tui.cli.board.as_html import check_target
    from urial_tui.cli.common.outputs import check_output
    from urial_tui.errors import UsageError

    if html is not None and output is not None and html.absolute() == output.absolute():
        raise UsageError("--html and -o name the same file", hint="Give each its own.")
    if html is not None:
        check_target(html)
    if output is not None:
        check_output(output, force=force)


# --- reading ----------------------------------------------------------------------------------------------------------


async def _read(references: tuple[str, ...], conversations: bool) -> Material:
    """Raises StoreError; JudgeError (`no-judgements`) when nothing was judged and no run is named."""
    from urial_tui import paths
    from urial_tui.cli.common.history import say_if_old
    from urial_tui.errors import StoreError
    from urial_tui.judge.board.material import read_conversations, read_runs
    from urial_tui.store.aio import AsyncStore
    from urial_tui.store.store import Store

    try:
        store = await AsyncStore.open(paths.history_file(), readonly=True)
    except StoreError as error:
        if error.kind != "missing":
            raise
        raise _no_runs() from error
    say_if_old(store.not_updated)
    try:
        if conversations:
            found = await read_conversations(store)
            if not found.answers:
                raise _nothing_judged("urial-tui judge --session last --judge SIDE")
            return found
        if references:
            named = {
                run.id: run for run in [await store.call(Store.find_run, one) for one in references]
            }
            found = await read_runs(store, list(named.values()))
        else:
            found = await _newest_judged(store)
        await _tell_of_other_runs(store, found)
        return found
    finally:
        await store.aclose()


async def _newest_judged(store: AsyncStore) -> Material:
    from urial_tui.judge.board.material import read_runs
    from urial_tui.store.store import Store

    newest = await store.call(Store.runs, 1)
    if not newest:
        raise _no_runs()
    for run_id in await store.call(Store.judged_runs):
        run = await store.call(Store.run, run_id)
        found = await read_runs(store, [run])
        if not found.judges:  # only compared with answers of other runs
            others = await store.call(Store.compared_runs, run_id)
            found = await read_runs(
                store, [run, *[await store.call(Store.run, one) for one in others]]
            )
        if found.judges:
            return found
    raise _nothing_judged(f"urial-tui judge --run {newest[0].id} --judge SIDE")


async def _tell_of_other_runs(store: AsyncStore, found: Material) -> None:
    """Say where comparisons with runs that are not shown can be seen."""
    from urial_tui.store.store import Store

    shown = {run.id for run in found.runs}
    for run_id in shown:
        for other, n in (await store.call(Store.compared_runs, run_id)).items():
            if other not in shown:
                what = many(n, "comparison")
                where = f"urial-tui board --run {run_id} --run {other}"
                click.echo(f"note: {what} with the run {other} not shown here: {where}", err=True)


def _no_runs() -> Exception:
    from urial_tui.errors import StoreError

    return StoreError(
        "there is no run yet",
        hint="urial-tui run --input FILE --side SIDE makes one, urial-tui judge scores it.",
        kind="not-found",
    )


def _nothing_judged(command: str) -> Exception:
    from urial_tui.errors import JudgeError

    return JudgeError("nothing was judged yet", hint=f"Try: {command}", kind="no-judgements")


def _say_how_to_judge(made: Board) -> None:
    run = made.runs[0].id if made.runs else ""
    click.echo(f"Nothing of it was judged: urial-tui judge --run {run} --judge SIDE", err=True)


# --- showing ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A board and what to show of it."""

    board: Board
    compatible: bool
    published: tuple[PublishedTable, ...]

    def printed(self, layout: str) -> str:
        """As stdout takes it: in a terminal as wide as it is, with colour unless NO_COLOR says otherwise."""
        terminal = sys.stdout.isatty()
        return self.text(
            layout,
            width=shutil.get_terminal_size((80, 24)).columns,
            colour=terminal and not os.environ.get("NO_COLOR") and not plain(),
            unicode=_takes_blocks(),
            bars=not plain(),
        )

    def text(
        self, layout: str, *, width: int, colour: bool, unicode: bool, bars: bool = True
    ) -> str:
        if layout == "json":
            from urial_tui.cli.board.as_json import board_dict
            from urial_tui.safetext import json_line

            found = board_dict(self.board, compatible=self.compatible, published=self.published)
            return json_line(found, indent=2) + "\n"
        if layout == "csv":
            from urial_tui.cli.board.as_csv import board_csv

            return board_csv(self.board, compatible=self.compatible, published=self.published)
        if layout == "markdown":
            from urial_tui.cli.board.as_markdown import board_markdown

            return board_markdown(self.board, compatible=self.compatible, published=self.published)
        from urial_tui.cli.board.as_text import board_text

        return board_text(
            self.board,
            width=width,
            colour=colour,
            unicode=unicode,
            bars=bars,
            compatible=self.compatible,
            published=self.published,
        )


def _takes_blocks() -> bool:
    try:
        "█▌░…".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _write_html(path: Path, shown: Shown) -> None:
    from urial_tui.cli.board.as_html import write_page
    from urial_tui.services import versions

    write_page(
        path,
        shown.board,
        compatible=shown.compatible,
        published=shown.published,
        versions=versions(),
    )
