"""Salvaging a damaged history: what can be read is in the new file, it fits together, and the old file is untouched."""

import fcntl
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.full_history import at_version, columns_of, contents, fill
from urial_tui.errors import StoreError
from urial_tui.exchange.exports import Wanted
from urial_tui.exchange.formats import EXPORTERS
from urial_tui.exchange.sources import source_of_sessions
from urial_tui.exchange.writing import write
from urial_tui.sides import UNKNOWN, parse_side
from urial_tui.store.care.mending import LOST
from urial_tui.store.care.pages import Damaged, Pages
from urial_tui.store.care.salvage import Salvaged, salvage
from urial_tui.store.exchange.arrivals import NewMessage, NewSession
from urial_tui.store.schema.steps import LATEST
from urial_tui.store.store import Store
from urial_tui.store.types import Draft

PAGE = 4096
ROWS_ON_A_PAGE = 200
"""More than there are of any table."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "history.db"
    with Store.open(path) as store:
        fill(store, sessions=30)
    return path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "history.db"))


def below(path: Path, table: str) -> tuple[list[int], list[int]]:
    """The inner pages and the leaves of a table or an index."""
    raw = sqlite3.connect(path)
    (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    raw.close()
    inner, leaves, ahead = [], [], [int(root)]
    with Pages(path) as pages:
        while ahead:
            number = ahead.pop()
            found = pages.children(number)
            (inner if found else leaves).append(number)
            ahead += found
    return inner, leaves


def scribble(path: Path, *numbers: int, how: bytes = b"\xa5") -> None:
    data = bytearray(path.read_bytes())
    for number in numbers:
        data[(number - 1) * PAGE : number * PAGE] = (how * PAGE)[:PAGE]
    path.write_bytes(data)


def salvaged(path: Path) -> tuple[Path, Salvaged]:
    """Salvage beside the file; what holds after every salvage is checked here."""
    before = path.read_bytes()
    new = path.with_name("new.db")
    done = salvage(path, new)
    assert path.read_bytes() == before
    assert done.path == new
    assert [p.name for p in path.parent.iterdir() if p.name.startswith(".")] == []
    with Store.open(new) as store:
        assert store.check() == []
        assert store.migration_backup is None
    found = contents(new)
    for table in done.tables:
        assert table.saved == len(found[table.table])
    return new, done


def lost(done: Salvaged) -> dict[str, int | None]:
    return {table.table: table.lost for table in done.tables if table.lost != 0}


def test_of_a_whole_history_everything_is_saved(path: Path) -> None:
    new, done = salvaged(path)
    assert contents(new) == contents(path)
    assert lost(done) == {}
    assert (done.rebuilt, done.damaged_pages) == (0, 0)


def test_messages_that_are_gone_keep_their_place_and_answers_the_text_of_their_tokens(
    path: Path,
) -> None:
    before = contents(path, {"message": ["id", "session_id", "parent_id", "role", "content"]})
    texts = {row[0]: row[4] for row in before["message"]}
    _, leaves = below(path, "message")
    scribble(path, leaves[len(leaves) // 2])
    new, done = salvaged(path)
    after = contents(new, {"message": ["id", "session_id", "parent_id", "role", "content"]})
    assert [row[:4] for row in after["message"]] == [row[:4] for row in before["message"]]
    changed = [row for row in after["message"] if row[4] != texts[row[0]]]
    assert {row[3] for row in changed} == {"user"}
    assert {row[4] for row in changed} == {LOST}
    assert lost(done) == {"message": done.rebuilt}
    assert done.rebuilt >= len(changed) > 0
    others = {k: v for k, v in columns_of(path).items() if k != "message"}
    assert contents(new, others) == contents(path, others)


@pytest.mark.parametrize("table", ["message", "generation", "session", "judgement"])
def test_nothing_is_lost_with_a_page_that_only_leads_to_others(path: Path, table: str) -> None:
    inner, leaves = below(path, table)
    if not inner:
        pytest.skip(f"{table} is on one page")
    before = contents(path)
    scribble(path, *inner)
    new, done = salvaged(path)
    assert len(leaves) > 1
    assert contents(new) == before
    assert lost(done) == {}


@pytest.mark.parametrize("table", ["token", "scored_token", "reference_token"])
def test_of_a_table_without_row_numbers_only_the_rows_of_the_page_are_lost(
    path: Path, table: str
) -> None:
    before = contents(path)
    inner, leaves = below(path, table)
    scribble(path, inner[0], leaves[1])
    new, done = salvaged(path)
    after = contents(new)
    assert set(after[table]) < set(before[table])
    n = len(before[table]) - len(after[table])
    assert 0 < n < 2 * ROWS_ON_A_PAGE
    (counted,) = [saved for saved in done.tables if saved.table == table]
    assert counted.about
    assert counted.lost is not None and n / 2 < counted.lost < 3 * n
    assert after["message"] == before["message"]


def test_of_a_table_of_which_nothing_is_left_nobody_knows_how_much_is_lost(path: Path) -> None:
    """Its first page is whole, and no index tells how many rows there were."""
    inner, leaves = below(path, "token")
    assert inner and leaves
    scribble(path, *leaves)
    _, done = salvaged(path)
    assert lost(done)["token"] is None


def test_a_conversation_that_is_gone_stands_again_for_its_messages(path: Path) -> None:
    before = contents(path)
    _, leaves = below(path, "session")
    scribble(path, *leaves)
    new, done = salvaged(path)
    after = contents(new)
    assert {row[0] for row in after["message"]} == {row[0] for row in before["message"]}
    assert done.rebuilt == len(before["session"])
    with Store.open(new) as store:
        sessions = store.sessions(limit=100)
        assert all(session.title.startswith("Does walking") for session in sessions)
        assert {session.side for session in sessions} == {"demo@urial-general"}
        assert store.branch(sessions[0].leaf_id or "")


def test_a_draft_goes_with_its_conversation_where_nothing_else_is_left_of_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "history.db"
    with Store.open(path) as store:
        store.save_draft(store.create_session("demo").id, Draft("typed"))
        store.save_draft(None, Draft("of no session"))
    scribble(path, *below(path, "session")[1])
    new, done = salvaged(path)
    assert lost(done)["draft"] == 1
    with Store.open(new) as store:
        assert store.sessions() == []
        assert store.draft(None) == Draft("of no session")


def test_a_side_that_is_gone_is_not_known_and_can_be_shown_and_exported(tmp_path: Path) -> None:
    """Of a conversation without answers of this program nothing else tells the side."""
    path = tmp_path / "history.db"
    said = (NewMessage("user", "Walk?"), NewMessage("assistant", "Yes.", 0))
    with Store.open(path) as store:
        store.add_conversation(NewSession(said, "vicuna"))
    _, leaves = below(path, "session")
    scribble(path, *leaves)
    new, done = salvaged(path)
    assert done.rebuilt == 1
    with Store.open(new) as store:
        (session,) = store.sessions()
        assert session.side == UNKNOWN
        assert str(parse_side(UNKNOWN)) == UNKNOWN
        source = source_of_sessions(store, [session.id])
        assert [side.side for side in source.sides] == [UNKNOWN]
        for format_ in ("just-eval", "alpaca-eval", "mt-bench", "jsonl", "markdown", "csv"):
            write(tmp_path / format_, EXPORTERS[format_].export(source, Wanted()).documents)
    (page,) = (tmp_path / "markdown").iterdir()
    assert f'side: "{UNKNOWN}"' in page.read_text("utf-8")


def test_of_a_text_that_goes_on_on_a_damaged_page_the_beginning_is_kept(tmp_path: Path) -> None:
    path, text = tmp_path / "history.db", "".join(f"word {n} " for n in range(5000))
    with Store.open(path) as store:
        session = store.create_session("demo")
        message = store.add_user_message(session.id, None, text)
        store.add_user_message(session.id, message.id, "after it")
    number = path.read_bytes().index(b"word 2000 ") // PAGE + 1
    scribble(path, number)
    new, done = salvaged(path)
    with Store.open(new) as store:
        kept = store.message(message.id).content
        assert text.startswith(kept)
        assert len(kept) > PAGE
        assert [m.content for m in store.messages(session.id)] == [kept, "after it"]
    (counted,) = [saved for saved in done.tables if saved.table == "message"]
    assert (counted.saved, counted.lost, counted.shortened) == (2, 0, 1)


def test_a_damaged_schema_costs_no_conversation(path: Path) -> None:
    with Pages(path) as pages:
        below_first = pages.children(1)
    before = contents(path, {"message": ["id", "content"]})
    for number in below_first:
        broken = Path(shutil.copy(path, path.with_name(f"schema-{number}.db")))
        scribble(broken, number)
        new, _ = salvaged(broken)
        after = contents(new, {"message": ["id", "content"]})
        assert len(set(before["message"]) - set(after["message"])) < ROWS_ON_A_PAGE / 10
        new.unlink()


def test_damage_to_an_index_costs_nothing(path: Path) -> None:
    before = contents(path)
    for index in ("message_parent", "generation_message", "message_fts_data"):
        scribble(path, *below(path, index)[0], *below(path, index)[1][:1])
    new, done = salvaged(path)
    assert contents(new) == before
    assert lost(done) == {}


@pytest.mark.parametrize("version", range(1, LATEST + 1))
def test_a_history_of_each_schema_is_salvaged_into_the_latest(
    path: Path, tmp_path: Path, version: int
) -> None:
    old = at_version(tmp_path / f"old-{version}.db", version, path)
    scribble(old, below(old, "session_updated")[1][0])
    new, done = salvaged(old)
    columns = columns_of(old)
    assert contents(new, columns) == contents(old, columns)
    assert lost(done) == {}


def test_what_was_half_written_is_rolled_back_and_the_journal_left_alone(path: Path) -> None:
    before = contents(path)
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA cache_size=1")  # the file is written before the commit
    raw.execute("BEGIN")
    raw.execute("UPDATE message SET content = 'half'")
    raw.execute("DELETE FROM token")
    cut = path.with_name("cut.db")
    journal = Path(shutil.copy(f"{path}-journal", f"{cut}-journal"))
    shutil.copy(path, cut)
    raw.execute("ROLLBACK")
    raw.close()
    assert cut.read_bytes() != path.read_bytes()
    known = journal.read_bytes()
    new, _ = salvaged(cut)
    assert contents(new) == before
    assert journal.read_bytes() == known


def test_what_another_program_has_locked_is_said(path: Path) -> None:
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("BEGIN EXCLUSIVE")
    code = (
        "import sys; from pathlib import Path; from urial_tui.store.care import salvage as module\n"
        "module.BUSY_TIMEOUT_S = 0.05\n"
        "module.salvage(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path), f"{path}.new"], capture_output=True, check=False
    )
    assert b"locked" in ran.stderr
    assert [p.name for p in path.parent.iterdir() if "new" in p.name or "salv" in p.name] == []
    raw.close()


def test_a_disk_without_room_leaves_nothing_behind(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from urial_tui.store.care.salvage import salvage\n"
        "from urial_tui.errors import StoreError\n"
        "try:\n salvage(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except StoreError as error:\n print(error.kind)"
    )
    limit = path.stat().st_size // 2
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path), f"{path}.new"],
        capture_output=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert ran.stdout.strip() in (b"cannot-open", b"disk-full", b"io")
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_cannot_be_salvaged_is_refused(path: Path, tmp_path: Path) -> None:
    def refused(source: Path, target: Path) -> str:
        with pytest.raises(StoreError) as error:
            salvage(source, target)
        assert error.value.hint
        return error.value.kind

    new = tmp_path / "new.db"
    assert refused(tmp_path / "none.db", new) == "missing"
    assert refused(path, path) == "exists"
    assert refused(path, tmp_path / "no" / "folder") == "cannot-open"
    other = tmp_path / "other.db"
    raw = sqlite3.connect(other)
    raw.execute("CREATE TABLE x (y)")
    raw.commit()
    raw.close()
    assert refused(other, new) == "not-history"
    newer = Path(shutil.copy(path, tmp_path / "newer.db"))
    raw = sqlite3.connect(newer)
    raw.execute("PRAGMA user_version=999")
    raw.close()
    assert refused(newer, new) == "schema-newer"
    scribble(path, 1)
    assert refused(path, new) == "corrupt"
    assert not new.exists()


def any_damage(whole: Path, folder: Path, chooser: random.Random) -> None:
    """One to three pages of random damage: whatever is saved is right, and hardly more is lost than they held."""
    path = Path(shutil.copy(whole, folder / "history.db"))
    columns = {"message": ["id", "content"], "token": ["generation_seq", "i", "raw"]}
    before = contents(path, columns)
    n = path.stat().st_size // PAGE
    for _ in range(chooser.choice((1, 1, 3))):
        how = chooser.choice((b"\0", b"\xa5", chooser.randbytes(PAGE), chooser.randbytes(37)))
        scribble(path, chooser.randrange(2, n + 1), how=how)
    new, _ = salvaged(path)
    after = contents(new, columns)
    assert len(set(before["message"]) - set(after["message"])) < ROWS_ON_A_PAGE
    assert set(after["token"]) <= set(before["token"])
    rebuilt = {row[1] for row in set(after["message"]) - set(before["message"])}
    assert all(
        text == LOST or set(str(text).split()) <= {"word"} or len(str(text)) > 3000
        for text in rebuilt
    )
    new.unlink()
    path.unlink()


def test_random_damage(whole: Path, tmp_path: Path) -> None:
    chooser = random.Random(6)
    for _ in range(6):
        any_damage(whole, tmp_path, chooser)


@pytest.mark.accept
def test_random_damage_three_hundred_times(whole: Path, tmp_path: Path) -> None:
    chooser = random.Random(random.randrange(2**32))
    for _ in range(300):
        any_damage(whole, tmp_path, chooser)


def test_random_bytes_are_damage_and_no_other_error(whole: Path, tmp_path: Path) -> None:
    chooser = random.Random(7)
    path = tmp_path / "history.db"
    original = whole.read_bytes()
    for _ in range(40):
        data = bytearray(original)
        for _ in range(200):
            data[chooser.randrange(100, len(data))] = chooser.randrange(256)
        path.write_bytes(data)
        with Pages(path) as pages:
            pages.free()
            for number in range(1, pages.count + 2):
                try:
                    pages.page(number)
                except Damaged:
                    continue


def test_what_a_killed_salvage_has_left_goes_with_the_next_one_and_nothing_else(
    path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    for name in (".salvage-killed", ".salvage-living", ".salvage-mine"):
        (folder / name).mkdir()
        (folder / name / "copy.db").write_bytes(b"x")
    for name in (".salvage-killed", ".salvage-living"):
        (folder / name / "urial-tui.lock").write_bytes(b"")
    with (folder / ".salvage-living" / "urial-tui.lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        salvage(path, folder / "new.db")
    assert sorted(left.name for left in folder.iterdir()) == [
        ".salvage-living",
        ".salvage-mine",
        "new.db",
    ]
