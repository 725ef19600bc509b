"""The aiohttp application: one table of routes, one middleware, one background watch.

No torch and no paths of the state folder here. `server` gives it a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import partial

from aiohttp import web

from shared.tinker.service import (
    kit_routes,
    model_routes,
    rest_routes,
    sampling_routes,
    saving_routes,
    session_routes,
    training_routes,
)
from shared.tinker.service.access import HOSTS, SERVICE, guard
from shared.tinker.service.core import Service

ROUTES: tuple[web.RouteDef, ...] = (
    *session_routes.ROUTES,
    *model_routes.ROUTES,
    *training_routes.ROUTES,
    *saving_routes.ROUTES,
    *sampling_routes.ROUTES,
    *rest_routes.ROUTES,
    *kit_routes.ROUTES,
)

NOT_SERVED: Mapping[str, str] = {
    "auth/token": "pjwt_auth_enabled is false",
    "auth/apikey/me": "asks the hosted account service who one is (`tinker auth`)",
    "create_custom_loss": "custom_loss_server_side is false",
    "join_sampling_session": "sample_join_sampling_session is false",
    "retrieve_futures": "sample_use_retrieve_futures is false",
    "copy_weights": "copies between accounts; publish a checkpoint instead",
    "audit": "hosted accounts only",
    "billing/usage/events": "hosted accounts only",
    "billing/usage/checkpoints/current": "hosted accounts only",
    "sessions/{}/project": "there are no projects here",
    "sessions/{}/trace_export": "no traces are kept",
    "sessions/search": "there is no search; GET sessions lists them",
}
"""Paths that SDK 0.38.0 knows and this service has not, parameters as {}, each with its reason."""


def build_app(service: Service, hosts: Iterable[str] = ()) -> web.Application:
    """The application of a service.

    Args:
        service: opened, not started; it starts and stops with the application.
        hosts: the only names a Host header may name; none: any.
    """
    app = web.Application(middlewares=[guard], client_max_size=service.limits.body_bytes)
    app[SERVICE] = service
    app[HOSTS] = frozenset(name.lower() for name in hosts)
    app.add_routes(ROUTES)
    app.cleanup_ctx.append(partial(_at_work, service))
    return app


async def _at_work(service: Service, app: web.Application) -> AsyncIterator[None]:
    service.start()
    watch = asyncio.create_task(service.watch())
    yield
    watch.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watch
