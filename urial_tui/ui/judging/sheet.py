"""What a person has given so far: a mark for each aspect of a rubric, the one under the cursor, and a comment.

One sheet serves scores of an answer and choices between two; the marks of the latter are in terms of the screen (`a`
is what is shown first). Pure; the screens show it, the desk keeps it.
"""

from collections.abc import Mapping

from urial_tui.judge.drafts import Draft
from urial_tui.judge.people import NA
from urial_tui.judge.rubric_types import Aspect, Rubric

OVERALL = "overall"
"""The aspect of a pairwise rubric that one key decides."""

EMPTY = Draft()


class Sheet:
    """`saved` is what is stored already, `draft` what was begun later and not stored."""

    def __init__(self, rubric: Rubric, saved: Draft | None = None, draft: Draft | None = None):
        self.rubric = rubric
        self.saved = self._known(saved or EMPTY)
        begun = self._known(draft) if draft is not None else self.saved
        self.marks: dict[str, int | str] = dict(begun.marks)
        self.note = begun.note
        self.at = 0
        unrated = [n for n, one in enumerate(rubric.aspects) if one.id not in self.marks]
        if self.marks and unrated:
            self.at = unrated[0]

    def _known(self, draft: Draft) -> Draft:
        """Without what the rubric does not know or allow."""
        allowed = {
            one.id: {*(range(1, 6) if self.is_score else ("a", "b", "tie")), *([NA] if one.na else [])}
            for one in self.rubric.aspects
        }  # fmt: skip
        marks = {
            key: mark for key, mark in draft.marks.items() if mark in allowed.get(key, frozenset())
        }
        return Draft(marks, draft.note)

    @property
    def is_score(self) -> bool:
        return self.rubric.kind == "score"

    @property
    def aspect(self) -> Aspect:
        """The one under the cursor."""
        return self.rubric.aspects[self.at]

    @property
    def now(self) -> Draft:
        return Draft(dict(self.marks), self.note)

    @property
    def changed(self) -> bool:
        """Whether something is there that is not stored."""
        return _plain(self.now) != _plain(self.saved)

    @property
    def draft(self) -> Draft | None:
        """What to keep until it is saved; None where nothing is to keep."""
        return self.now if self.changed else None

    def give(self, mark: int | str) -> bool:
        """Mark the aspect under the cursor, and go to the next; False where the rubric does not allow it."""
        if mark == NA and not self.aspect.na:
            return False
        self.marks[self.aspect.id] = mark
        self.move(1)
        return True

    def clear(self) -> None:
        self.marks.pop(self.aspect.id, None)

    def move(self, step: int) -> None:
        """To another aspect; it ends at the first and the last."""
        self.at = min(max(self.at + step, 0), len(self.rubric.aspects) - 1)

    def go_to(self, aspect: str) -> None:
        """Put the cursor on an aspect, where there is one of that id."""
        for number, one in enumerate(self.rubric.aspects):
            if one.id == aspect:
                self.at = number


def _plain(draft: Draft) -> tuple[Mapping[str, int | str], str]:
    return dict(draft.marks), draft.note.strip()
