"""The calls of `Store` for judgements and comparisons."""

from collections.abc import Sequence

from urial_tui.store.database.connection import Connection
from urial_tui.store.judging import comparisons, judgements
from urial_tui.store.judging.types import Comparison, Judgement


class JudgingCalls:
    """A part of `Store`, which has the connection."""

    _db: Connection

    def save_judgement(self, judgement: Judgement) -> Judgement:
        """Write it in place of what this judge (by key) and rubric (by hash) said of the answer before."""
        return judgements.save(self._db, judgement)

    def judgements(
        self,
        *,
        run_id: str | None = None,
        message_ids: Sequence[str] | None = None,
        texts: bool = True,
        outside_runs: bool = False,
    ) -> list[Judgement]:
        """The oldest first. Without `texts` they have no prompt and no raw texts."""
        return judgements.listed(
            self._db,
            run_id=run_id,
            message_ids=message_ids,
            texts=texts,
            outside_runs=outside_runs,
        )

    def delete_judgement(self, judgement_id: str) -> None:
        judgements.delete(self._db, judgement_id)

    def save_comparison(self, comparison: Comparison) -> Comparison:
        """Write it in place of what this judge and rubric said of the two answers before, in either order."""
        return comparisons.save(self._db, comparison)

    def comparisons(
        self,
        *,
        run_ids: Sequence[str] | None = None,
        message_ids: Sequence[str] | None = None,
        texts: bool = True,
        outside_runs: bool = False,
    ) -> list[Comparison]:
        """Of two answers of these runs; with one of these messages at least. The oldest first."""
        return comparisons.listed(
            self._db,
            run_ids=run_ids,
            message_ids=message_ids,
            texts=texts,
            outside_runs=outside_runs,
        )

    def compared_runs(self, run_id: str) -> dict[str, int]:
        """Ids of other runs that answers of this one were compared with, and how many such comparisons there are."""
        return comparisons.other_runs(self._db, run_id)

    def delete_comparison(self, comparison_id: str) -> None:
        comparisons.delete(self._db, comparison_id)
