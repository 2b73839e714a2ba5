"""The page of compared answers: hostile texts stay data, nothing is fetched, its script runs and tells the classes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support import traces
from tests.support.shift_page import Reader, page_script, run_page_script
from urial_tui.chat.shift_result import ShiftResult
from urial_tui.cli.shift.as_html import write_page
from urial_tui.errors import UrialError, UsageError
from urial_tui.exchange.pages import script_json
from urial_tui.exchange.shift_json import Item, item_of
from urial_tui.exchange.shift_page import page, page_data
from urial_tui.prompts.types import Turn
from urial_tui.store.types import TraceSide

HOSTILE = "</script><script>alert(1)</script><!-- \" ' & \u202egnp\u2028"


def side(role: Any, text: str) -> TraceSide:
    return TraceSide(
        role, text, "/m.gguf", None, None, None, 1.0, "raw", None, None, None, (1,), 64, 0.25, 0.0
    )


def item(index: int = 0, kinds: str = "usm", texts: tuple[str, ...] = ()) -> Item:
    scores = traces.scores_of(kinds)
    raw = tuple((texts[i] if i < len(texts) else f" w{i}").encode() for i in range(len(scores)))
    result = ShiftResult(
        query=(Turn("user", HOSTILE),),
        raw=raw,
        scores=scores,
        pieces={score.id: raw[i] for i, score in enumerate(scores)},
        visible=0,
        generator=side("generator", "m@raw"),
        references=(side("reference", f"m@{HOSTILE}"),),
        warnings=((HOSTILE,),),
        errors=(None,),
        finish_reason="eog",
        top_k=2,
        vocabulary="f",
        n_common=(9,),
        timings={},
        sampling=None,
    )
    return item_of(index, result, {"index": index, "id": f"<b>{index}"})


def test_hostile_texts_end_neither_the_script_nor_the_page() -> None:
    text = page([item(texts=(HOSTILE, "<img src=x onerror=alert(1)>", "__SCRIPT__ __DATA__"))])
    read = Reader(text)
    assert [tag for tag, _ in read.tags].count("script") == 2
    assert "img" not in {tag for tag, _ in read.tags}
    assert HOSTILE[:9] not in read.scripts[0]
    data = json.loads(read.scripts[0])
    assert data["items"][0]["tokens"][0][1].startswith("</script><script>alert(1)</script><!--")
    assert data["items"][0]["tokens"][2][1] == "__SCRIPT__ __DATA__"
    assert read.title.startswith("Token shift: m@raw against m@</script>")


def test_what_is_invisible_is_shown_and_the_bytes_stay() -> None:
    data = page_data([item(texts=(HOSTILE,))])
    shown = json.dumps(data, ensure_ascii=False)
    assert "\u202e" not in shown
    assert "\u2028" not in shown
    token = data["items"][0]["tokens"][0]
    assert "⟨U+202E⟩" in token[1]
    assert bytes.fromhex(token[3]).decode() == HOSTILE


def test_data_in_a_script_has_no_markup() -> None:
    text = script_json({"a": HOSTILE, "b": "]]>&lt;"})
    assert not re.search(r"[<>&\u2028\u2029]", text)
    assert json.loads(text) == {"a": HOSTILE, "b": "]]>&lt;"}


def test_the_page_fetches_nothing() -> None:
    read = Reader(page([item(), item(1)]))
    policy = next(a["content"] for _, a in read.tags if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    )
    assert {tag for tag, _ in read.tags}.isdisjoint({"link", "img", "iframe", "object", "base"})
    assert not [a for _, a in read.tags if {"src", "href", "action"} & set(a)]
    code = page_script()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|fetch\(|import\(", code
    )
    assert "</script" not in code


def test_several_items_have_pooled_numbers() -> None:
    data = page_data([item(0, "us"), item(1, "uu")], complete=False)
    (pooled,) = data["summary"]["references"]
    assert pooled["counts"] == {"unshifted": 3, "marginal": 0, "shifted": 1, "control": 0}
    assert set(pooled["intervals"]) == {"unshifted", "marginal", "shifted"}
    assert data["complete"] is False
    assert [i["title"].split(":")[0] for i in data["items"]] == ["<b>0", "<b>1"]


def test_a_page_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "page.html"
    write_page(target, [item()])
    old = target.read_text("utf-8") + "<!-- old -->"
    target.write_text(old, "utf-8")

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(UrialError, match="No space left"):
            write_page(target, [item()])
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    assert target.read_text("utf-8") == old
    write_page(target, [item()])
    assert target.read_text("utf-8") == old.removesuffix("<!-- old -->")
    assert target.stat().st_mode & 0o777 == 0o600
    (tmp_path / "link.html").symlink_to(target)
    with pytest.raises(UsageError, match="not a regular file"):
        write_page(tmp_path / "link.html", [item()])


# --- the script, where there is Node.js -------------------------------------------------------------------------------


def test_the_pages_script_tells_classes_and_moves_by_keys(tmp_path: Path) -> None:
    data = page_data([item(0, "usmus", ("a", "<b>\n", "c")), item(1, "uu")])
    seen = run_page_script(tmp_path, data)
    assert [c.split()[1] for c in seen["classes"]] == [
        "unshifted", "shifted", "marginal", "unshifted", "shifted",
    ]  # fmt: skip
    assert seen["text"].replace("⏎", "") == "a<b>\nc w3 w4"
    assert seen["counts"] == {"unshifted": 2, "marginal": 1, "shifted": 2, "control": 0}
    assert (seen["afterN"], seen["afterM"], seen["afterBackN"], seen["afterRight"]) == (1, 2, 1, 2)
    assert (seen["pinned"], seen["unpinned"], seen["lane"]) == (2, None, "emitted")
    assert all(0 <= float(heat) < 1 for heat in seen["heat"])
    assert (seen["item"], seen["still"], len(seen["second"])) == (1, 1, 2)
    assert ["off" in c.split() for c in seen["off"]] == [False, True, False, False, True]
    assert "40.0 %" in seen["ratios"]
    for fact in ("position, id0, 100", "bytes61", "classunshifted", "KL(generator ‖ reference)"):
        assert fact in seen["detail"]
    assert seen["labels"][1].startswith("<b>⏎, shifted")
    assert "m@raw" in seen["sides"]


@pytest.mark.parametrize(
    "text",
    [
        b"GGUF\3\0\0\0weights",
        b"<!doctype html>\n<title>mine</title>",
        b'GGUF\3\0\0\0<meta name="generator" content="urial-tui shift">',
    ],
)
def test_a_file_that_is_no_page_of_ours_is_never_replaced(tmp_path: Path, text: bytes) -> None:
    somebody_s = tmp_path / "model.gguf"
    somebody_s.write_bytes(text)
    with pytest.raises(UsageError, match="is there and is no page of this command"):
        write_page(somebody_s, [item()])
    assert somebody_s.read_bytes() == text


def test_an_earlier_page_and_an_empty_file_are_replaced(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    target.touch()
    write_page(target, [item()])
    first = target.read_bytes()
    target.write_bytes(first + b"<!-- changed -->")
    write_page(target, [item()])
    assert target.read_bytes() == first
