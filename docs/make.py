"""Write the pages of this folder that the program itself knows best: `make docs`.

A test fails when one of them is not what this makes of the program today.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from urial_tui import __version__
from urial_tui.cli.history import schema as history_schema
from urial_tui.cli.settings import shown
from urial_tui.errors import UrialError
from urial_tui.main import cli
from urial_tui.settings import FIELDS, Field
from urial_tui.store.schema.reading import tables
from urial_tui.ui.command import real_keys
from urial_tui.ui.commands import ALL_COMMANDS, GROUPS
from urial_tui.ui.keymap import SENT_FOR_OTHERS, key_name, widget_bindings

HERE = Path(__file__).parent
Named = tuple[str, click.Command, click.Context]

_HEAD = """\
# Commands

Every command with every option, written from the program by `make docs`. `urial-tui COMMAND --help` prints the same.
Commands that report have `--json`: one JSON document on standard output, errors as JSON too. Notes and progress go to
standard error.

| exit code | |
| --- | --- |
{exits}
"""
_OTHER_EXITS = {
    0: "It is done.",
    1: "What was checked is not right, or something else went wrong.",
    130: "Ended by Ctrl+C; other signals by their number plus 128. What was done is kept.",
}
_KEYS_HEAD = """\
# Keys

<!-- Made by `make docs`. Do not edit. -->

All keys, as they are before you change any. The last line of the screen shows those that can be used now, `F1` all of
them as you have set them. `palette`: no key until you give it one; `Ctrl+P` finds it by its words. *Change the keys*
there lists all of them and changes them. They are kept by id in the table `keymap` of the [settings](settings.md);
`""` takes a key away:

```toml
[keymap]
"chat.take-over" = "f11"
"app.help" = "f1,f13"
"chat.delete" = ""
```

Help, the palette, quitting, sending and the ways back out of a screen must keep a key.

