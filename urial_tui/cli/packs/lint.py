"""The work behind `packs lint`: packs by id or file, token counts with one model load, lines for the findings."""

from pathlib import Path
from typing import Any

from urial_tui.errors import PromptError
from urial_tui.prompts.files import decode, read_bytes
from urial_tui.prompts.lint import Finding, counted_texts, lint_pack
from urial_tui.prompts.official import load_official
from urial_tui.prompts.pack_file import MAX_BYTES
from urial_tui.prompts.packs import Pack, load_pack
from urial_tui.prompts.styles import default_library
from urial_tui.prompts.toml_document import dotted
from urial_tui.prompts.toml_lines import Key, key_lines

Row = dict[str, Any]


def lint_targets(names: tuple[str, ...], side: str | None, demo: bool) -> list[Row]:
    """Findings as rows for people and for JSON. A file that cannot be read is a finding; an unknown id is not."""
    rows: list[Row] = []
    found: list[Pack] = []
    library = default_library()
    if not names:
        found += library.all()
        rows += [_broken(problem.path, problem.error) for problem in library.problems]
    for name in names:
        path = Path(name)
        try:
            if path.suffix.lower() == ".txt":
                rows += _official(path)
            elif path.suffix.lower() == ".toml":
                found.append(load_pack(path))
            else:
                found.append(library.get(name))
        except PromptError as error:
            if error.kind == "unknown-pack":
                raise
            rows.append(_broken(path, error))
    counts = _count(found, side, demo) if (side or demo) and found else None
    for pack in found:
        findings = lint_pack(pack, counts.__getitem__ if counts is not None else None)
        lines = _lines(pack)
        rows += [_row(pack, finding, lines) for finding in findings]
    return rows


def _count(packs: list[Pack], side: str | None, demo: bool) -> dict[str, int]:
    from urial_tui.cli.common.engine_access import count_tokens

    texts = [text for pack in packs for text in counted_texts(pack)]
    return dict(zip(texts, count_tokens(texts, side, demo=demo), strict=True))


def _lines(pack: Pack) -> dict[Key, int]:
    if pack.path is None:
        return {}
    return key_lines(decode(read_bytes(pack.path, "a prompt pack", MAX_BYTES), pack.path))


def _row(pack: Pack, finding: Finding, lines: dict[Key, int]) -> Row:
    key = finding.key
    line = next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), None)
    return {
        "pack": pack.id,
        "file": str(pack.path or pack.id),
        "line": line,
        "key": dotted(key),
        "severity": finding.severity,
        "code": finding.code,
        "message": finding.message,
    }


def _official(path: Path) -> list[Row]:
    prompt = load_official(path)
    notes = [("odd-turns", note) for note in prompt.warnings]
    notes += [("other-roles", note) for note in prompt.differences()]
    return [_plain(path, "warning", code, message) for code, message in notes]


def _broken(path: Path, error: PromptError) -> Row:
    hint = f" {error.hint}" if error.hint else ""
    return _plain(path, "error", "unreadable", error.message + "." * bool(hint) + hint)


def _plain(path: Path, severity: str, code: str, message: str) -> Row:
    return {
        "pack": None,
        "file": str(path),
        "line": None,
        "key": "",
        "severity": severity,
        "code": code,
        "message": message,
    }
