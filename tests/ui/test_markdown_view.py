"""The Markdown view shows sanitised text, opens no links, and closes."""

from textual.app import App
from textual.widgets import Markdown

from urial_tui.ui.screens.markdown_view import MarkdownView


async def test_it_shows_and_closes_and_never_opens_a_link(monkeypatch: object) -> None:
    opened: list[str] = []

    class Host(App[None]):
        def open_url(self, url: str, *, new_tab: bool = True) -> None:
            opened.append(url)

    app = Host()
    async with app.run_test() as pilot:
        view = MarkdownView("# Title\n\x1b[31m [link](https://example.org/\u202e)\n", "urial\x1b")
        await app.push_screen(view)
        await pilot.pause()
        markdown = view.query_one(Markdown)
        assert "\x1b" not in markdown.source and "␛[31m" in markdown.source
        markdown.post_message(Markdown.LinkClicked(markdown, "https://example.org/"))
        await pilot.pause()
        assert opened == []
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is not view


async def test_entities_bring_no_hidden_character_back_and_tags_stay_visible() -> None:
    app: App[None] = App()
    async with app.run_test(size=(60, 20)) as pilot:
        app.push_screen(MarkdownView("a &#x202e;b &#x9b;c <b>d</b>\n\n`&#x202e;`"))
        await pilot.pause()
        svg = app.export_screenshot().replace("&#160;", " ")
    assert "\u202e" not in svg
    assert "\x9b" not in svg
    assert "&amp;#x202e;b" in svg
    assert "&lt;b&gt;d" in svg
