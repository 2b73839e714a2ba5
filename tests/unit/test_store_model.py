"""Any sequence of operations leaves the store with the tree of messages that a simple model has."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from tests.support.store_rows import END, START
from urial_tui.store.store import Store
from urial_tui.store.types import Draft, Token

TEXT = st.text(max_size=30) | st.text(alphabet="ab \0\n\"'é散🍎", max_size=10)


@dataclass
class Node:
    session: str
    parent: str | None
    role: str
    content: str
    status: str
    generation: str | None = None
    tokens: list[str] = field(default_factory=list)


class Conversations(RuleBasedStateMachine):
    sessions = Bundle("sessions")
    messages = Bundle("messages")
    streaming = Bundle("streaming")

    def __init__(self) -> None:
        super().__init__()
        self.store = Store.in_memory()
        self.nodes: dict[str, Node] = {}
        self.leaf: dict[str, str | None] = {}
        self.drafts: dict[str, str] = {}

    def teardown(self) -> None:
        self.store.close()

    @rule(target=sessions)
    def new_session(self) -> str:
        session = self.store.create_session("demo").id
        self.leaf[session] = None
        return session

    @rule(target=messages, session=sessions, text=TEXT)
    def root(self, session: str, text: str) -> object:
        return self._ask(session, None, text) if session in self.leaf else multiple()

    @rule(target=messages, parent=messages, text=TEXT)
    def ask(self, parent: str, text: str) -> object:
        return (
            self._ask(self.nodes[parent].session, parent, text)
            if parent in self.nodes
            else multiple()
        )

    def _ask(self, session: str, parent: str | None, text: str) -> str:
        message = self.store.add_user_message(session, parent, text)
        self.nodes[message.id] = Node(session, parent, "user", text, "complete")
        self.leaf[session] = message.id
        if self.drafts.get(session, "").strip() == text.strip():
            self.drafts.pop(session, None)
        return message.id

    @rule(target=streaming, parent=messages, prefill=TEXT)
    def begin(self, parent: str, prefill: str) -> object:
        if parent not in self.nodes:
            return multiple()
        session = self.nodes[parent].session
        message = self.store.begin_answer(session, parent, prefill=prefill)
        node = Node(session, parent, "assistant", prefill, "interrupted")
        node.generation = self.store.begin_generation(message.id, START)
        self.nodes[message.id] = node
        self.leaf[session] = message.id
        return message.id

    @rule(message=streaming, texts=st.lists(TEXT, max_size=4))
    def append(self, message: str, texts: list[str]) -> None:
        node = self.nodes.get(message)
        if node is None or node.generation is None:
            return
        first = len(node.tokens)
        new = [Token(first + i, i, t.encode(), t, len(t.encode())) for i, t in enumerate(texts)]
        self.store.append_tokens(message, node.generation, new, "".join(texts))
        node.tokens += texts
        node.content += "".join(texts)

    @rule(
        target=messages,
        message=consumes(streaming),
        status=st.sampled_from(["complete", "stopped", "interrupted", "failed"]),
        tail=TEXT,
    )
    def finish(self, message: str, status: str, tail: str) -> object:
        node = self.nodes.get(message)
        if node is None:
            return multiple()
        self.store.finish_answer(message, node.generation, status, END, tail=tail)  # type: ignore[arg-type]
        node.status = status
        node.content += tail
        return message

    @rule(message=messages)
    def look_at(self, message: str) -> None:
        if message in self.nodes:
            session = self.nodes[message].session
            leaf = self.store.leaf_below(message).id
            self.store.set_leaf(session, leaf)
            self.leaf[session] = leaf

    @rule(session=sessions, text=TEXT)
    def draft(self, session: str, text: str) -> None:
        if session in self.leaf:
            self.store.save_draft(session, Draft(text, text[::-1]))
            self.drafts[session] = text

    @rule(session=consumes(sessions))
    def delete(self, session: str) -> None:
        if session in self.leaf:
            self.store.delete_session(session)
            del self.leaf[session]
            self.drafts.pop(session, None)
            self.nodes = {k: n for k, n in self.nodes.items() if n.session != session}

    @rule()
    def fall_back_and_write_back(self) -> None:
        """A copy in memory, written back to the same store, changes nothing."""
        copy = self.store.in_memory_copy()
        for session in self.leaf:
            copy.set_title(session, "touched")
        self.store.write_back(copy)
        copy.close()

    @invariant()
    def same_tree(self) -> None:
        assert {s.id: s.leaf_id for s in self.store.sessions()} == self.leaf
        for session in self.leaf:
            mine = {k: n for k, n in self.nodes.items() if n.session == session}
            stored = {m.id: m for m in self.store.messages(session)}
            assert {k: (m.parent_id, m.role, m.content, m.status) for k, m in stored.items()} == {
                k: (n.parent, n.role, n.content, n.status) for k, n in mine.items()
            }
            kept = self.drafts.get(session, "")
            assert self.store.draft(session) == Draft(kept, kept[::-1])
            for key, node in mine.items():
                assert [m.id for m in self.store.siblings(key)] == [
                    k for k, n in mine.items() if n.parent == node.parent
                ]

    @invariant()
    def same_branches(self) -> None:
        for key, node in self.nodes.items():
            path, at = [], key
            while at is not None:
                path.append(at)
                at = self.nodes[at].parent
            assert [m.id for m in self.store.branch(key)] == path[::-1]
            below = [key]
            for other, candidate in self.nodes.items():  # in order of age
                if candidate.parent in below:
                    below.append(other)
            assert self.store.leaf_below(key).id == below[-1]
            if node.generation is not None:
                assert [t.text for t in self.store.tokens(key)] == node.tokens

    @invariant()
    def whole(self) -> None:
        assert self.store.check() == []


TestConversations = Conversations.TestCase
TestConversations.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
