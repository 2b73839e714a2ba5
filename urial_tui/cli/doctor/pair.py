"""`urial-tui doctor --pair`: whether two sides can be compared, and how exactly on this machine; what is known already.

Measuring decodes a few hundred tokens one by one and in batches, and scores each model against itself.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from urial_tui import paths
from urial_tui.chat.measuring import Measurement, Measurements, measure
from urial_tui.chat.references import check_reference, resolve_reference
from urial_tui.cli.common.progress import ProgressLine
from urial_tui.cli.doctor.checks import Check
from urial_tui.engine.protocol import ContextSpec, Progress
from urial_tui.errors import UrialError
from urial_tui.services import Services, versions

GROUP = "pair"


def kept_noise() -> Iterator[Check]:
    """The measured noise of each model that has one. Nothing is measured here."""
    known = Measurements(paths.measurements_file(), versions().get("llama-cpp-python", "")).known()
    for model, adapter, measured in known:
        name = Path(model).stem + (f"+{Path(adapter).stem}" if adapter else "")
        detail = f"{_in_words(measured)}; against itself {measured.null_rate:.1%} not unshifted"
        yield Check("models", f"noise of {name}", "ok", detail)


def check_pair(
    generator: str, reference: str, overrides: dict[str, Any]
) -> tuple[list[Check], dict[str, Any]]:
    """Findings, and the numbers for `--json`. Raises UrialError for a side that cannot be used at all."""
    return asyncio.run(_check_pair(generator, reference, overrides))


async def _check_pair(
    generator: str, reference: str, overrides: dict[str, Any]
) -> tuple[list[Check], dict[str, Any]]:
    services = Services(overrides=overrides)
    progress = ProgressLine()
    checks: list[Check] = []

    def tell(event: Progress) -> None:
        progress.stage(event.stage, event.done, event.total)

    try:
        ours = await services.activate(generator)
        ref = await resolve_reference(services.activate, reference, 0, ours)
        about: dict[str, Any] = {"compatible": True}
        try:
            checked = await check_reference(services.engine, ours, ref, tell)
            about |= {"n_common": checked.n_common, "fingerprint": checked.fingerprint}
            about["warnings"] = list(checked.warnings)
            detail = f"{checked.n_common:,} token ids are compared"
            checks.append(Check(GROUP, "vocabulary", "ok", detail))
            checks += [Check(GROUP, "difference", "warn", words) for words in checked.warnings]
        except UrialError as error:
            if error.kind != "vocabulary":
                raise
            about |= {"compatible": False, "error": error.as_dict()}
            checks.append(Check(GROUP, "vocabulary", "fail", error.message, error.hint))
        numbers: dict[str, Any] = {}
        done: dict[ContextSpec, Measurement] = {}
        for role, side in (("generator", ours), ("reference", ref.side)):
            key = _model(side.spec)
            if key not in done:
                done[key] = await measure(
                    services.engine, side.spec, services.measurements, tell, again=True
                )
            numbers[role] = {"side": side.notation, **asdict(done[key])}
            progress.clear()
            checks.append(Check(GROUP, f"noise of {side.notation}", "ok", _in_words(done[key])))
            checks.append(_null_check(f"null rate of {side.notation}", done[key]))
        return checks, {"pair": {**numbers, "vocabulary": about}}
    finally:
        progress.clear()
        await services.aclose()


def _model(spec: ContextSpec) -> ContextSpec:
    """The same for two sides of one model and adapter."""
    return ContextSpec(spec.model_path, spec.adapter_path, spec.adapter_scale)


def _in_words(measured: Measurement) -> str:
    return (
        f"{measured.noise:.3g} nats (99th percentile over {measured.tokens} tokens), "
        f"mean KL between the two paths {measured.mean_kl:.2g}, "
        f"{measured.changed:.1%} of the classes change"
    )


def _null_check(name: str, measured: Measurement) -> Check:
    detail = f"{measured.null_rate:.1%} of {measured.tokens} tokens are not unshifted"
    if measured.null_rate == 0:
        return Check(GROUP, name, "ok", detail)
    hint = "Scores of this model are not exact on this machine: take small ratios with care."
    return Check(GROUP, name, "fail", detail, hint)
