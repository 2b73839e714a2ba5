"""`urial-tui completion SHELL`: the script that makes a shell complete commands, options and sides.

Those of zsh and fish are click's. bash has one of our own: for bash a word ends at `@` and `:`, which stand in a side.
"""

from importlib import resources

import click
from click.shell_completion import get_completion_class

VARIABLE = "_URIAL_TUI_COMPLETE"
"""What click looks for in the environment, so that a shell's question is answered instead of a command run."""


@click.command("completion")
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script that makes SHELL complete commands, options and sides.

    \b
    bash   eval "$(urial-tui completion bash)"   in ~/.bashrc
    zsh    eval "$(urial-tui completion zsh)"    in ~/.zshrc, below compinit
    fish   urial-tui completion fish > ~/.config/fish/completions/urial-tui.fish
    """
    if shell == "bash":
        script = (resources.files("urial_tui.cli") / "assets" / "completion.bash").read_text(
            "utf-8"
        )
    else:
        found = get_completion_class(shell)
        assert found is not None
        script = found(context.find_root().command, {}, "urial-tui", VARIABLE).source()
    click.echo(script.rstrip("\n"))
