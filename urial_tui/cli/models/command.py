"""`urial-tui models`: what GGUF files are on this machine, what one of them is, what it goes with, and more of them.

Only the group is here; each command has a module beside this one.
"""

import click

from urial_tui.cli.models.files import add, remove, verify
from urial_tui.cli.models.hub import pull, search, starters
from urial_tui.cli.models.info import info
from urial_tui.cli.models.listing import list_command
from urial_tui.cli.models.pairs import pairs


class _InOrder(click.Group):
    """A group whose help lists the commands as they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrder)
def models() -> None:
    """Find, describe, fetch and pair models."""


for _command in (list_command, info, pairs, starters, search, pull, add, remove, verify):
    models.add_command(_command)
