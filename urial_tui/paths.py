"""Where things live, by platformdirs: XDG on Linux, Library on macOS. Nothing is created at import.

Every function only computes a path. `ensure_private_dir` is the one place that makes a directory, mode 0700.
`URIAL_TUI_HOME` moves everything under one folder (portable installs, tests).
"""

import os
from pathlib import Path

import platformdirs

from urial_tui.errors import UrialError

APP = "urial-tui"


def _base(kind: str) -> Path:
    home = os.environ.get("URIAL_TUI_HOME")
    if home:
        return Path(home).expanduser().absolute() / kind
    found = {
        "config": platformdirs.user_config_dir,
        "data": platformdirs.user_data_dir,
        "cache": platformdirs.user_cache_dir,
        "state": platformdirs.user_state_dir,
    }[kind](APP, appauthor=False)
    return Path(found)


def config_dir() -> Path:
    """Settings, the user's own packs, rubrics and themes."""
    return _base("config")


def data_dir() -> Path:
    """The history database and the models that the app downloaded."""
    return _base("data")


def cache_dir() -> Path:
    """What can be made again: assembled demo model, prompt states, file hashes."""
    return _base("cache")


def state_dir() -> Path:
    """Logs."""
    return _base("state")


def settings_file() -> Path:
    return config_dir() / "settings.toml"


def user_packs_dir() -> Path:
    return config_dir() / "packs"


def user_rubrics_dir() -> Path:
    """Rubrics of the user's own, which go before the built-in ones."""
    return config_dir() / "rubrics"


def history_file() -> Path:
    return data_dir() / "history.db"


def models_dir() -> Path:
    return data_dir() / "models"


def prompt_states_dir() -> Path:
    """Engine states of constant prompt prefixes."""
    return cache_dir() / "prompt-states"


def measurements_file() -> Path:
    """Measured rounding noise of models."""
    return cache_dir() / "measurements.json"


def engine_log_file() -> Path:
    return state_dir() / "engine.log"


def ensure_private_dir(path: Path) -> Path:
    """Make `path` and those of its parents that are missing, each readable by the user alone, and return it.

    A folder that is there already keeps its permissions. Raises UrialError (kind `paths`) when one cannot be made.
    """
    try:
        # Not mkdir(parents=True): that gives the parents the mode that the umask leaves.
        missing = [folder for folder in path.parents if not folder.exists()]
        for folder in (*reversed(missing), path):
            folder.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise UrialError(
            f"cannot make the folder {path}: {error.strerror or error}",
            hint="Check the permissions and the free space, or set URIAL_TUI_HOME to a folder that is writable.",
            kind="paths",
        ) from error
    return path
