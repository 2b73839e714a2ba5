"""What the app needs from the rest of the program, as protocols and one dataclass of callables.

`urial_tui.launch` fills `AppServices` with the real things, which `urial_tui.composition` makes, tests
with their own. Nothing here does any work, and nothing here knows how a conversation is stored or how
a model runs.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from urial_tui.chat.differences import Written
from urial_tui.chat.events import ChatEvent
from urial_tui.chat.pair import Pair, PairStatus
from urial_tui.engine.protocol import Sampling
from urial_tui.errors import UrialError
from urial_tui.exchange.exporting import Exported, Subject
from urial_tui.judge.board.desk import BoardItem
from urial_tui.judge.desk_types import AnswerPair, JudgingStep, Queue, RatedAnswer
from urial_tui.judge.drafts import Draft
from urial_tui.judge.people import Choice, Mark
from urial_tui.judge.rubric_types import Rubric
from urial_tui.models.facts import ModelFacts, Partner, Verification
from urial_tui.models.hub.types import DownloadStatus, HubRepo, Quant, RepoListing
from urial_tui.store.judging.types import Comparison, Judgement, RubricRef
from urial_tui.store.runs.types import Run
from urial_tui.store.sessions.outline import OutlineRow
from urial_tui.store.types import Hit, Message, Session, SessionFilter, ShiftTotals, Trace

if TYPE_CHECKING:
    from urial_tui.judge.board.types import Board, By
    from urial_tui.models.fit import Fit, Verdict
    from urial_tui.models.hub.starters import Starter
    from urial_tui.models.machine import Memory

Listener = Callable[[ChatEvent], None]


class BranchesLike(Protocol):
    """The messages of the open session, as the tree and the comparison read them. May raise UrialError."""

    async def outline(self) -> Sequence[OutlineRow]:
        """All messages of the session, all branches, the oldest first."""

    async def written(self, message_id: str) -> Written:
        """What is in a message, and its tokens where they are stored."""


class ChatLike(BranchesLike, Protocol):
    """The conversation, as the screen uses it: `urial_tui.chat.chat.Chat` or a test's own.

    What happens comes back as ChatEvents through the listener, in the same event loop. Every
    coroutine may raise UrialError; the screen shows it and goes on.
    """

    @property
    def session(self) -> Session | None: ...
    @property
    def messages(self) -> tuple[Message, ...]: ...
    @property
    def side(self) -> str: ...
    @property
    def phase(self) -> str: ...
    @property
    def busy(self) -> bool: ...
    @property
    def sampling(self) -> Sampling: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def locked(self) -> UrialError | None: ...
    @property
    def context_used(self) -> int: ...
    @property
    def n_ctx(self) -> int: ...
    @property
    def pair(self) -> PairStatus: ...

    async def start(self) -> None: ...
    async def open_session(self, session_id: str) -> None: ...
    async def take_over(self) -> None: ...
    async def new_session(self) -> None: ...
    async def send(self, text: str, prefill: str = "") -> None: ...
    async def stop(self) -> None: ...
    async def regenerate(self, message_id: str | None = None) -> None: ...
    async def continue_answer(self, message_id: str | None = None) -> None: ...
    async def edit_and_resend(self, message_id: str, text: str) -> None: ...
    async def show_branch(self, message_id: str) -> None: ...
    async def switch_sibling(self, message_id: str, step: int) -> None: ...
    async def set_side(self, side: str) -> None: ...
    async def set_pack(self, pack_id: str) -> None: ...
    async def set_sampling(self, sampling: Sampling, max_tokens: int) -> None: ...
    async def sessions(
        self, wanted: SessionFilter | str = "", limit: int = 200, offset: int = 0
    ) -> Sequence[Session]: ...
    async def count_sessions(self, wanted: SessionFilter | str = "") -> int: ...
    async def search(
        self, query: str, wanted: SessionFilter | None = None, limit: int = 50
    ) -> Sequence[Hit]: ...
    async def rename(self, session_id: str, title: str) -> None: ...
    async def set_pinned(self, session_id: str, pinned: bool) -> None: ...
    async def set_archived(self, session_id: str, archived: bool) -> None: ...
    async def change_tags(
        self, session_id: str, add: Iterable[str], remove: Iterable[str]
    ) -> None: ...
    async def tags(self) -> Sequence[tuple[str, int]]: ...
    async def delete(self, session_id: str) -> None:
        """Into the bin."""

    async def restore(self, session_id: str) -> None:
        """Out of the bin."""

    async def delete_for_good(self, session_id: str) -> None: ...
    async def save_draft(self, text: str) -> None: ...
    async def draft(self) -> str: ...
    async def pack_cost(self, pack_id: str) -> int: ...
    async def preview(self, pack_id: str) -> str: ...
    async def siblings(self, message_id: str) -> tuple[int, int]: ...
    async def versions(self) -> dict[str, tuple[int, int]]: ...
    async def export_markdown(self) -> str: ...
    @property
    def scoring_message(self) -> str | None: ...
    def pairs(self) -> Sequence[Pair]: ...
    async def more_pairs(self) -> Sequence[Pair]: ...
    async def set_references(self, sides: tuple[str, ...]) -> None: ...
    async def set_scoring(self, on: bool) -> None: ...
    async def next_pair(self) -> None: ...
    async def trace(self, message_id: str) -> Trace | None: ...
    async def score(self, message_id: str) -> None: ...
    async def branch_from(self, message_id: str, i: int, token_id: int) -> None: ...
    async def shift_totals(self, session_only: bool) -> Sequence[ShiftTotals]: ...
    async def aclose(self) -> None: ...


class ModelsLike(Protocol):
    """Models on this machine and on the hub, as the screens use them: `urial_tui.models.desk.ModelDesk` or a test's.

    No coroutine blocks the event loop, and every one may raise UrialError; the screen shows it and goes on. Names are
    those of `ModelFacts.name`. Numbers of bytes everywhere.
    """

    @property
    def demo_problem(self) -> str:
        """Why the embedded model cannot be used, in words; "" if it can."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What the last scan could not read or left out, in words."""

    async def facts(self, *, rescan: bool = False) -> Sequence[ModelFacts]:
        """Everything in the library; the first time, and with `rescan`, the places are looked through."""

    async def partners(self, name: str) -> Sequence[Partner]:
        """What can be compared with it, likely pairs first. May take seconds where vocabularies are read."""

    async def memory(self) -> "Memory": ...

    async def fit(self, sides: Sequence[str], instead_of: Sequence[str] = ()) -> "Fit":
        """What these sides need together, and whether they fit once those are unloaded that are in memory now."""

    async def verdicts(
        self, facts: Sequence[ModelFacts], instead_of: Sequence[str] = ()
    ) -> Mapping[str, "Verdict"]:
        """Whether each of these models fits by itself, by name; adapters and what cannot be read are left out."""

    async def verdicts_for_sizes(
        self, sizes: Sequence[int], instead_of: Sequence[str] = ()
    ) -> Sequence["Verdict"]:
        """The same for files that are not here yet."""

    async def add(self, path: str) -> Path:
        """A folder, or the folder of a GGUF file, joins the library for good; the folder."""

    async def check_removable(self, name: str) -> None:
        """Raise ModelError for a file that is not the program's own, saying who keeps it and where."""

    async def remove(self, name: str) -> Sequence[Path]:
        """Delete the model's files; which ones."""

    async def verify(self, name: str, on_progress: Callable[[int, int], None]) -> Verification:
        """Read the whole file. `on_progress` gets bytes read and in all, in the event loop. Cancelling stops it."""

    async def starters(self) -> Sequence["Starter"]:
        """Pairs that were chosen to begin with."""

    async def starter_pair(self, starter: "Starter") -> Partner | None:
        """How its two models are compared; None until both are here."""

    async def search(self, query: str) -> Sequence[HubRepo]: ...
    async def listing(self, repo: str) -> RepoListing: ...

    async def start(self, listing: RepoListing, quant: Quant) -> str:
        """Begin to fetch a model; the download's id."""

    async def start_starter(self, starter: "Starter") -> Sequence[str]:
        """Begin to fetch what is missing of a pair; the downloads' ids."""

    async def pause(self, id: str) -> None: ...
    async def resume(self, id: str) -> None: ...

    async def cancel(self, id: str) -> None:
        """End a download and delete the part that was fetched."""

    async def open_downloads(self) -> Sequence[DownloadStatus]:
        """Find the downloads that an earlier run left unfinished; all of them."""

    def downloads(self) -> Sequence[DownloadStatus]:
        """All downloads as far as they are known, in the order in which they were begun."""

    def subscribe(self, listener: Callable[[DownloadStatus], None]) -> Callable[[], None]:
        """`listener` is called in the event loop when a download changes; calling the result ends that."""

    async def aclose(self) -> None:
        """Stop reading and fetching. The parts of downloads are kept."""


