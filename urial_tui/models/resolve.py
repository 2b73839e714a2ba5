"""From SIDE notation to files: finds the model and the adapter, checks both, decides the style.

The CLI and the TUI call `resolve_side` before anything is loaded, so that what is wrong with a file
is said at once and in words. Nothing is loaded here; the embedded model is assembled when needed.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from urial_tui.errors import ModelError
from urial_tui.models import adapters, demo
from urial_tui.models.adapter_fit import check_adapter
from urial_tui.models.gguf.header import GgufHeader, read_header
from urial_tui.models.library import Library, LibraryEntry
from urial_tui.settings import Settings
from urial_tui.sides import CHAT, DEMO, Side, parse_side

_ADAPTER: Final = "adapter"
_MOST_NAMED: Final = 8


@dataclass(frozen=True)
class ResolvedSide:
    """A side whose files exist and fit together. `style` is the one it names, else the default."""

    side: Side
    model_path: Path
    adapter_path: Path | None
    adapter_scale: float
    header: GgufHeader
    adapter_header: GgufHeader | None
    default_style: str
    display_name: str

    @property
    def style(self) -> str:
        return self.side.style or self.default_style

    @property
    def chat_template(self) -> str | None:
        """The adapter's, which is what that was trained with, else the model's."""
        return _chat_template(self.header, self.adapter_header)


def resolve_side(side: Side | str, library: Library, settings: Settings) -> ResolvedSide:
    """Find and check the files of `side`. Raises UsageError for the notation, else ModelError."""
    if isinstance(side, str):
        side = parse_side(side)
    model_path = _locate(side.model, library)
    header = read_whole(model_path)
    _refuse_what_is_no_model(side, header)
    adapter_path = adapter_header = None
    if side.adapter is not None:
        adapter_path = _locate_adapter(side, library)
        adapter_header = read_header(adapter_path)
        check_adapter(adapter_header, header)
    if side.style == CHAT:
        _refuse_without_template(side, header, adapter_header)
    style = default_style(header, adapter_header, settings)
    name = DEMO if side.model == DEMO else model_path.stem
    if adapter_path is not None:
        name += f"+{side.adapter if adapters.is_shipped(adapter_path) else adapter_path.stem}"
    return ResolvedSide(
        side=side,
        model_path=model_path,
        adapter_path=adapter_path,
        adapter_scale=side.scale,
        header=header,
        adapter_header=adapter_header,
        default_style=style,
        display_name=f"{name}@{side.style or style}",
    )


def default_style(
    header: GgufHeader,
    adapter_header: GgufHeader | None,
    settings: Settings,
) -> str:
    """The style of a side that names none: `chat` where there is a template for it, else the pack of the settings."""
    return CHAT if _chat_template(header, adapter_header) else settings.pack


def _chat_template(header: GgufHeader, adapter_header: GgufHeader | None) -> str | None:
    if adapter_header is not None and adapter_header.has_chat_template:
        return adapter_header.chat_template
    return header.chat_template


def _refuse_without_template(
    side: Side, header: GgufHeader, adapter_header: GgufHeader | None
) -> None:
    if _chat_template(header, adapter_header):
        return
    names = side.model if side.adapter is None else f"{side.model} and {side.adapter}"
    long = header.has_chat_template or (adapter_header and adapter_header.has_chat_template)
    raise ModelError(
        f"the chat template of {names} is too long to be used"
        if long
        else f"there is no chat template in {names}, so the style chat cannot be used",
        hint="Choose a pack, raw or zero-shot; a base model has no chat template of its own.",
        kind="template-missing",
    )


def _locate_adapter(side: Side, library: Library) -> Path:
    """The file that a SIDE's ADAPTER names: one that ships for the embedded model, else as a MODEL is found."""
    assert side.adapter is not None
    shipped = adapters.shipped(side.model, side.adapter)
    if shipped is not None:
        return shipped
    try:
        return _locate(side.adapter, library)
    except ModelError as error:
        if error.kind != "unknown-model":
            raise
        there = [*adapters.shipped_names(side.model), *_adapters_in(library)]
        known = f"There are: {', '.join(there[:_MOST_NAMED])}. Or give" if there else "Give"
        raise ModelError(
            f"there is no adapter called {side.adapter!r} for {side.model}",
            hint=f"{known} the path of a LoRA adapter in GGUF form.",
            kind="unknown-model",
        ) from None


def _adapters_in(library: Library) -> list[str]:
    """The names of the library's adapters; a file that cannot be read is none."""
    found = []
    for entry in library.entries():
        try:
            if read_header(entry.path).kind == _ADAPTER:
                found.append(entry.name)
        except ModelError:
            continue
    return found


def looks_like_a_path(name: str) -> bool:
    """Whether MODEL or ADAPTER of a SIDE is written as a path, rather than as a name in the library."""
    separators = {os.sep, os.altsep} - {None}
    return name.startswith(("~", ".")) or name.endswith(".gguf") or name[:1] in separators


def _locate(name: str, library: Library) -> Path:
    """The file that a SIDE's MODEL or ADAPTER names: `demo`, a path, or a name in the library."""
    if name == DEMO:
        return demo.demo_model()
    path = Path(name).expanduser() if name.startswith("~") else Path(name)
    if looks_like_a_path(name) or path.is_file():
        if os.path.lexists(path) or len(path.parts) > 1:
            return path.absolute()
        try:
            return _entry_path(library.find(name))
        except ModelError:
            return path.absolute()
    try:
        return _entry_path(library.find(name))
    except ModelError as error:
        if path.is_dir():
            return path.absolute()
        raise error from None


def _entry_path(entry: LibraryEntry) -> Path:
    if entry.missing_parts:
        raise ModelError(
            f"{entry.name} is incomplete: {entry.missing_parts} of its parts are missing "
            f"beside {entry.path}",
            hint="Fetch the missing parts into the same folder.",
            kind="gguf-truncated",
        )
    return entry.path


def read_whole(path: Path) -> GgufHeader:
    """The header of a model; of a split one, every part is checked too. Raises ModelError."""
    header = read_header(path)
    if header.split_count < 2:
        return header
    tail = f"-{header.split_no + 1:05d}-of-{header.split_count:05d}"
    if header.split_no != 0 or not path.stem.endswith(tail):
        raise ModelError(
            f"{path} is part {header.split_no + 1} of {header.split_count} of a split model",
            hint=f"Name its first part, which ends in -00001-of-{header.split_count:05d}.gguf.",
            kind="split-part",
        )
    base = path.stem.removesuffix(tail)
    for number in range(2, header.split_count + 1):
        read_header(path.with_name(f"{base}-{number:05d}-of-{header.split_count:05d}.gguf"))
    return header


def _refuse_what_is_no_model(side: Side, header: GgufHeader) -> None:
    if header.kind == "model":
        return
    if header.kind == _ADAPTER:
        raise ModelError(
            f"{header.path} is an adapter, not a model",
            hint=f"Put its base model before it: MODEL+{side.model}",
            kind="not-a-model",
        )
    what = {"vocabulary": "only a vocabulary, without weights", "mmproj": "an image projector"}
    raise ModelError(
        f"{header.path} is {what.get(header.kind, f'a file of the kind {header.kind!r}')}, "
        "not a language model",
        hint="`urial-tui models list` shows the models on this machine.",
        kind="not-a-model",
    )
