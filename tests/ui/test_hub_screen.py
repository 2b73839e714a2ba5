"""Getting models: starting points, search, what a repository has, and the downloads that go on beside everything."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.widgets import Button, Input, Static

from tests.support.fake_desk import BASE, CHAT, LISTING, PARTNERS, REPOS, STARTERS, FakeDesk
from tests.ui.driving import Bench, running
from urial_tui.errors import ModelError
from urial_tui.models.hub.types import DownloadStatus, HubRepo, RepoListing
from urial_tui.ui.drawing.canvas import Canvas
from urial_tui.ui.screens.dialog import Confirm
from urial_tui.ui.screens.hub import HubScreen
from urial_tui.ui.widgets.heading import Heading
from urial_tui.ui.widgets.table import Table

EVIL = "\x1b[31mred\u202eback[b]x[/b]"
PAIR = PARTNERS[CHAT.name][0]
REPO = REPOS[0].id


class Shop(Bench):
    """A bench with the hub's screen open."""

    desk: FakeDesk

    @property
    def hub(self) -> HubScreen:
        found = [one for one in self.app.screen_stack if isinstance(one, HubScreen)]
        assert found, "the hub is not open"
        return found[-1]

    def table(self, id: str = "#choices") -> Table:
        return self.hub.query_one(id, Table)

    def rows(self, id: str = "#choices") -> list[str]:
        table = self.table(id)
        return [
            " | ".join(str(cell).strip() for cell in table.get_row_at(row))
            for row in range(table.row_count)
        ]

    def text(self, selector: str) -> str:
        widget = self.app.screen.query_one(selector, Static)
        return str(widget.render()) if widget.display else ""

    def detail(self) -> str:
        return " ".join(self.hub.query_one("#detail", Canvas).text.split())

    async def look_up(self, words: str) -> None:
        await self.press("slash")
        self.hub.query_one("#words", Input).value = words
        await self.press("enter")
        await self.settle()

    async def until_asked(self) -> None:
        await self.until(lambda: isinstance(self.app.screen, Confirm), "a question")
        await self.pilot.pause()

    async def answer(self, button: str) -> None:
        self.app.screen.query_one(f"#{button}", Button).focus()
        await self.press("enter")
        await self.until(lambda: not isinstance(self.app.screen, Confirm))


@asynccontextmanager
async def shop(
    desk: FakeDesk | None = None, *, size: tuple[int, int] = (120, 36), **rest: Any
) -> AsyncIterator[Shop]:
    desk = desk or FakeDesk()
    async with running(size=size, services={"models": desk, **rest}) as bench:
        opened = Shop(bench.app, bench.pilot, bench.chats)
        opened.desk = desk
        bench.screen.action_open_hub()
        await opened.until(lambda: isinstance(bench.app.screen, HubScreen))
        await bench.settle()
        yield opened


# --- starting points ----------------------------------------------------------------------------


async def test_pairs_to_begin_with_come_first_with_what_they_need_on_this_machine() -> None:
    async with shop() as bench:
        assert bench.rows() == [
            "Qwen2.5 1.5B | 8 GB | 2.0 GB | fits | ",
            "OLMo 2 7B | 16 GB | 8.9 GB | tight | ",
            "Llama 2 13B | 32 GB | 15.7 GB | does not fit | ",
        ]
        assert "memory 9.0 of 16.0 GB free" in str(bench.hub.query_one(Heading).render())
        for words in ("a good first pair", "carries a template", "licence: Apache-2.0", "986 MB"):
            assert words in bench.detail()


async def test_enter_fetches_a_pair_after_saying_what_it_is() -> None:
    async with shop() as bench:
        await bench.press("enter")
        await bench.until_asked()
        assert "2.0 GB in all" in bench.text(".lead")
        assert "Licence: Apache-2.0" in bench.text(".lead")
        await bench.press("escape")
        await bench.settle()
        assert bench.desk.called("start_starter") == []
        await bench.press("enter")
        await bench.until_asked()
        await bench.press("enter")  # fetching is harmless: yes has the focus
        await bench.until(lambda: bench.desk.called("start_starter"))
        await bench.settle()
        assert bench.desk.called("start_starter") == [("qwen2.5-1.5b",)]
        assert [row.split(" | ")[0] for row in bench.rows("#downloads")] == [
            "Qwen2.5-1.5B Q4_K_M",
            "Qwen2.5-1.5B-Instruct Q4_K_M",
        ]
        assert bench.rows()[0].endswith("↓ 0 %")
        await bench.press("enter")
        await bench.until(lambda: "Both models are on their way" in bench.said())


