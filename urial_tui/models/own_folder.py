"""What the program changes on disk: models in its own folder can be removed, folders can be added to the search.

For the catalog and the commands. Files of other programs and in the user's folders are never touched.
"""

from collections.abc import Sequence
from pathlib import Path

from urial_tui import paths
from urial_tui.errors import ModelError, SettingsError, UsageError
from urial_tui.models.places import MAX_DEPTH, known_places
from urial_tui.settings import current_settings, read_layers, save_settings, variable_of

_RECORD = ".hub.json"


def refuse_what_is_elsewhere(name: str, source: str, files: Sequence[Path]) -> None:
    """Raise ModelError `not-ours` unless all `files` are in the program's own folder."""
    own = paths.models_dir()
    if all(path.is_relative_to(own) for path in files):
        return
    raise ModelError(
        f"{name} is not in this program's folder: it is {files[0]}, from {source}",
        hint=f"Remove it there; only what is in {own} is removed from here.",
        kind="not-ours",
    )


def remove_files(files: Sequence[Path]) -> tuple[Path, ...]:
    """Remove a model's parts, what was noted about them, and the folders that this leaves empty; what went.

    For files of the program's own folder. Raises ModelError `unwritable` when the system refuses.
    """
    own = paths.models_dir()
    gone: list[Path] = []
    try:
        for path in files:
            path.unlink()
            gone.append(path)
            record = path.with_name(path.name + _RECORD)
            record.unlink(missing_ok=True)
        for folder in files[0].parents:
            if folder == own or not folder.is_relative_to(own) or any(folder.iterdir()):
                break
            folder.rmdir()
    except OSError as error:
        raise ModelError(
            f"cannot remove {error.filename}: {error.strerror or error}",
            hint="Check the permissions of the file and its folder.",
            kind="unwritable",
        ) from error
    return tuple(gone)


def freed_by_removing(parts: Sequence[Path]) -> int:
    """Bytes that removing the files gives back: none for a link, none while the file has another name."""
    infos = [path.lstat() for path in parts if path.exists() and not path.is_symlink()]
    return sum(info.st_size for info in infos if info.st_nlink == 1)


def add_folder(folder: Path) -> None:
    """Have the library search `folder`, too: it is written into `model_folders` of the settings, comments kept.

    For a GGUF file its folder is added; one that is searched already changes nothing. Raises UsageError for what is no
    folder and no GGUF file, SettingsError when the settings cannot be written.
    """
    target = folder_to_add(folder)
    if searched_by(target) is not None:
        return
    found = read_layers(paths.settings_file())
    if found.origins["model_folders"] == "environment":
        variable = variable_of("model_folders")
        raise SettingsError(
            f"the folders are those of the environment variable {variable}, whatever the settings file says",
            hint=f"Add {target} there, or unset the variable.",
        )
    folders = (*found.settings.model_folders, str(target))
    save_settings({"model_folders": folders}, paths.settings_file())


def folder_to_add(given: Path) -> Path:
    """The folder that `add_folder` adds for `given`, absolute. Raises UsageError."""
    path = given.expanduser().absolute()
    if path.is_dir():
        return path
    if path.is_file() and path.suffix.lower() == ".gguf":
        return path.parent
    raise UsageError(
        f"{given} is neither a folder nor a GGUF file" if path.exists() else f"there is no {given}",
        hint="Name a folder with GGUF files, or one of the files in it.",
    )


def searched_by(folder: Path) -> str | None:
    """Why `folder` is searched already, in words: it is a known place or lies in one. None when it is not."""
    wanted = folder.resolve()
    for place in known_places(current_settings()):
        root = place.path.resolve()
        if place.layout == "ollama" or not wanted.is_relative_to(root):
            continue
        if len(wanted.relative_to(root).parts) <= MAX_DEPTH:
            return f"{place.label}: {place.path}"
    return None
