"""Connecting: to the server that is named, to hosted Tinker, or to the embedded service.

`connect()` and `TinkerClient` decide alike, in `resolve`. Reading this file tells all that they
write into the environment of the process: `TINKER_TELEMETRY=0` and an entry in `NO_PROXY`, both
only for a server on this machine and only where they are not set. Keys and addresses go to the SDK
as arguments; nothing else is set, nothing of Hugging Face's either (see `tokenizers`).
"""

from __future__ import annotations

import importlib
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import getproxies_environment

from shared.tinker.embedded import EmbeddedService
from shared.tinker.errors import NotFoundError, UnsupportedError, UserError
from shared.tinker.reach import HOSTED_URL, Address, probe, supported_models
from shared.tinker.state import state_of

if TYPE_CHECKING:
    import tinker

logger = logging.getLogger(__name__)

# A notebook's old kernel and its service are gone within a moment of the restart.
_RESTART_SECONDS = 4.0
_services: dict[bool, EmbeddedService] = {}
_starting = threading.Lock()


def connect(force_embedded: bool = False) -> tinker.ServiceClient:
    """A `tinker.ServiceClient` of the server that this machine's settings name.

    | set in the environment | server |
    |---|---|
    | `TINKER_BASE_URL` (and `TINKER_API_KEY`) | that one |
    | only `TINKER_API_KEY` | hosted Tinker, which costs money |
    | neither, or `force_embedded` | the embedded service, started here and stopped at exit |

    The embedded service is started once in a process. Its runs and checkpoints are kept in a folder
    below the user's state folder that belongs to the working folder, so a notebook that is started
    again in the same place finds its `tinker://` paths again. While one program uses that folder,
    a second one gets a temporary folder, and a warning says so. With `force_embedded` the folder
    is always temporary and removed at exit: a check leaves a student's runs alone.

    Raises:
        UnreachableError: no server answers at the address; told within 5 seconds. Later, when the
            server dies in the middle of work, pending and new calls raise it too.
        UserError: the server does not accept the key, or there is none.
    """
    address = resolve(force_embedded=force_embedded)
    if address.kind != "embedded":
        supported_models(address)  # a wrong key is told here, not in the first training step
    return service_client(address)


def resolve(
    *, force_embedded: bool = False, api_key: str | None = None, base_url: str | None = None
) -> Address:
    """The server to use, which answers; the embedded service is started when it is that one.

    Args:
        force_embedded: the embedded service, whatever is set or given.
        api_key: goes before `TINKER_API_KEY`.
        base_url: goes before `TINKER_BASE_URL`.

    Raises:
        UnreachableError: nothing answers, or the embedded service did not start.
        UserError: the address is no http(s) URL.
    """
    url = (base_url or os.environ.get("TINKER_BASE_URL") or "").rstrip("/")
    key = api_key or os.environ.get("TINKER_API_KEY") or None
    if force_embedded or not (url or key):
        address = embedded(temporary=force_embedded).address
    else:
        hosted = url in ("", HOSTED_URL)
        kind = "hosted" if hosted else "named"
        address = Address(base_url=url or HOSTED_URL, api_key=key, kind=kind)
        probe(address)
    if address.loopback:
        _quieten()
    _teach()
    return address


def service_client(address: Address) -> tinker.ServiceClient:
    """A client of a server that answered, watched unless hosted.

    Hosted Tinker is left to the SDK's own patience: there a silence is usually the network's.
    """
    import tinker

    from shared.tinker.watch import Watch, WatchedServiceClient

    if address.kind == "hosted":
        return tinker.ServiceClient(api_key=address.api_key)
    service = next((s for s in _services.values() if s.url == address.base_url), None)
    watch = Watch(address, service.ended if service is not None else lambda: None)
    return WatchedServiceClient.at(address, watch)


def embedded(*, temporary: bool = False) -> EmbeddedService:
    """This process's embedded service, started if it is not running.

    Args:
        temporary: the one whose state is removed at exit, not the working folder's.

    Raises:
        UnreachableError: it did not start.
    """
    with _starting:
        service = _services.get(temporary)
        if service is None or not service.alive:
            if service is not None:
                service.stop()
            # The SDK takes as long to import as the service to start: both at the same time.
            importing = threading.Thread(target=importlib.import_module, args=("tinker",))
            importing.start()
            try:
                service = EmbeddedService.start() if temporary else _kept()
            finally:
                importing.join()  # two threads in one half-imported package would fail
            _services[temporary] = service
        return service


