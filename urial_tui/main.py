"""The program's entry: reads the command line, starts the TUI or one command, and shows every error the same way.

Only click, and options that need nothing else, are imported here. A command's module is imported when the command
runs or its own help is asked for, the TUI when it starts, so that `--help` is quick.
"""

import importlib
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import click

from urial_tui import __version__
from urial_tui.cli.common.context_options import context_options
from urial_tui.errors import UrialError, UsageError
from urial_tui.glyphs import ERRORS, register_errors
from urial_tui.standard_output import OutputError, tell_refusals

INTERRUPTED = 130
"""Exit code after Ctrl+C: 128 + SIGINT, as shells count."""


@dataclass(frozen=True)
class Lazy:
    """Where a command is, and what the list of commands says about it."""

    module: str
    attribute: str
    help: str


COMMANDS = {
    "ask": Lazy("urial_tui.cli.ask.command", "ask", "Answer one query and print it."),
    "prompt": Lazy("urial_tui.cli.ask.prompt", "prompt", "Print the exact prompt of a query."),
    "shift": Lazy("urial_tui.cli.shift.command", "shift", "Compare sides token by token."),
    "run": Lazy(
        "urial_tui.cli.runs.run", "run", "Answer an instruction set with one or more sides."
    ),
    "runs": Lazy("urial_tui.cli.runs.command", "runs", "List, show, rename and delete runs."),
    "judge": Lazy("urial_tui.cli.judge.command", "judge", "Judge answers with a local model."),
    "board": Lazy("urial_tui.cli.board.command", "board", "Compare the sides of judged runs."),
    "rubrics": Lazy(
        "urial_tui.cli.judge.rubrics", "rubrics", "List, show, check and copy rubrics."
    ),
    "packs": Lazy(
        "urial_tui.cli.packs.command", "packs", "List, show, check and import prompt packs."
    ),
    "export": Lazy(
        "urial_tui.cli.exchange.export",
        "export",
        "Write runs and conversations to files that other tools read.",
    ),
    "import": Lazy(
        "urial_tui.cli.exchange.importing",
        "import_command",
        "Bring in files of other tools, and our own.",
    ),
    "history": Lazy(
        "urial_tui.cli.history.command", "history", "List, show and sort conversations."
    ),
    "search": Lazy("urial_tui.cli.history.search", "search", "Search in stored conversations."),
    "models": Lazy(
        "urial_tui.cli.models.command", "models", "Find, describe, fetch and pair models."
    ),
    "settings": Lazy("urial_tui.cli.settings", "settings", "Show and change settings."),
    "doctor": Lazy("urial_tui.cli.doctor.command", "doctor", "Check that everything works here."),
    "completion": Lazy(
        "urial_tui.cli.completion", "completion", "Print a shell's completion script."
    ),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and help, and imports one when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        command = getattr(importlib.import_module(lazy.module), lazy.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=lazy.help)
            for name, lazy in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=2)
            raise UsageError(
                f"there is no command {args[0]!r}",
                hint=f"Did you mean {' or '.join(close)}?"
                if close
                else f'The commands are {", ".join(COMMANDS)}; to ask: urial-tui ask "..."',
            )
        return super().resolve_command(ctx, args)


