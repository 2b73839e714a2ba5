"""A library and a hub in memory that do what a test tells them: no files, no network, no threads.

Every call is recorded in `calls`. `errors` maps a method's name to an error that it raises once; `gates` maps one to an
event that it waits for first. Downloads move only when a test says so, with `tell`.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.support.recorded import Recorded
from urial_tui.errors import ModelError, UrialError
from urial_tui.models.facts import ModelFacts, Partner, Verification
from urial_tui.models.fit import Fit, SideNeed, Verdict
from urial_tui.models.hub.types import DownloadStatus, HubFile, HubRepo, Quant, RepoListing
from urial_tui.models.memory import MemoryEstimate

GB = 10**9
MB = 10**6

DEMO = ModelFacts(
    "demo", Path("/cache/gemma-3-270m-q4_k_m.gguf"), "embedded", 242 * MB, "model",
    title="Gemma 3 270M", architecture="gemma3", size_label="270M", n_params=268_098_176,
    quantization="Q4_K_M", context_length=32768, tokenizer="llama", n_vocab=262_144,
    license="gemma", role="base", role_reason="no chat template",
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818", vocabulary="3fd1a9c2",
)  # fmt: skip
SFT = ModelFacts(
    "demo+sft", Path("/app/sft.gguf"), "shipped", 6 * MB, "adapter", title="Gemma 3 270M SFT",
    architecture="gemma3", has_template=True, license="gemma", base_model="google/gemma-3-270m",
    role="chat", role_reason="it has a chat template",
)  # fmt: skip
BASE = ModelFacts(
    "Qwen2.5-1.5B-Q4_K_M", Path("/models/mradermacher/Qwen2.5-1.5B-GGUF/Qwen2.5-1.5B-Q4_K_M.gguf"),
    "models folder", 986_048_544, "model", title="Qwen2.5 1.5B", architecture="qwen2",
    size_label="1.5B", n_params=1_543_714_304, quantization="Q4_K_M", context_length=131_072,
    tokenizer="gpt2", n_vocab=151_936, license="apache-2.0", role="base",
    role_reason='nothing in its name says "instruct" or "chat"',
)  # fmt: skip
CHAT = dataclasses.replace(
    BASE, name="Qwen2.5-1.5B-Instruct-Q4_K_M", title="Qwen2.5 1.5B Instruct", has_template=True,
    path=Path("/models/bartowski/Qwen2.5-1.5B-Instruct-GGUF/Qwen2.5-1.5B-Instruct-Q4_K_M.gguf"),
    base_model="Qwen/Qwen2.5-1.5B", role="chat", role_reason='"instruct" in its name',
)  # fmt: skip
LARGE = ModelFacts(
    "Llama-3.3-70B-Instruct-Q4_K_M", Path("/home/u/.lmstudio/models/x/Llama-3.3-70B-00001-of-00002.gguf"),
    "LM Studio", 42_520_395_584, "model", title="Llama 3.3 70B Instruct", architecture="llama",
    size_label="70B", n_params=70_553_706_496, quantization="Q4_K_M", context_length=131_072,
    tokenizer="gpt2", n_vocab=128_256, has_template=True, license="llama3.3", role="chat",
    role_reason='"instruct" in its name', parts=2,
)  # fmt: skip
BROKEN = ModelFacts(
    "half-a-download", Path("/home/u/Downloads/half-a-download.gguf"), "your folder", 12 * MB,
    problem="the file ends in the middle of its header",
)  # fmt: skip
FACTS = (DEMO, SFT, LARGE, BROKEN, BASE, CHAT)

PARTNERS = {
    "demo": (
        Partner("demo+sft", "demo+sft@chat", ("demo@raw",),
                "the adapter was trained on this model", True),
    ),
    CHAT.name: (
        Partner(BASE.name, f"{CHAT.name}@chat", (f"{BASE.name}@raw",),
                "same vocabulary, 151,936 tokens; base and chat of Qwen2.5-1.5B", True),
        Partner("other-qwen", f"{CHAT.name}@chat", ("other-qwen@raw",),
                "same vocabulary, 151,936 tokens", False),
    ),
}  # fmt: skip

REPOS = (
    HubRepo("bartowski/SmolLM2-135M-Instruct-GGUF", 12_345, 21, False, "apache-2.0",
            "HuggingFaceTB/SmolLM2-135M-Instruct", "2026-01-03"),
    HubRepo("meta/Llama-3.2-1B-GGUF", 1_200_000, 900, True, "llama3.2", "", "2026-02-01"),
)  # fmt: skip
LISTING = RepoListing(
    REPOS[0].id, "0123456789abcdef", (
        Quant("Q4_1", (HubFile("SmolLM2-135M-Instruct-Q4_1.gguf", 98 * MB, "ab" * 32),)),
        Quant("Q8_0", (HubFile("SmolLM2-135M-Instruct-Q8_0.gguf", 145 * MB, "cd" * 32),)),
        Quant("F16", (HubFile("f16-00001-of-00002.gguf", 40 * GB), HubFile("f16-00002-of-00002.gguf", 9 * GB))),
    ), license="apache-2.0", base_model="HuggingFaceTB/SmolLM2-135M-Instruct",
)  # fmt: skip


def starter(id: str, title: str, ram_gb: int, size: int, note: str = "") -> Any:
    """A starting point as `urial_tui.models.hub.starters` has them."""

    def model(name: str, owner: str) -> Any:
        return SimpleNamespace(
            repo=f"{owner}/{name}-GGUF", quant="Q4_K_M", size=size, license="Apache-2.0", name=name
        )

    return SimpleNamespace(
        id=id, title=title, ram_gb=ram_gb, base=model(title.replace(" ", "-"), "mradermacher"),
        aligned=model(title.replace(" ", "-") + "-Instruct", "bartowski"), license="Apache-2.0",
        why="Small, quick, and under a free licence: a good first pair.", note=note,
    )  # fmt: skip


STARTERS = (
    starter("qwen2.5-1.5b", "Qwen2.5 1.5B", 8, 986 * MB, "Its base model carries a template, too."),
    starter("olmo-2-7b", "OLMo 2 7B", 16, 4_472 * MB),
    starter("llama-2-13b", "Llama 2 13B", 32, 7_866 * MB),
)


class FakeDesk(Recorded):
    """See the module."""

    def __init__(self, facts: Sequence[ModelFacts] = FACTS, *, free: int = 9 * GB) -> None:
        self.known = list(facts)
        self.known_partners: dict[str, Sequence[Partner]] = dict(PARTNERS)
        self.known_starters = list(STARTERS)
        self.complete: dict[str, Partner] = {}
        """Starters whose models are both here, by id."""
        self.repos: Sequence[HubRepo] = REPOS
        self.listings: dict[str, RepoListing] = {LISTING.id: LISTING}
        self.demo_problem = ""
        self.problems: tuple[str, ...] = ()
        self.free, self.total = free, 16 * GB
        self.expected: str | None = None
        """What `verify` expects; it finds 64 times "a"."""
        self.kept_elsewhere: set[str] = {LARGE.name, DEMO.name, BROKEN.name}
        self.calls: list[tuple[Any, ...]] = []
        self.errors: dict[str, UrialError] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.stopped: list[str] = []
        """Methods whose work was cancelled while it waited at its gate."""
        self.progress: Callable[[int, int], None] = lambda done, total: None
        self.closed = False
        self._downloads: dict[str, DownloadStatus] = {}
        self.unfinished: list[DownloadStatus] = []
        """What an earlier run left."""
        self._listeners: list[Callable[[DownloadStatus], None]] = []

    # --- the library ------------------------------------------------------------------------

    async def facts(self, *, rescan: bool = False) -> Sequence[ModelFacts]:
        await self._called("facts", rescan)
        return tuple(self.known)

    async def partners(self, name: str) -> Sequence[Partner]:
        await self._called("partners", name)
        return self.known_partners.get(name, ())

    async def memory(self) -> Any:
        return SimpleNamespace(free=self.free, total=self.total)

    def _verdict(self, size: int) -> Verdict:
        return "fits" if size < self.free * 0.8 else "tight" if size < self.free else "does not fit"

    async def fit(self, sides: Sequence[str], instead_of: Sequence[str] = ()) -> Fit:
        await self._called("fit", tuple(sides), tuple(instead_of))
        sizes = {facts.name: facts.size for facts in self.known}
        needs = []
        for side in sides:
            model = side.partition("@")[0].partition("+")[0]
            size = sizes.get(model, 100 * MB)
            needs.append(SideNeed(side, MemoryEstimate(size, size // 8, size // 16)))
        needed = sum(need.estimate.total for need in needs)
        return Fit(self._verdict(needed), needed, self.free, tuple(needs))

    async def verdicts(
        self, facts: Sequence[ModelFacts], instead_of: Sequence[str] = ()
    ) -> Mapping[str, Verdict]:
        await self._called("verdicts")
        return {one.name: self._verdict(one.size) for one in facts if one.is_model}

    async def verdicts_for_sizes(
        self, sizes: Sequence[int], instead_of: Sequence[str] = ()
    ) -> Sequence[Verdict]:
        return [self._verdict(size) for size in sizes]

    async def add(self, path: str) -> Path:
        await self._called("add", path)
        return Path(path)

    async def check_removable(self, name: str) -> None:
        await self._called("check_removable", name)
        if name in self.kept_elsewhere:
            raise ModelError(
                f"{name} is not this program's own file", hint="Its own tool can remove it.",
                kind="not-ours",
            )  # fmt: skip

    async def remove(self, name: str) -> Sequence[Path]:
        await self._called("remove", name)
        gone = next(one for one in self.known if one.name == name)
        self.known.remove(gone)
        return (gone.path,)

    async def verify(self, name: str, on_progress: Callable[[int, int], None]) -> Verification:
        self.progress = on_progress
        await self._called("verify", name)
        return Verification(name, "a" * 64, self.expected, "the hub")

    # --- the hub ----------------------------------------------------------------------------

    async def starters(self) -> Sequence[Any]:
        await self._called("starters")
        return tuple(self.known_starters)

    async def starter_pair(self, starter: Any) -> Partner | None:
        return self.complete.get(starter.id)

    async def search(self, query: str) -> Sequence[HubRepo]:
        await self._called("search", query)
        return self.repos

    async def listing(self, repo: str) -> RepoListing:
        await self._called("listing", repo)
        return self.listings[repo]

    async def start(self, listing: RepoListing, quant: Quant) -> str:
        await self._called("start", listing.id, quant.label)
        return self.begin(listing.id, quant.label, quant.size)

    async def start_starter(self, starter: Any) -> Sequence[str]:
        await self._called("start_starter", starter.id)
        return [
            self.begin(model.repo, model.quant, model.size)
            for model in (starter.base, starter.aligned)
        ]

    def begin(self, repo: str, label: str, total: int) -> str:
        """A download that waits."""
        id = f"d{len(self._downloads) + 1}"
        self.tell(DownloadStatus(id, repo, label, "waiting", 0, total))
        return id

    async def pause(self, id: str) -> None:
        await self._called("pause", id)
        self.change(id, state="paused")

    async def resume(self, id: str) -> None:
        await self._called("resume", id)
        self.change(id, state="fetching")

    async def cancel(self, id: str) -> None:
        await self._called("cancel", id)
        self.change(id, state="cancelled")
        del self._downloads[id]

    async def open_downloads(self) -> Sequence[DownloadStatus]:
        await self._called("open_downloads")
        for status in self.unfinished:
            self._downloads.setdefault(status.id, status)
        return self.downloads()

    def downloads(self) -> Sequence[DownloadStatus]:
        return tuple(self._downloads.values())

    def tell(self, status: DownloadStatus) -> None:
        """The download is now like this."""
        self._downloads[status.id] = status
        for listener in list(self._listeners):
            listener(status)

    def change(self, id: str, **changes: Any) -> None:
        self.tell(dataclasses.replace(self._downloads[id], **changes))

    def subscribe(self, listener: Callable[[DownloadStatus], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def aclose(self) -> None:
        await self._called("aclose")
        self.closed = True