The first sections hold everywhere in the chat; single letters only where they are no text. The others hold in the
part of the screen, or the screen, that they name."""
ENVIRONMENT = {
    "URIAL_TUI_HOME": "One folder for settings, history, models, caches and logs.",
    "URIAL_TUI_DEBUG": "`1` prints the traceback of an unexpected error.",
    "URIAL_TUI_PLAIN": "Set to anything: commands print line below line, nothing that moves, no bars; "
    "for screen readers and logs.",
    "NO_COLOR": "Set to anything: no colours; the interface has greys alone.",
}
"""The variables that are no settings."""


def commands(command: click.Command, name: str, parent: click.Context | None) -> Iterator[Named]:
    """The command and all below it, in the order of their lists, each with its full name."""
    context = click.Context(
        command, info_name=name.rpartition(" ")[2], parent=parent, **command.context_settings
    )
    yield name, command, context
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            found = command.get_command(context, sub)
            if found is not None and not found.hidden:
                yield from commands(found, f"{name} {sub}", context)


def option_row(option: click.Option, context: click.Context) -> str:
    """A row of the table: names with the value they take, what it does, in the words of `--help`."""
    record = option.get_help_record(context)
    assert record is not None, option.name
    names, words = record
    return f"| `{_cell(names)}` | {_cell(words)} |"


def exits() -> dict[int, str]:
    """What the exit codes mean: each kind of error has its own."""
    found = {code: [words] for code, words in _OTHER_EXITS.items()}
    for kind in UrialError.__subclasses__():
        found.setdefault(kind.exit_code, []).append(inspect.getdoc(kind) or "")
    return {code: " ".join(found[code]) for code in sorted(found)}


def commands_page() -> str:
    """`commands.md`."""
    rows = "\n".join(f"| {code} | {_cell(words)} |" for code, words in exits().items())
    parts = [_HEAD.format(exits=rows)]
    for name, command, context in commands(cli, "urial-tui", None):
        usage = " ".join([name, *command.collect_usage_pieces(context)])
        parts += [f"## {name}", f"```console\n$ {usage}\n```", _prose(command.help or "")]
        options = [
            option_row(parameter, context)
            for parameter in command.params
            if isinstance(parameter, click.Option) and not parameter.hidden
        ]
        if options:
            parts.append("\n".join(["| option | |", "| --- | --- |", *options]))
        if isinstance(command, click.Group):
            below = [f"`{sub}`" for sub in command.list_commands(context)]
            parts.append(f"Commands: {', '.join(below)}.")
    return "\n\n".join(part.strip() for part in parts) + "\n"


def settings_page() -> str:
    """`settings.md`: every setting, by group."""
    lines = [
        "# Settings",
        "",
        "<!-- Made by `make docs`. Do not edit. -->",
        "",
        "`urial-tui settings path` prints where the file is (on Linux",
        "`~/.config/urial-tui/settings.toml`). A file that does not exist means the defaults. A wrong",
        "value or an unknown key is an error that names the line; nothing is guessed. Then",
        "`urial-tui settings show` lists what is wrong, with exit code 1, and `urial-tui settings unset KEY`",
        "takes it out.",
        "",
        "In the interface Shift+F4 opens the same settings as a form. It writes this file and keeps its",
        "comments, as `urial-tui settings set KEY VALUE` and `urial-tui settings unset KEY` do. A change made",
        "there counts from the next start, unless its row says that it does sooner.",
        "",
        "```toml",
        'side = "demo"',
        "n_ctx = 8192",
        "",
        "[sampling]",
        "temperature = 0.7",
        "",
        "[keymap]",
        '"app.help" = "f1,f11"',
        "```",
        "",
        "An environment variable goes before the file, and an option of the command line before both. The",
        "variable of a setting is `URIAL_TUI_` and its key in capitals, dots as underscores:",
        "`URIAL_TUI_N_CTX=8192`, `URIAL_TUI_SAMPLING_TEMPERATURE=0.7`. Its value is written as for",
        "`settings set`; an empty one counts as unset. `urial-tui settings show` lists all settings and where",
        "each value is from; `urial-tui doctor` warns of `URIAL_TUI_` variables that mean nothing.",
    ]
    for group in dict.fromkeys(item.group for item in FIELDS):
        lines += ["", f"## {group}", "", "| key | value | default | |", "| --- | --- | --- | --- |"]
        lines += [setting_row(item) for item in FIELDS if item.group == group]
    lines += [
        "",
        "## Environment",
        "",
        "Variables that are no settings:",
        "",
        "| variable | |",
        "| --- | --- |",
        *(f"| `{name}` | {words} |" for name, words in ENVIRONMENT.items()),
        "",
    ]
    return "\n".join(lines)


def schema_page() -> str:
    """`schema.md`."""
    return history_schema.as_markdown(tables())


def keys_page() -> str:
    """`keys.md`: the keys as they are before anybody changes them, place by place."""
    parts = [_KEYS_HEAD]
    for group in GROUPS:
        rows = [
            _key_row(one.keys, f"{one.title}. {one.tooltip}", one.id)
            for one in ALL_COMMANDS
            if one.group == group
        ]
        parts += [f"## {group}", _key_table(rows)]
    for place, bindings in widget_bindings().items():
        found: dict[str, list[str]] = {}
        for one in bindings:
            inside = "tokens." if (one.id or "").startswith("tokens.") else ""
            words = ". ".join(filter(None, (one.description, one.tooltip)))
            found.setdefault(inside, []).append(_key_row(one.key, words, one.id or ""))
        for inside in sorted(found):
            title = f"{place}, in the tokens of an answer" if inside else place
            parts += [f"## In: {title}", _key_table(found[inside])]
    return "\n\n".join(parts) + "\n"


def _key_table(rows: list[str]) -> str:
    return "\n".join(["| key | does | id |", "| --- | --- | --- |", *rows])


def _key_row(keys: str, words: str, its_id: str) -> str:
    named = [key_name(key) for key in real_keys(keys) if key not in SENT_FOR_OTHERS]
    return f"| {_cell(', '.join(named)) or 'palette'} | {_cell(words)} | `{its_id}` |"


def setting_row(item: Field) -> str:
    expected = item.expected + (f", in {item.unit}" if item.unit else "")
    default = shown(item, item.default)
    default = f"`{default}`" if item.default is not None else item.optional
    counts = "" if item.counts == "from the next start" else f" Counts {item.counts}."
    cells = [f"`{item.key}`", expected, default, item.help + counts]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def manual_page() -> str:
    """`urial-tui.1`, for `man`: what `--help` says of every command, and what goes for all of them."""
    (_, root, context), *below = commands(cli, "urial-tui", None)
    parts = [f'.TH URIAL-TUI 1 "" "urial-tui {__version__}"']
    parts += [".SH NAME", r"urial-tui \- " + _roff(root.get_short_help_str(200)), ".SH SYNOPSIS"]
    parts += [rf"\fB{_roff('urial-tui')}\fR {_roff(' '.join(root.collect_usage_pieces(context)))}"]
    parts += [".SH DESCRIPTION", *_roff_command(root, context), ".SH COMMANDS"]
    for name, command, its in below:
        usage = _roff(" ".join(command.collect_usage_pieces(its)))
        parts += [f".SS {_roff(name)} {usage}", *_roff_command(command, its)]
    lists = {"EXIT STATUS": exits(), "ENVIRONMENT": ENVIRONMENT}
    for title, found in lists.items():
        parts.append(f".SH {title}")
        parts += [_roff_item(str(term), words) for term, words in found.items()]
    parts += [
        ".SH SEE ALSO",
        _roff("Where the files are: urial-tui doctor. Settings: urial-tui settings show."),
    ]
    return "\n".join(parts) + "\n"


def _roff_command(command: click.Command, context: click.Context) -> list[str]:
    """The text and the options of a command; a `\\b` block keeps its lines."""
    parts = []
    for paragraph in (command.help or "").replace("\f", "").strip().split("\n\n"):
        lines = paragraph.strip("\n").split("\n")
        if lines[0].strip() == "\b":
            parts += [".PP", ".nf", *(_roff(line) for line in lines[1:]), ".fi"]
        else:
            parts += [".PP", _roff(" ".join(line.strip() for line in lines))]
    for (
        parameter
    ) in command.params:  # without `--help`, which click makes once, for whoever asks first
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            parts.append(_roff_item(*record))
    return parts


def _roff_item(term: str, words: str) -> str:
    return f".TP\n\\fB{_roff(term)}\\fR\n{_roff(' '.join(words.split()))}"


def _roff(text: str) -> str:
    """A line of text for `man`, none of it read as a request."""
    text = text.rstrip().replace("\\", r"\e").replace("-", r"\-").replace("`", "")
    return r"\&" + text if text.startswith((".", "'")) else text


def _prose(text: str) -> str:
    """A docstring as Markdown: click's `\\b` blocks, which keep their lines, become code."""
    made = []
    for paragraph in text.replace("\f", "").strip().split("\n\n"):
        lines = paragraph.strip("\n").split("\n")
        if lines[0].strip() == "\b":
            made.append("```text\n" + "\n".join(line.rstrip() for line in lines[1:]) + "\n```")
        else:
            made.append(_escaped(" ".join(line.strip() for line in lines)))
    return "\n\n".join(made)


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split())).replace("|", "\\|")


def _escaped(text: str) -> str:
    return re.sub(r"([<>])", r"\\\1", text)


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "settings.md": settings_page,
    "schema.md": schema_page,
    "keys.md": keys_page,
    "urial-tui.1": manual_page,
}


def main() -> None:
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")


if __name__ == "__main__":
    main()
