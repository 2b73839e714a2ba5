"""`urial-tui prompt`: the exact prompt bytes of a query or a conversation, and on request its tokens on a model."""

import json
import sys
from pathlib import Path

import click

from urial_tui.cli.common.completing import side_names
from urial_tui.cli.common.query import checked_argument, read_query
from urial_tui.errors import UsageError
from urial_tui.prompts.conversation import load_conversation
from urial_tui.prompts.styles import Style, default_library, resolve_style
from urial_tui.prompts.types import Rendered, Turn
from urial_tui.sides import CHAT, RAW, ZERO_SHOT, parse_side


@click.command()
@click.argument("query", required=False)
@click.option("--pack", "pack_id", metavar="ID", help="The prompt pack; replaces the side's style.")
@click.option(
    "--pack-file",
    type=click.Path(path_type=Path),
    help="A pack file (.toml) or an official URIAL prompt (.txt).",
)
@click.option("--style", type=click.Choice([RAW, ZERO_SHOT, CHAT]), help="A style that is no pack.")
@click.option(
    "--conversation",
    type=click.Path(path_type=Path),
    help="JSON array of alternating user and assistant texts, the user's first and last.",
)
@click.option("--prefill", default="", metavar="TEXT", help="Beginning of the answer.")
@click.option("--tokens", is_flag=True, help="Show the token ids on a model instead of the text.")
@click.option(
    "--side",
    metavar="SIDE",
    shell_complete=side_names,
    help="Whose style, and model for --tokens (default: the settings').",
)
@click.option("--demo", is_flag=True, help="The embedded model and the settings' pack.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def prompt(
    query: str | None,
    pack_id: str | None,
    pack_file: Path | None,
    style: str | None,
    conversation: Path | None,
    prefill: str,
    tokens: bool,
    side: str | None,
    demo: bool,
    as_json: bool,
) -> None:
    """Print the exact prompt for QUERY: its bytes and nothing else.

    `-` as QUERY reads standard input. On a terminal, control characters are made visible; in a pipe or a file every
    byte is as the model gets it. The style is chosen as `ask` does it.
    """
    if sum(option is not None for option in (pack_id, pack_file, style)) > 1:
        raise UsageError(
            "--pack, --pack-file and --style exclude each other", hint="Give one of them."
        )
    if demo and side is not None:
        raise UsageError("--demo and --side exclude each other", hint="Give one of them.")
    turns = _turns(query, conversation)
    checked_argument(prefill, "the prefill")
    chosen = _style(side, demo, pack_id or style, pack_file)
    rendered = chosen.render(turns, prefill)
    if tokens:
        _print_tokens(side, rendered, demo, chosen, as_json)
    elif as_json:
        from urial_tui.safetext import json_line

        shown = _as_dict(rendered, chosen)
        click.echo(json_line(shown, indent=2))
    else:
        _print_exact(rendered.text)


def _turns(query: str | None, conversation: Path | None) -> list[Turn]:
    if conversation is not None:
        if query is not None:
            raise UsageError(
                "a QUERY and --conversation exclude each other",
                hint="The conversation's last text is the query.",
            )
        return load_conversation(conversation)
    if query is None:
        raise UsageError(
            "there is nothing to ask",
            hint="Give a QUERY, - for standard input, or --conversation FILE.",
        )
    return [Turn("user", read_query(query))]


def _style(side: str | None, demo: bool, named: str | None, pack_file: Path | None) -> Style:
    """The style of a file, else the one that is named, else the side's own."""
    from urial_tui.services import Services, SideChoice

    if side is not None:
        parse_side(side)
    if pack_file is not None or (named is not None and named != CHAT):
        return resolve_style(named, default_library(), pack_file)
    services = Services()
    return services.style(services.notation(SideChoice(side, demo, pack=named)))


def _print_exact(text: str) -> None:
    if sys.stdout.isatty():
        from urial_tui.safetext import sanitize

        click.echo(sanitize(text), nl=False)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.buffer.flush()


def _as_dict(rendered: Rendered, style: Style) -> dict[str, object]:
    return {
        "text": rendered.text,
        "style": style.id,
        "hash": style.hash,
        "template_hash": style.template_hash,
        "stops": list(rendered.stops),
        "fence": rendered.fence,
        "spans": [
            {"text": span.text, "user": span.user, "constant": number < rendered.constant}
            for number, span in enumerate(rendered.spans)
        ],
    }


def _print_tokens(
    side: str | None, rendered: Rendered, demo: bool, style: Style, as_json: bool
) -> None:
    from urial_tui.cli.common.engine_access import tokenize_prompt
    from urial_tui.safetext import json_line, sanitize_line

    found = tokenize_prompt(side, rendered, demo=demo)
    if as_json:
        rows = [
            {"id": token, "hex": raw.hex(), "text": raw.decode("utf-8", "replace")}
            for token, raw in found
        ]
        shown = _as_dict(rendered, style) | {"count": len(found), "tokens": rows}
        click.echo(json_line(shown, indent=2))
        return
    for number, (token, raw) in enumerate(found):
        piece = sanitize_line(json.dumps(raw.decode("utf-8", "replace"), ensure_ascii=False), 400)
        click.echo(f"{number:>6}  {token:>8}  {piece}")
    click.echo(f"{len(found)} tokens")