class JudgingLike(Protocol):
    """Rating by hand and by models, and the board, as the screens use them: `urial_tui.judge.desk.JudgeDesk` or a
    test's.

    No coroutine blocks the event loop, and every one may raise UrialError; the screen shows it and goes on.
    """

    @property
    def rater(self) -> str:
        """The name under which this person's ratings are kept."""

    @property
    def judge_side(self) -> str:
        """The SIDE of the usual judge; "" for none."""

    async def rubrics(self, kind: str) -> Sequence[Rubric]:
        """Those that score one answer (`score`) or compare two (`pairwise`), the usual one first."""

    async def answer(self, message_id: str, rubric: RubricRef | None = None) -> RatedAnswer:
        """An answer with its conversation and what was said of it; with `rubric`, this person's own apart."""

    async def written_by(self, message_id: str) -> str:
        """The side that wrote an answer; "" where that is not known."""

    async def judgements(self, message_id: str) -> Sequence[Judgement]:
        """All of an answer, the oldest first."""

    async def rate(
        self,
        message_id: str,
        rubric: Rubric,
        marks: dict[str, Mark],
        note: str = "",
        *,
        blind: bool = False,
    ) -> Judgement:
        """Keep this person's marks of an answer, in place of earlier ones with the same rubric."""

    async def judge(
        self,
        message_id: str,
        side: str,
        rubric: Rubric,
        on_step: Callable[[JudgingStep], None] = ...,
    ) -> Judgement:
        """Let a model judge an answer and keep what it said. It gives way to the chat's answers. Cancelling ends it."""

    async def versions(self, message_id: str) -> Sequence[Message]:
        """The answers to the same message, this one among them."""

    async def pair(self, message_a: str, message_b: str, rubric: RubricRef) -> AnswerPair: ...

    async def prefer(
        self,
        pair: AnswerPair,
        rubric: Rubric,
        choices: dict[str, Choice],
        note: str = "",
        *,
        blind: bool = False,
    ) -> Comparison:
        """Keep which of two is better; `choices` name the pair's own a and b, not places on the screen."""

    async def runs(self) -> Sequence[Run]:
        """The newest first."""

    async def rating_queue(self, run_id: str, rubric: RubricRef) -> Queue:
        """What this person has not rated of a run, shuffled; the order is the same after a restart."""

    async def pair_queue(
        self, run_id: str, side_a: int, side_b: int, rubric: RubricRef
    ) -> Queue: ...

    async def board(
        self, run_ids: Sequence[str], by: "By | None" = None, *, again: bool = False
    ) -> "Board":
        """The board of these runs; none: of the judged answers of conversations. `again` reads the history anew."""

    async def board_items(
        self, row: str, by: "By | None" = None, group: str | None = None
    ) -> Sequence[BoardItem]:
        """The answers behind a row of the last board, or those of one group of its breakdown."""

    async def tells_apart(self, by: "By") -> bool:
        """Whether a breakdown of the last board would have more than one group."""

    async def draft(self, rubric: RubricRef, *messages: str) -> Draft | None:
        """What was rated of these and not saved, marks in terms of the screen."""

    async def keep_draft(self, draft: Draft | None, rubric: RubricRef, *messages: str) -> None:
        """Keep it until it is saved; None forgets it. Calls take effect in their order."""


