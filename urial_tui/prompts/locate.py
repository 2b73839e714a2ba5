"""Where the packs that ship with the program are: inside the installed package, or beside it in a source tree."""

from pathlib import Path

from urial_tui.errors import PromptError

_PACKAGE = Path(__file__).resolve().parent.parent


def builtin_packs_dir(package: Path = _PACKAGE) -> Path:
    """The folder of the built-in packs. A wheel has it inside the package; an editable install and a checkout have
    it beside the package. PromptError when there is neither."""
    for folder in (package / "prompt_packs", package.parent / "prompt_packs"):
        if folder.is_dir():
            return folder
    raise PromptError(
        f"the built-in prompt packs are missing from {package}",
        hint="Install urial-tui again.",
        kind="installation",
    )
