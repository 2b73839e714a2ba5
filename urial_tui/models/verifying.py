"""Whether a model file is what it should be: its sha256 computed again, against whoever says what it should be.

For the catalog. The file is read whole, about a second a gigabyte: call it in a thread.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from urial_tui.models import adapters, demo, stores
from urial_tui.models.facts import Verification
from urial_tui.models.hashes import file_sha256

OnProgress = Callable[[int, int], None]
"""Called with bytes read and bytes in all, all parts together."""


def expected_sha256(path: Path) -> tuple[str | None, str]:
    """The hash that `path` should have, and who says so; None and "" where nobody does."""
    if path == demo.demo_path():
        return demo.SHA256, "this program"
    shipped = adapters.shipped_sha256(path)
    if shipped is not None:
        return shipped, "this program"
    from urial_tui.models.hub.origin import read_origin

    origin = read_origin(path)
    if origin is not None:
        return origin.sha256, "the hub" if origin.checked else "what it was when it was fetched"
    named = stores.named_sha256(path)
    if named is None:
        return None, ""
    if path.is_symlink():
        return named, "its name in the cache of the hub"
    return named, "its name in Ollama's store"


def verify_parts(
    name: str,
    parts: Sequence[Path],
    also: Sequence[Path] = (),
    should_stop: Callable[[], bool] | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[Verification, ...]:
    """One verification a part, in order. `also` are other places of a model in one file, whose stores may know its
    hash. Raises ModelError for a file that cannot be read, HashingStopped when `should_stop` says so."""
    sizes = [path.stat().st_size if path.exists() else 0 for path in parts]
    total, before = sum(sizes), 0
    found = []
    for number, (path, size) in enumerate(zip(parts, sizes, strict=True), 1):
        expected, source = expected_sha256(path)
        if expected is None and len(parts) == 1:
            told = (expected_sha256(other) for other in also)
            expected, source = next((one for one in told if one[0]), (None, ""))

        def progress(done: int, _: int, start: int = before) -> None:
            if on_progress is not None:
                on_progress(start + done, total)

        digest = file_sha256(path, should_stop, progress, again=True)
        before += size
        title = name if len(parts) == 1 else f"{name}, part {number} of {len(parts)}"
        found.append(Verification(title, digest, expected, source))
    return tuple(found)


def worst(found: Sequence[Verification]) -> Verification:
    """The first that is wrong, else the first that nobody vouches for, else the first."""
    for wanted in (False, None):
        for one in found:
            if one.ok is wanted:
                return one
    return found[0]