class ExportLike(Protocol):
    """Exports as the dialog uses them: `urial_tui.exchange.exporting.ExportDesk` or a test's."""

    def formats(self) -> Sequence[tuple[str, str]]:
        """Names, and what each is."""

    def place(self, subject: Subject, format_: str) -> str:
        """Where an export would go unless it is told otherwise."""

    async def export(
        self, subject: Subject, format_: str, place: str, *, force: bool = False
    ) -> Exported:
        """Write it beside the interface. Raises UrialError; kind `exists` where files are already."""


class PackInfo(Protocol):
    """What the pack picker shows of a prompt pack; `urial_tui.prompts.packs.Pack` has it."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def source(self) -> str: ...


@dataclass(frozen=True)
class ModelChoice:
    """One line of the side picker. `side` is SIDE notation without a style; `detail` is size,
    quantisation, folder.
    """

    side: str
    name: str
    detail: str = ""


async def _no_models() -> Sequence[ModelChoice]:
    return ()


@dataclass(frozen=True)
class AppServices:
    """Everything that the app is given. Only `make_chat` is needed.

    `make_chat` is awaited after the first paint, so it may import and open what is slow.
    `pack_problems` are lines about pack files that could not be read. `keymap` maps binding ids to
    keys, as the user's settings have them.
    """

    make_chat: Callable[[Listener], Awaitable[ChatLike]]
    list_packs: Callable[[], Sequence[PackInfo]] = tuple
    pack_problems: Callable[[], Sequence[str]] = tuple
    list_models: Callable[[], Awaitable[Sequence[ModelChoice]]] = _no_models
    check_side: Callable[[str], None] | None = None
    """Raises UrialError when the SIDE cannot be used; asked before the picker closes."""
    state_dir: Path | None = None
    """Where copies go besides the clipboard; None means no file."""
    theme: str = ""
    ascii: str = "off"
    """Whether to draw with ASCII alone: `auto`, `on`, `off`."""
    compact: str = "auto"
    """Whether to do without frames and padding: the same."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    save_theme: Callable[[str], None] | None = None
    settings_file: Path | None = None
    """What the settings screen changes; None: there is no such screen."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of this run alone, by key."""
    take: Mapping[str, Callable[[Any], None]] = field(default_factory=dict)
    """What takes a setting that was changed at once, by key; what is drawn is the app's own business."""
    session_id: str | None = None
    """The session to open first; None: the last one that was used, when `resume` is set."""
    resume: bool = True
    close: Callable[[], Awaitable[None]] | None = None
    """Awaited after the chat is closed."""
    models: ModelsLike | None = None
    """The library and the hub; None where there is neither."""
    first_run: bool = False
    """Nobody has chosen a side yet: where the history is empty too, the user is asked before anything is loaded."""
    judging: JudgingLike | None = None
    """Rubrics, ratings, runs and judges; None where there are none."""
    exports: ExportLike | None = None
    """Writes conversations and runs to files; None where nothing does."""
    remember: Callable[[str, tuple[str, ...] | None], Awaitable[None]] | None = None
    """Keep the side and the references (None: what suits the side) for the next start. May raise UrialError."""