def _kept() -> EmbeddedService:
    state = state_of(Path.cwd())
    try:
        return EmbeddedService.start(state, wait_seconds=_RESTART_SECONDS)
    except (UserError, OSError) as error:
        logger.warning(
            "Runs and checkpoints of this session are temporary and gone when it ends: %s", error
        )
        return EmbeddedService.start()


def _quieten() -> None:
    """No telemetry to our own server, and no proxy on the way to it."""
    os.environ.setdefault("TINKER_TELEMETRY", "0")
    if getproxies_environment().keys() - {"no"}:
        name = "no_proxy" if "no_proxy" in os.environ else "NO_PROXY"
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        hosts += [host for host in ("127.0.0.1", "localhost") if host not in hosts]
        if "*" not in hosts:
            os.environ[name] = ",".join(hosts)


def _teach() -> None:
    """The shipped model's tokenizer is the installed one, on whatever server it is served."""
    from shared.models.base import NAME, folder
    from shared.tinker.tokenizers import teach_tokenizers

    teach_tokenizers({NAME: folder()})


class TinkerClient:
    """The integration guide's client, on the SDK of today.

    Attributes:
        address: the server in use.
        service_client: the `tinker.ServiceClient` behind everything here.
        rest_client: a `tinker.RestClient` of the same server.
    """

    def __init__(self, api_key: str | None = None, base_url: str | None = None) -> None:
        """Connect as `connect()` does; an argument goes before its environment variable.

        Raises:
            UnreachableError: no server answers.
            UserError: the server does not accept the key.
        """
        import tinker

        self.address = resolve(api_key=api_key, base_url=base_url)
        self._models = supported_models(self.address)
        self.service_client = service_client(self.address)
        self.rest_client = tinker.RestClient(
            base_url=self.address.base_url, api_key=self.address.api_key
        )

    def __repr__(self) -> str:
        return f"TinkerClient({self.address.base_url}, {self.address.kind})"

    def get_supported_models(self) -> list[str]:
        """The names of the models that this server offers."""
        return list(self._models)

    def create_training_client(self, base_model: str, rank: int = 32) -> tinker.TrainingClient:
        """A new LoRA model to train.

        Raises:
            NotFoundError: the server does not offer `base_model`.
        """
        self._check(base_model)
        return self.service_client.create_lora_training_client(base_model, rank=rank).result()

    def create_sampling_client(
        self, model_path: str | None = None, base_model: str | None = None
    ) -> tinker.SamplingClient:
        """Something to sample from: saved weights (`tinker://...`) or a base model.

        Raises:
            NotFoundError: the server does not offer `base_model`.
        """
        if base_model is not None:
            self._check(base_model)
        client = self.service_client.create_sampling_client(model_path, base_model)
        return client.result()

    def get_checkpoint_urls(self, path: str) -> dict[str, str]:
        """Where each file of a checkpoint can be fetched: file name to signed, expiring URL.

        An export (`.../external_weights/NAME`) has its own; a training checkpoint
        (`.../weights/NAME`) is exported first, into a copy that expires after an hour.

        Raises:
            UnsupportedError: sampler weights; the message says what to do.
            NotFoundError: there is no such checkpoint.
        """
        from shared.tinker.exports import exported, file_urls

        return file_urls(self.rest_client, exported(self.service_client, path))

    def get_checkpoint_archive_url(self, path: str) -> str:
        """Gone: Tinker serves no archives any more.

        Raises:
            UnsupportedError: always. It names the calls of today.
        """
        raise UnsupportedError(
            f"Tinker serves no archive of {path} any more (since SDK 0.38): each file has its own "
            "URL. Use TinkerClient.get_checkpoint_urls(path), which is "
            "RestClient.get_external_weights_urls of an export, or "
            "download_and_convert_weights(path, base_model, output_dir), which does all of it."
        )

    def close(self) -> None:
        """End the session. The embedded service goes on until this process ends."""
        self.service_client.close("success").result()

    def _check(self, base_model: str) -> None:
        if base_model not in self._models:
            raise NotFoundError(
                f"{self.address.base_url} offers no model {base_model!r}, only "
                f"{', '.join(self._models)}. `preset().base_model` is the one for the labs."
            )