async def test_a_pair_that_is_here_is_compared_with_enter() -> None:
    desk = FakeDesk()
    desk.complete["qwen2.5-1.5b"] = PAIR
    async with shop(desk) as bench:
        await bench.until(lambda: bench.rows()[0].endswith("here"))
        assert "Both are here. Enter compares them." in bench.detail()
        await bench.press("enter")
        await bench.until(lambda: bench.chat.called("set_references"))
        await bench.settle()
        assert bench.chat.called("set_side") == [(f"{CHAT.name}@chat",)]
        assert bench.chat.called("set_references") == [((f"{BASE.name}@raw",),)]
        assert bench.app.screen is bench.screen and bench.screen.panes.inspector_is_shown()


async def test_while_an_answer_is_written_a_pair_is_not_opened() -> None:
    desk = FakeDesk()
    desk.complete["qwen2.5-1.5b"] = PAIR
    async with shop(desk) as bench:
        await bench.until(lambda: bench.rows()[0].endswith("here"))
        bench.chat.busy = True
        await bench.press("enter")
        await bench.until(lambda: "Stop it first" in bench.said())
        assert bench.app.screen is bench.hub


async def test_a_list_of_pairs_that_cannot_be_read_says_why_and_searching_works() -> None:
    desk = FakeDesk()
    desk.errors["starters"] = ModelError("the list of starting points is wrong")
    async with shop(desk) as bench:
        assert "is wrong" in bench.text("#problem")
        await bench.look_up("smollm")
        assert bench.text("#problem") == ""
        assert len(bench.rows()) == 2


# --- searching ----------------------------------------------------------------------------------


async def test_enter_searches_and_results_say_what_a_user_must_know() -> None:
    async with shop() as bench:
        await bench.look_up("  smollm   gguf ")
        assert bench.desk.called("search") == [("smollm gguf",)]
        assert bench.rows() == [
            "bartowski/SmolLM2-135M-Instruct-GGUF | 12k |  | apache-2.0",
            "meta/Llama-3.2-1B-GGUF | 1.2M | gated | llama3.2",
        ]
        assert bench.text("#place").startswith("2 repositories for “smollm gguf”")
        assert bench.hub.focused is bench.table()
        await bench.press("down")
        await bench.pilot.pause()
        assert "Gated: its owner asks you to agree" in bench.detail()


async def test_nothing_found_is_said() -> None:
    desk = FakeDesk()
    desk.repos = ()
    async with shop(desk) as bench:
        await bench.look_up("zzz")
        assert bench.text("#place") == "No repository with GGUF files for “zzz”"
        assert "hub.choose" not in bench.footer()


@pytest.mark.parametrize(
    ("kind", "message", "hint"),
    [
        ("hub-offline", "HF_HUB_OFFLINE is set", "Unset it."),
        ("hub-unreachable", "the hub cannot be reached", "Check the connection."),
        ("hub-rate-limited", "the hub wants you to wait", "Try again in a minute."),
    ],
)
async def test_a_search_that_fails_says_why_in_place(kind: str, message: str, hint: str) -> None:
    desk = FakeDesk()
    desk.errors["search"] = ModelError(message, hint=hint, kind=kind)
    async with shop(desk) as bench:
        await bench.look_up("smollm")
        assert bench.text("#problem") == f"{message}. {hint}"
        assert len(bench.rows()) == 3, "what was there stays"
        await bench.press("enter")  # the line still has the focus: once more
        await bench.settle()
        assert bench.text("#problem") == "" and len(bench.rows()) == 2


@pytest.mark.parametrize(
    ("kind", "message"),
    [("hub-gated", "its owner wants you to agree first"), ("hub-not-found", "there is no such repository")],
)  # fmt: skip
async def test_a_repository_that_cannot_be_opened_says_why(kind: str, message: str) -> None:
    desk = FakeDesk()
    async with shop(desk) as bench:
        await bench.look_up("smollm")
        desk.errors["listing"] = ModelError(message, hint="See its page.", kind=kind)
        await bench.press("enter")
        await bench.settle()
        assert bench.text("#problem") == f"{message}. See its page."
        assert len(bench.rows()) == 2


