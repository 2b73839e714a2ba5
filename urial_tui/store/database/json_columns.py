"""Values in columns of JSON text. NaN is no JSON: a value with one is refused, so that SQL can read every column."""

import json
from typing import Any

from urial_tui.errors import StoreError


def to_json(value: Any) -> str:
    """Keys in order, so that equal values are equal texts. Raises StoreError (`not-json`)."""
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(f"a value cannot be kept as JSON: {error}", kind="not-json") from error


def texts(column: str) -> tuple[str, ...]:
    """A tuple of texts."""
    return tuple(json.loads(column))
