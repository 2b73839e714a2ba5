"""The one line on stderr that says, before anything is loaded, that memory is short. The work goes on."""

import click

from urial_tui.models.fit import Fit, in_words


def warn_unless_fits(fit: Fit) -> bool:
    """Whether something was said: nothing is when it fits, or when it is not known."""
    if fit.verdict in ("tight", "does not fit"):
        what = (
            "memory will be tight" if fit.verdict == "tight" else "there may not be memory for this"
        )
        click.echo(f"warning: {what}: it {in_words(fit)}", err=True)
        return True
    return False
