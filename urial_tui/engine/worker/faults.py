"""How code in the engine process says that a request failed; the server turns it into a Failed event."""


class Fault(Exception):
    """A request cannot be done. `kind` is stable, `hint` says what the user can do."""

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint


class Cancelled(Exception):
    """The request was cancelled between two batches."""
