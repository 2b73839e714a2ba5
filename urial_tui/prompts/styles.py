"""A style by its name: the object that the chat layer and the CLI hold to turn a conversation into a prompt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from urial_tui import paths
from urial_tui.errors import PromptError
from urial_tui.prompts.locate import builtin_packs_dir
from urial_tui.prompts.official import OFFICIAL_DEFAULTS, OfficialPrompt, load_official
from urial_tui.prompts.packs import Pack, PackLibrary, load_pack
from urial_tui.prompts.render import RAW_SHAPE, Shape, official_shape, pack_shape, zero_shot_shape
from urial_tui.prompts.templates import ChatTemplate
from urial_tui.prompts.types import Rendered, Turn
from urial_tui.sides import CHAT, RAW, RESERVED_STYLES, ZERO_SHOT

DEFAULT_PACK = "urial-general"


@dataclass(frozen=True)
class Style:
    """How a conversation becomes prompt text. `hash` is the sha256 of the pack's or the official file's bytes,
    `template_hash` that of a chat template's text; `defaults` are the sampling settings that go with it (names of
    engine Sampling fields, and `max_tokens`). With a chat template, `render` and `constant` block for about 0.1 s."""

    id: str
    shape: Shape | ChatTemplate
    pack: Pack | None = None
    official: OfficialPrompt | None = None
    hash: str | None = None
    template_hash: str | None = None
    defaults: dict[str, float | int] = field(default_factory=dict)

    def render(self, turns: Sequence[Turn], prefill: str = "") -> Rendered:
        """The prompt. PromptError unless turns alternate from user to user, and for a chat template that fails."""
        return self.shape.render(turns, prefill)

    def constant(self) -> Rendered:
        """Everything before the first query's text, for prefilling ahead. No spans where a style has nothing there."""
        return self.shape.constant()


def default_library() -> PackLibrary:
    """The built-in packs, then the user's own."""
    return PackLibrary([builtin_packs_dir(), paths.user_packs_dir()])


def resolve_style(style_id: str | None, packs: PackLibrary, pack_file: Path | None = None) -> Style:
    """The style of that name; None is the default pack; `pack_file` (a TOML pack or an official .txt) goes first.

    PromptError for an unknown pack, a file that cannot be used, and styles that cannot be made from a name alone:
    `chat` comes from a model (`chat_style`).
    """
    if pack_file is not None:
        return style_from_file(pack_file)
    if style_id is None:
        style_id = DEFAULT_PACK
    if style_id == RAW:
        return Style(RAW, RAW_SHAPE)
    if style_id == ZERO_SHOT:
        pack = packs.get(DEFAULT_PACK) if DEFAULT_PACK in packs.ids() else None
        return Style(ZERO_SHOT, zero_shot_shape(pack), defaults=dict(pack.defaults) if pack else {})
    if style_id == CHAT:
        raise PromptError(
            "the style 'chat' needs a model or an adapter that has a chat template",
            hint="Choose a pack, raw or zero-shot.",
            kind="template-missing",
        )
    if style_id in RESERVED_STYLES:
        raise PromptError(
            f"the style {style_id!r} is for references only, it cannot write a prompt",
            hint="Choose a pack, raw or zero-shot.",
            kind="style",
        )
    return style_of_pack(packs.get(style_id))


def chat_style(template: ChatTemplate) -> Style:
    """The style `chat` of a model or an adapter with this template. Nothing is rendered yet."""
    return Style(CHAT, template, template_hash=template.hash)


def style_of_pack(pack: Pack) -> Style:
    return Style(pack.id, pack_shape(pack), pack=pack, hash=pack.hash, defaults=dict(pack.defaults))


def style_from_file(path: Path) -> Style:
    """A style from a file: `.toml` is a pack, `.txt` an official prompt."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".toml":
        return style_of_pack(load_pack(path))
    if suffix != ".txt" and not path.is_dir() and path.exists():
        raise PromptError(
            f"cannot tell what {path} is by its name",
            hint="A pack's name ends in .toml, an official prompt's in .txt.",
        )
    prompt = load_official(path)
    return Style(
        id=re.sub(r'[+@:\s"]', "_", prompt.name),
        shape=official_shape(prompt),
        official=prompt,
        hash=prompt.hash,
        defaults=dict(OFFICIAL_DEFAULTS),
    )
