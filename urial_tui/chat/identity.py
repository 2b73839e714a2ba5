"""What numbers depend on, in one short word: sides by the content of their files and styles, settings, input.

`shift` and runs mark what they made with it, so that it is never continued with something else.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from urial_tui.store.types import TraceSide


def identity(side: TraceSide) -> dict[str, Any]:
    """What of a side decides its numbers; a file whose hash is not known is named by its path."""
    names = ["adapter_scale", "style", "pack_hash", "template_hash"]
    for kind in ("model", "adapter"):
        known = getattr(side, f"{kind}_sha256") is not None
        names.append(f"{kind}_sha256" if known else f"{kind}_path")
    return {name: getattr(side, name) for name in names}


def fingerprint(settings: Mapping[str, Any]) -> str:
    """One short word for all of `settings`, which is plain values."""
    text = json.dumps(settings, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
