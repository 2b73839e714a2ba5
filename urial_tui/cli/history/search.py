"""`urial-tui search`: find messages and titles in all stored conversations, beside a running program too.

Snippets are sanitised before they are printed; `--json` gives them raw (escaped by JSON).
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from urial_tui.cli.history.filters import filter_options, with_words

if TYPE_CHECKING:
    from urial_tui.store.types import Hit, SessionFilter


@click.command()
@click.argument("query")
@filter_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="At most so many hits.",
)
@click.option("--json", "as_json", is_flag=True, help="A JSON array of hits.")
def search(query: str, wanted: SessionFilter, limit: int, as_json: bool) -> None:
    """Search in stored conversations; the best session comes first, with three of its hits at most.

    QUERY: words that must all be there, "phrases in double quotes"; the last word may be a beginning. Also
    the filters of the interface: tag:work side:demo pack:urial since:7d until:2026-01-31 score>3 shifted>10% is:pinned.
    TIME: a day such as 2026-11-01, an ISO 8601 time, or 12h, 7d, 2w for so long ago.

    \b
    Examples:
      urial-tui search "walking benefits"
      urial-tui search '"every day"' --side sft --since 7d
      urial-tui search 'walking is:archived score>3'
      urial-tui history show SESSION --message MESSAGE
    """
    from urial_tui.cli.common.history import open_if_there
    from urial_tui.cli.common.query import checked_argument
    from urial_tui.cli.history.text import print_json
    from urial_tui.errors import UsageError
    from urial_tui.store.types import Hit

    if not checked_argument(query, "the query").strip():
        raise UsageError("the query is empty", hint="Write what to look for.")
    wanted = with_words(wanted, query)
    store = open_if_there()
    hits: list[Hit] = []
    if store is not None:
        with store:
            if wanted.query.strip():
                hits = store.search(wanted.query, limit, wanted)
            else:  # filters alone
                found = store.sessions(wanted, limit)
                hits = [Hit(session.id, None, session.title, session.title) for session in found]
    if as_json:
        print_json([_json(hit) for hit in hits])
        return
    if not hits:
        click.echo("Nothing matches.")
    _print(hits)


def _json(hit: Hit) -> dict[str, Any]:
    from urial_tui.cli.history.text import marked

    plain, places = marked(hit.snippet)
    return asdict(hit) | {"snippet": plain, "matches": [list(place) for place in places]}


def _print(hits: list[Hit]) -> None:
    """The hits of a session below its title."""
    from urial_tui.cli.common.wording import local
    from urial_tui.cli.history.text import WHO, bold_matches, title

    session = ""
    for hit in hits:
        if hit.session_id != session:
            session = hit.session_id
            shown = title(hit) if hit.message_id is not None else bold_matches(hit.snippet)
            click.echo(f"{session}  {shown}")
        if hit.message_id is not None and hit.role is not None:
            click.echo(f"    {hit.message_id}  {local(hit.created_at)}  {WHO[hit.role]}")
            click.echo(f"        {bold_matches(hit.snippet)}")
        if hit.more:
            click.echo(f"    and {hit.more} more")
