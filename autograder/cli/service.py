"""The command `labkit serve`: run a Tinker service, and ask or stop a running one."""

from __future__ import annotations

import os
import shlex
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autograder.errors import CheckFailed, EnvironmentRefused, LabkitError

if TYPE_CHECKING:
    from shared.tinker.embedded import EmbeddedService

PANEL = "Service and research"
_LOG_LINES = 50
_STOP_SECONDS = 15.0


def register(app: typer.Typer) -> None:
    """Add `serve` to `app`."""
    app.command(rich_help_panel=PANEL)(serve)


Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model", metavar="MODEL", help="Serve this too: a folder, a hub name, or NAME=FOLDER."
    ),
]
Host = Annotated[str, typer.Option(help="Address to listen at.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to compute.")]
State = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where runs and checkpoints are kept between starts."),
]
StandIns = Annotated[
    bool, typer.Option(help="Serve the tiny model also under the names that recipes hard-code.")
]
Status = Annotated[bool, typer.Option("--status", help="Tell how the running one is.")]
Stop = Annotated[bool, typer.Option("--stop", help="Stop the running one.")]
Logs = Annotated[bool, typer.Option("--logs", help="Show the end of its log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def serve(
    model: Models = None,
    host: Host = "127.0.0.1",
    port: Port = 0,
    device: Device = "auto",
    state: State = None,
    stand_ins: StandIns = True,
    status: Status = False,
    stop: Stop = False,
    logs: Logs = False,
    as_json: AsJson = False,
) -> None:
    """Run a Tinker service on this machine until Ctrl-C; no key, no network, no GPU needed.

    It prints two `export` lines. Where they are set, `connect()`, the Tinker SDK, its cookbook and
    the `tinker` command use this service. Labs need none of this: they start their own.
    """
    from shared.tinker.state import user_state

    if status + stop + logs > 1:
        raise LabkitError("--status, --stop and --logs are three questions: ask one at a time.")
    folder = (state or user_state()).expanduser().resolve()
    if status:
        _status(folder, as_json=as_json)
    elif stop:
        _stop(folder, as_json=as_json)
    elif logs:
        _logs(folder)
    else:
        if device not in ("auto", "cpu", "cuda"):
            raise LabkitError(f"--device is auto, cpu or cuda, not {device}.")
        options = ("--host", host, "--port", str(port))
        _run(folder, model or [], device, stand_ins, options, as_json=as_json)


def _run(
    folder: Path,
    models: list[str],
    device: str,
    stand_ins: bool,
    options: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    from shared.tinker.embedded import EmbeddedService
    from shared.tinker.errors import UnreachableError, UserError

    began = time.monotonic()
    try:
        service = EmbeddedService.start(
            folder, models, device, stand_ins=stand_ins, options=options
        )
    except UserError as error:
        raise LabkitError(str(error)) from error
    except UnreachableError as error:
        raise EnvironmentRefused(str(error)) from error
    with service:
        try:
            _greet(service, as_json=as_json)
            _tell_ready(service, began, as_json=as_json)
            code = service.wait()
        except KeyboardInterrupt:
            if not as_json:
                typer.echo("\nStopping the service. What was saved is kept.")
            return
    if code:
        raise EnvironmentRefused(f"The service ended ({service.ended()}). See labkit serve --logs.")


def _greet(service: EmbeddedService, *, as_json: bool) -> None:
    if as_json:
        _print(
            {
                "event": "listening",
                "url": service.url,
                "key": service.key,
                "pid": service.pid,
                "state": str(service.state),
            }
        )
        return
    typer.echo(
        f"The Tinker service listens at {service.url} (pid {service.pid}).\n"
        "Copy these two lines into the terminal that is to use it:\n\n"
        f"    export TINKER_BASE_URL={service.url}\n"
        f"    export TINKER_API_KEY={shlex.quote(service.key)}\n\n"
        f"Runs and checkpoints are kept in {service.state}. Ctrl-C stops it."
    )


def _tell_ready(service: EmbeddedService, began: float, *, as_json: bool) -> None:
    """Wait for the model to be loaded; if the process ends before, the caller tells."""
    from shared.tinker.errors import UnreachableError

    while service.alive:
        try:
            said = service.status()
        except UnreachableError:
            said = {}
        if trouble := said.get("trouble"):
            raise EnvironmentRefused(f"The model cannot be loaded: {trouble}")
        if said.get("ready"):
            if as_json:
                _print({"event": "ready", **said})
            else:
                seconds = time.monotonic() - began
                typer.echo(f"Ready after {seconds:.1f} s: {_names(said)}.")
            return
        time.sleep(0.2)


def _names(said: dict[str, Any]) -> str:
    """What is served; stand-ins are the tiny model whatever they are called, so only counted."""
    borrowed: list[str] = said.get("stand_ins", [])
    names = ", ".join(name for name in said.get("models", []) if name not in borrowed)
    return names + (f", and as a stand-in for {len(borrowed)} others" if borrowed else "")


def _status(folder: Path, *, as_json: bool) -> None:
    from shared.tinker.errors import UnreachableError
    from shared.tinker.state import in_use, kit_status, read_running

    running = read_running(folder)
    if running is None or not in_use(folder):
        if as_json:
            _print({"running": False, "state": str(folder)})
        raise CheckFailed(f"No service runs on {folder}. Start one with `labkit serve`.")
    try:
        said = kit_status(running)
    except UnreachableError as error:
        raise EnvironmentRefused(
            f"{error} End it with `kill {running.pid}`, or `kill -9`."
        ) from error
    facts = {"running": True, "url": running.url, "pid": running.pid, "state": str(folder), **said}
    if as_json:
        _print(facts)
        return
    typer.echo(f"{'models':16} {_names(said)}")
    for name, value in facts.items():
        if isinstance(value, str | int | float | bool):
            shown = round(value, 1) if isinstance(value, float) else value
            typer.echo(f"{name:16} {shown}")
    typer.echo(f"{'key':16} in {folder / 'service.json'}")


def _stop(folder: Path, *, as_json: bool) -> None:
    from shared.tinker.errors import UnreachableError
    from shared.tinker.state import in_use, kit_status, read_running

    running = read_running(folder)
    if running is None or not in_use(folder):
        raise CheckFailed(f"No service runs on {folder}.")
    try:
        kit_status(running)  # it is that service which has the process id, not a later program
    except UnreachableError as error:
        raise EnvironmentRefused(
            f"{error} It is not certain that process {running.pid} is the service; look, then end "
            f"it with `kill {running.pid}`."
        ) from error
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while in_use(folder):
        if time.monotonic() > deadline:
            raise EnvironmentRefused(
                f"The service (pid {running.pid}) did not end within {_STOP_SECONDS:g} s. "
                f"`kill -9 {running.pid}` ends it; what was saved is kept."
            )
        time.sleep(0.1)
    if as_json:
        _print({"stopped": running.pid})
    else:
        typer.echo(f"Stopped the service at {running.url} (pid {running.pid}).")


def _logs(folder: Path) -> None:
    from shared.tinker.embedded import ERRORS_LOG
    from shared.tinker.state import tail

    lines = tail(folder / "service.log", _LOG_LINES)
    errors = tail(folder / ERRORS_LOG, _LOG_LINES)
    if not lines and not errors:
        raise CheckFailed(f"There is no log in {folder}: no service ran there.")
    for line in lines:
        typer.echo(line)
    if errors:
        typer.echo(f"-- {ERRORS_LOG} --")
        for line in errors:
            typer.echo(line)


def _print(fact: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps(fact))
