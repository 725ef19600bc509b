"""Everything that `shared.tinker` raises on purpose.

    TinkerKitError
    ├── UserError (also ValueError)        the caller asked for something that cannot be
    │   ├── NotFoundError (also LookupError)   unknown model, path, session, checkpoint
    │   ├── OverLimitError                 a cap or a budget is exceeded
    │   └── UnsupportedError               hosted Tinker may do it, this service does not
    ├── CheckpointError                    a checkpoint cannot be written or read back whole
    ├── CancelledError                     the client gave the request up, or its session ended
    └── UnreachableError (also ConnectionError)   no server answers where one was named

Each message says what came, what was expected and what to do.
"""

from __future__ import annotations


class TinkerKitError(Exception):
    """Base of the tree."""


class UserError(TinkerKitError, ValueError):
    """The caller asked for something that cannot be done; repeating the call will not help."""


class NotFoundError(UserError, LookupError):
    """A model, path, session, run or checkpoint that does not exist (or is another key's)."""


class OverLimitError(UserError):
    """A cap of the service or a budget of the key is exceeded."""


class UnsupportedError(UserError):
    """Hosted Tinker may do this; the embedded service does not."""


class CheckpointError(TinkerKitError):
    """A checkpoint could not be written, or what is on disk is not whole."""


class CancelledError(TinkerKitError):
    """The work was given up before it was done."""


class UnreachableError(TinkerKitError, ConnectionError):
    """No server answers at the address."""
