"""Entry point of the engine process: `python -P -m urial_tui.engine.worker`. Started by the client, not by people.

Standard input and output are the two pipes of the protocol. They are moved to private descriptors before llama.cpp is
loaded, and descriptors 0 and 1 are pointed elsewhere, so that nothing a native library prints can reach them.
"""

import argparse
import os
import signal
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--states", default="")
    parser.add_argument("--states-quota", type=int, default=0)
    options = parser.parse_args()

    reading = os.fdopen(os.dup(0), "rb")
    writing = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    from urial_tui.engine.worker import native
    from urial_tui.engine.worker.server import Server
    from urial_tui.engine.worker.states import StateStore

    missing = native.missing_symbols()
    if missing:
        sys.stderr.write(
            f"this build of llama-cpp-python {native.VERSION} lacks: {', '.join(missing)}\n"
        )
        raise SystemExit(3)
    native.start()
    states = None
    if options.states and options.states_quota > 0:
        states = StateStore(Path(options.states), options.states_quota)
    Server(reading, writing, states).run()


if __name__ == "__main__":
    main()