async def test_a_search_can_be_given_up() -> None:
    desk = FakeDesk()
    desk.gates["search"] = asyncio.Event()
    async with shop(desk) as bench:
        await bench.press("slash", *"smol", "enter")
        await bench.until(lambda: "Searching the hub for “smol”" in bench.text("#place"))
        await bench.press("escape", "escape")
        await bench.until(lambda: desk.stopped == ["search"])
        assert "Pairs to begin with" in bench.text("#place")
        assert bench.app.screen is bench.hub


# --- a repository -------------------------------------------------------------------------------


async def test_a_repository_shows_its_quantisations_with_sizes_and_verdicts() -> None:
    async with shop() as bench:
        await bench.look_up(REPO)
        assert bench.desk.called("listing") == [(REPO,)] and not bench.desk.called("search")
        assert bench.rows() == [
            "Q4_1 | 98 MB | fits |  | ",
            "Q8_0 | 145 MB | fits |  | ",
            "F16 | 49.0 GB | does not fit | 2 | ",
        ]
        assert bench.text("#place") == f"{REPO}: 3 to choose from"
        assert "SmolLM2-135M-Instruct-Q4_1.gguf, 98 MB, its sha256 is known" in bench.detail()
        await bench.press("end")
        await bench.pilot.pause()
        assert "f16-00002-of-00002.gguf, 9.0 GB, the hub tells no sha256" in bench.detail()


async def test_enter_fetches_a_quantisation_and_the_row_follows_it() -> None:
    async with shop() as bench:
        await bench.look_up(REPO)
        await bench.press("down", "enter")
        await bench.until(lambda: bench.desk.called("start"))
        assert bench.desk.called("start") == [(REPO, "Q8_0")]
        await bench.settle()
        bench.desk.change("d1", state="fetching", done=60_000_000, rate=3e6, eta_s=28.3)
        await bench.pilot.pause()
        assert bench.rows()[1].endswith("↓ 41 %")
        assert bench.rows("#downloads") == [
            "SmolLM2-135M-Instruct Q8_0 | 41 % | ▇▇▇····· | 145 MB | 3 MB/s | 29 s | fetching"
        ]
        bench.desk.change("d1", state="done", done=145_000_000)
        await bench.settle()
        assert bench.rows()[1].endswith("here")


async def test_a_download_that_cannot_begin_says_why() -> None:
    desk = FakeDesk()
    async with shop(desk) as bench:
        await bench.look_up(REPO)
        desk.errors["start"] = ModelError("the file name cannot be used", kind="hub-name")
        await bench.press("enter")
        await bench.until(lambda: "cannot be used" in bench.text("#problem"))


async def test_a_repository_without_a_model_and_what_was_left_out() -> None:
    desk = FakeDesk()
    desk.listings["o/empty"] = RepoListing("o/empty", "c", ())
    desk.listings["o/odd"] = dataclasses.replace(LISTING, id="o/odd", problems=("x is left out",))
    async with shop(desk) as bench:
        await bench.look_up("o/empty")
        assert bench.text("#place") == "o/empty has no GGUF model that can be fetched"
        await bench.look_up("o/odd")
        assert bench.text("#place") == "o/odd: 3 to choose from; x is left out"


async def test_escape_goes_back_step_by_step() -> None:
    async with shop() as bench:
        await bench.look_up("smollm")
        await bench.press("enter")
        await bench.settle()
        assert "3 to choose from" in bench.text("#place")
        await bench.press("escape")
        assert "2 repositories" in bench.text("#place")
        await bench.press("escape")
        await bench.pilot.pause()
        assert "Pairs to begin with" in bench.text("#place")
        await bench.press("escape")
        assert bench.app.screen is bench.screen


async def test_names_from_the_hub_do_nothing_to_the_terminal() -> None:
    desk = FakeDesk()
    desk.repos = (HubRepo(EVIL, 1, 1, False, EVIL, EVIL, EVIL),)
    desk.listings["o/evil"] = RepoListing(
        EVIL, EVIL, (dataclasses.replace(LISTING.quants[0], label=EVIL),), license=EVIL,
        base_model=EVIL, problems=(EVIL,),
    )  # fmt: skip
    async with shop(desk) as bench:
        for words in ("evil", "o/evil"):
            await bench.look_up(words)
            desk.tell(DownloadStatus("d", EVIL, EVIL, "failed", error=ModelError(EVIL, hint=EVIL)))
            await bench.settle()
            shown = "".join([*bench.rows(), *bench.rows("#downloads"), bench.detail()])
            shown += bench.text("#place") + str(bench.hub.query_one(Heading).render())
            assert "\x1b" not in shown and "\u202e" not in shown and "[b]x[/b]" in shown
        bench.table("#downloads").focus()
        await bench.pilot.pause()
        assert "\x1b" not in bench.detail()


