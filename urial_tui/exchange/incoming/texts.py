"""A plain text as an answer to nothing: to be scored token by token under any sides, as if they had written it."""

from typing import Final

from urial_tui.exchange.incoming.types import Importer, Loaded, Options, Tally, Write
from urial_tui.store.exchange.arrivals import NewMessage, NewSession
from urial_tui.store.store import Store

FORMAT: Final = "text"
SIDE: Final = "text"


def recognises(loaded: Loaded) -> bool:
    return not loaded.rows


def make(loaded: Loaded, options: Options) -> Write:
    text = loaded.text.removesuffix("\n").removesuffix("\r")
    origin = {"format": FORMAT, "file": loaded.path.name, "sha256": loaded.sha256}
    session = NewSession(
        (NewMessage("user", ""), NewMessage("assistant", text, 0)),
        side=SIDE,
        title=loaded.path.name,
        origin=origin,
    )

    def write(store: Store, tally: Tally) -> None:
        if not options.as_new and origin in store.origins(loaded.sha256):
            tally.there += 1
            return
        tally.sessions.append(store.add_conversation(session)[0])

    return write


IMPORTER: Final = Importer("a text, to be scored", recognises, make)
