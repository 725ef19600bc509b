"""Is there a server, and does it take this key? Both are answered within seconds.

The SDK keeps trying a server that does not answer for minutes, without a word. Here one request is
made first, under a deadline, and what is wrong is said in plain words. A key never appears in a
message.
"""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from shared.tinker.errors import UnreachableError, UserError

T = TypeVar("T")

HOSTED_URL = "https://tinker.thinkingmachines.dev/services/tinker-prod"
"""Where the SDK goes when no address is given (`tinker.lib.base_url.DEFAULT_BASE_URL`)."""

PROBE_SECONDS = 4.0
_KEY_SECONDS = 20.0
_BUSY_SECONDS = 60.0  # a server that answered a moment ago, on a machine that grades a class
_ADVICE = {
    "embedded": "Call connect() again to start a new one.",
    "named": "Start one with `labkit serve`, or unset TINKER_BASE_URL to use the embedded service.",
    "hosted": "Check your network, or unset TINKER_API_KEY to practise on the embedded service.",
}


@dataclass(frozen=True, kw_only=True)
class Address:
    """A server and how we came to it.

    `kind` is "embedded" (our own child process), "named" (TINKER_BASE_URL or an argument) or
    "hosted" (only a key was given). `api_key` None leaves the key to the SDK's stored credentials.
    """

    base_url: str
    api_key: str | None
    kind: Literal["embedded", "named", "hosted"]

    @property
    def loopback(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(self.base_url)

    @property
    def advice(self) -> str:
        """What to do when nothing answers there."""
        return _ADVICE[self.kind]

    def __repr__(self) -> str:
        return f"Address({self.base_url}, {self.kind})"


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine's loopback interface."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def opener(url: str) -> urllib.request.OpenerDirector:
    """What opens `url`: a proxy of the environment is never asked for the loopback interface."""
    proxies = urllib.request.ProxyHandler({}) if is_loopback(url) else urllib.request.ProxyHandler()
    return urllib.request.build_opener(proxies)


def probe(address: Address, seconds: float = PROBE_SECONDS) -> None:
    """Return when a Tinker server answers at the address.

    Raises:
        UnreachableError: none does within `seconds`; the message has the address, what was tried
            and what to do.
        UserError: the address is no http(s) URL.
    """
    url = f"{address.base_url.rstrip('/')}/api/v1/healthz"
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise UserError(
            f"{address.base_url!r} is no address of a server. "
            "It should look like http://127.0.0.1:8000; `labkit serve` prints it."
        )
    try:
        status = within(seconds, lambda: _status(url, seconds))
    except TimeoutError:
        found = f"no answer within {seconds:g} s"
    except OSError as error:
        found = _reason(error)
    else:
        if status < 400 or status in (401, 403, 429):
            return
        if address.kind == "hosted" and status < 500:
            return
        found = f"status {status}, which is no healthy Tinker server's"
    raise UnreachableError(
        f"No Tinker server answers at {address.base_url}: "
        f"GET {urlsplit(url).path} gave {found}. {address.advice}"
    )


def _status(url: str, seconds: float) -> int:
    try:
        with opener(url).open(url, timeout=seconds) as response:
            return response.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def _reason(error: OSError) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ConnectionRefusedError):
        return "connection refused (nothing listens there)"
    return str(getattr(reason, "strerror", None) or reason or type(error).__name__)


def supported_models(address: Address) -> tuple[str, ...]:
    """The models the server offers to this key, in its own order.

    Raises:
        UserError: the server does not accept the key, or there is none.
        UnreachableError: the server answers nothing sensible in time.
    """
    import tinker

    seconds = _KEY_SECONDS if address.kind == "hosted" else _BUSY_SECONDS

    def ask() -> tuple[str, ...]:
        rest = tinker.RestClient(base_url=address.base_url, api_key=address.api_key)
        answer = rest.get_server_capabilities().result(seconds)
        return tuple(m.model_name for m in answer.supported_models if m.model_name)

    try:
        return within(seconds, ask)
    except (tinker.AuthenticationError, tinker.PermissionDeniedError) as error:
        raise UserError(
            f"The server at {address.base_url} does not accept the API key (status "
            f"{error.status_code}). Set TINKER_API_KEY to the key of this server; `labkit serve` "
            "prints it next to its address."
        ) from error
    except TimeoutError:
        raise UnreachableError(
            f"The server at {address.base_url} answers, but did not list its models in time. "
            f"{address.advice}"
        ) from None
    except tinker.APIError as error:
        raise UnreachableError(
            f"The server at {address.base_url} is no Tinker server that this SDK can use: "
            f"{error}. {address.advice}"
        ) from error
    except tinker.TinkerError as error:
        raise UserError(
            f"There is no usable API key for {address.base_url}: {error}. "
            "Set TINKER_API_KEY; `labkit serve` prints its key next to its address."
        ) from error


def within(seconds: float, work: Callable[[], T]) -> T:
    """The value of `work()`, or TimeoutError after `seconds`; the work is then left behind.

    A thread, because a name lookup and the SDK's constructors know no deadline.
    """
    result: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True, name="labkit-within")
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not result:
        raise TimeoutError
    return result[0]