def _side_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    from urial_tui.cli.common.completing import side_names

    return side_names(context, parameter, incomplete)


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="urial-tui")
@click.option("--demo", is_flag=True, help="Use the embedded model, whatever the settings say.")
@click.option(
    "--side",
    metavar="SIDE",
    shell_complete=_side_names,
    help="MODEL[+ADAPTER[:SCALE]][@STYLE] of a new session.",
)
@click.option("--pack", metavar="ID", help="Prompt pack of a new session.")
@click.option("--session", metavar="ID", help="Open this session.")
@context_options(references=True)
@click.pass_context
def cli(
    ctx: click.Context,
    demo: bool,
    side: str | None,
    pack: str | None,
    session: str | None,
    overrides: dict[str, Any],
) -> int:
    """Chat with untuned base models in the terminal, offline, through URIAL prompts.

    Without a command, the terminal interface starts.
    """
    if ctx.invoked_subcommand is not None:
        from urial_tui.cli.common.keymap import InterfaceChecks

        ctx.obj = InterfaceChecks(_keymap_problems, _themes)
        if demo or side or pack or session or overrides:
            raise UsageError(
                f"options before {ctx.invoked_subcommand!r} are for the terminal interface",
                hint=f"Put them behind the command: urial-tui {ctx.invoked_subcommand} ...",
            )
        return 0
    if demo and side:
        raise UsageError("--demo and --side exclude each other", hint="Give one of them.")
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stdout) and _is_terminal(sys.stderr)):
        raise UsageError(
            "the terminal interface needs a terminal, and input or output is redirected",
            hint='To use it in a pipe: urial-tui ask "..." - or see urial-tui --help.',
            kind="no-terminal",
        )
    from urial_tui.launch import launch_tui

    return launch_tui(
        side="demo" if demo else side, pack=pack, session=session, overrides=overrides
    )


def _keymap_problems(keymap: Mapping[str, str]) -> Sequence[str]:
    from urial_tui.ui.keymap import usable_keymap

    return usable_keymap(keymap)[1]


def _themes() -> Sequence[str]:
    from textual.theme import BUILTIN_THEMES

    from urial_tui.ui.themes import OUR_THEMES

    return sorted({*BUILTIN_THEMES, *(theme.name for theme in OUR_THEMES)})


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and exit: 0, an error's own exit code, 2 for bad usage, 130 after Ctrl+C."""
    args = list(sys.argv[1:] if arguments is None else arguments)
    register_errors()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)
    tell_refusals()
    code = _run(args)
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        _forget_stdout()
    except OutputError as error:
        code = code or _no_output(error)
    sys.exit(code)


def _run(args: list[str]) -> int:
    as_json = "--json" in (args[: args.index("--")] if "--" in args else args)
    try:
        result = cli.main(args=args, prog_name="urial-tui", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except OutputError as error:
        return _no_output(error)
    except UrialError as error:
        _show(error, as_json)
        return error.exit_code
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f"See {context.command_path} --help." if context else ""
        wrong = UsageError(error.format_message().rstrip("."), hint=hint)
        _show(wrong, as_json)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BrokenPipeError:
        _forget_stdout()
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: nothing may end in a bare traceback
        return _crashed(error, as_json)


def _show(error: UrialError, as_json: bool) -> None:
    """An error as the user sees it: JSON on stdout for `--json`, else words on stderr."""
    if as_json:
        try:
            sys.stdout.write(json.dumps({"error": error.as_dict()}) + "\n")
            sys.stdout.flush()
        except (OSError, ValueError):
            _forget_stdout()
        except OutputError as unwritable:
            _forget_stdout()
            _show(error, as_json=False)
            _show(unwritable, as_json=False)
        return
    from urial_tui.safetext import sanitize

    _say(f"error: {sanitize(error.message)}")
    if error.hint:
        _say(f"hint: {sanitize(error.hint)}")


def _no_output(error: OutputError) -> int:
    """Standard output takes nothing, so that this goes to stderr, for `--json` too."""
    _forget_stdout()
    _show(error, as_json=False)
    return error.exit_code


def _say(line: str) -> None:
    try:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return


def _forget_stdout() -> None:
    """Nobody reads stdout any more: let Python's own flush at exit go nowhere, quietly."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return


def _crashed(error: Exception, as_json: bool) -> int:
    """A mistake of the program's own: one line, and the traceback in a file."""
    from urial_tui.crash import write_crash_log
    from urial_tui.safetext import sanitize_line

    if os.environ.get("URIAL_TUI_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)
    where = write_crash_log(error)
    shown = UrialError(
        sanitize_line(f"an unexpected error: {type(error).__name__}: {error}"),
        hint=(f"The details are in {where}. " if where else "")
        + "With URIAL_TUI_DEBUG=1 they are printed here.",
        kind="unexpected",
    )
    _show(shown, as_json)
    return shown.exit_code