# --- downloads ----------------------------------------------------------------------------------


def unfinished() -> list[DownloadStatus]:
    return [DownloadStatus("old", "o/Half-GGUF", "Q4_0", "paused", 40, 100)]


async def test_what_an_earlier_run_left_is_listed_and_resumed() -> None:
    desk = FakeDesk()
    desk.unfinished = unfinished()
    async with shop(desk) as bench:
        assert bench.rows("#downloads")[0].startswith("Half Q4_0 | 40 %")
        assert "Half Q4_0, 40 %" in bench.said() and "goes on with it" in bench.said()
        assert not {"hub.pause", "hub.resume", "hub.cancel"} & bench.footer()
        await bench.press("tab")
        assert {"hub.resume", "hub.cancel"} <= bench.footer()
        await bench.press("r")
        await bench.until(lambda: desk.called("resume") == [("old",)])
        assert bench.rows("#downloads")[0].endswith("fetching")


async def test_p_pauses_c_asks_and_cancels() -> None:
    desk = FakeDesk()
    async with shop(desk) as bench:
        download = desk.begin("o/New-GGUF", "Q8_0", 100_000_000)
        desk.change(download, state="fetching", done=30_000_000, rate=1e6)
        await bench.press("tab")
        await bench.pilot.pause()
        assert "hub.pause" in bench.footer() and "hub.resume" not in bench.footer()
        assert "30 MB of 100 MB" in bench.detail()
        await bench.press("p")
        await bench.until(lambda: desk.called("pause") == [(download,)])
        await bench.press("c")
        await bench.until_asked()
        assert "30 MB of 100 MB are here and go" in bench.text(".lead")
        await bench.answer("no")
        assert desk.called("cancel") == []
        await bench.press("c")
        await bench.until_asked()
        await bench.answer("yes")
        await bench.until(lambda: bench.rows("#downloads") == [])
        assert not bench.hub.has_class("-downloads")
        assert bench.hub.focused is bench.table()


async def test_what_failed_says_why_beside_its_row_and_can_be_tried_again() -> None:
    desk = FakeDesk()
    async with shop(desk) as bench:
        download = desk.begin("o/New-GGUF", "Q8_0", 100)
        error = ModelError("the disk is full", hint="Make room.", kind="disk-full")
        desk.change(download, state="failed", done=30, error=error)
        await bench.press("tab")
        await bench.pilot.pause()
        assert "the disk is full Make room." in bench.detail()
        await bench.press("r")
        await bench.until(lambda: desk.called("resume") == [(download,)])


async def test_a_cancel_that_fails_is_told() -> None:
    desk = FakeDesk()
    desk.unfinished = unfinished()
    async with shop(desk) as bench:
        desk.errors["cancel"] = ModelError("another program is fetching it", kind="hub-busy")
        await bench.press("tab", "c")
        await bench.until_asked()
        await bench.answer("yes")
        await bench.until(lambda: "another program is fetching it" in bench.said())


async def test_running_downloads_stand_above_those_that_are_done() -> None:
    desk = FakeDesk()
    async with shop(desk) as bench:
        first, second, third = (desk.begin(f"o/{name}", "Q8_0", 10) for name in "abc")
        desk.change(first, state="done", done=10)
        desk.change(second, state="paused")
        desk.change(third, state="fetching")
        await bench.settle()
        assert [row[0] for row in bench.rows("#downloads")] == ["c", "b", "a"]


async def test_the_footer_offers_only_what_can_be_done() -> None:
    async with shop() as bench:
        assert {"hub.choose", "hub.search", "hub.back"} <= bench.footer()
        assert not {"hub.pause", "hub.resume", "hub.cancel"} & bench.footer()
        await bench.press("slash")
        await bench.pilot.pause()
        assert "hub.choose" not in bench.footer() and "hub.search" not in bench.footer()
        await bench.press(*"prc")
        assert bench.hub.query_one("#words", Input).value == "prc"


async def test_a_small_terminal_still_works() -> None:
    async with shop(size=(60, 15)) as bench:
        assert [row.split(" | ")[0] for row in bench.rows()] == [s.title for s in STARTERS]
        bench.desk.begin("o/New-GGUF", "Q8_0", 100)
        await bench.settle()
        assert bench.rows("#downloads")[0].startswith("New Q8_0")
        assert bench.table().size.height >= 2
