"""`python -m shared.tinker.service`: the embedded Tinker service as a process of its own.

Prints one JSON line with its address when it listens. Everything else is in the state folder.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.tinker.errors import TinkerKitError
from shared.tinker.service import memory
from shared.unneeded import without_unneeded


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, parsed."""
    parser = argparse.ArgumentParser(prog="python -m shared.tinker.service", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of everything it keeps")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind; loopback by default")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--model", action="append", default=[], metavar="DIR_OR_HUB_NAME", help="may be repeated"
    )
    parser.add_argument("--no-stand-ins", action="store_true", help="serve no borrowed names")
    parser.add_argument("--with-parent", action="store_true", help="end when stdin ends")
    parser.add_argument("--key-file", type=Path, default=None, help="where the owner's key lies")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; exit code 2 for what the caller did wrong."""
    chosen = options(arguments)
    memory.keep_freed()
    with without_unneeded():
        return _serve(chosen)


def _serve(chosen: argparse.Namespace) -> int:
    from shared.tinker.service.catalogue import catalogue
    from shared.tinker.service.engine import TorchEngine
    from shared.tinker.service.server import Options, serve

    try:
        sources = catalogue(chosen.model, stand_ins=not chosen.no_stand_ins)
        return serve(
            Options(
                state=chosen.state,
                host=chosen.host,
                port=chosen.port,
                key_file=chosen.key_file,
                with_parent=chosen.with_parent,
            ),
            TorchEngine(sources, device=chosen.device),
        )
    except TinkerKitError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is closed and kept; taking torch apart would take seconds
