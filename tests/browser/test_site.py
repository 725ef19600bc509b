"""The built site in a browser: it asks nobody else for anything, and fits a phone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

PAGES = [
    "index.html",
    "start/install.html",
    "start/tinker.html",
    "start/grading.html",
    "labs/index.html",
    "instructors/course.html",
    "instructors/security.html",
    "reference/cli.html",
    "reference/api.html",
    "reference/protocol.html",
    "reference/base-model.html",
    "about.html",
]
SIZES = {"desktop": (1280, 800), "phone": (360, 740)}


class Quiet(SimpleHTTPRequestHandler):
    """Serves without writing a log."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(built_site: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(built_site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def requests_of(page: Page) -> list[str]:
    """Addresses the page asks for from now on."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    return seen


def complaints_of(page: Page) -> list[str]:
    """What the page writes to its console as an error from now on."""
    seen: list[str] = []
    page.on("console", lambda line: seen.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: seen.append(str(error)))
    return seen


def test_no_page_asks_anything_from_outside(page: Page, address: str) -> None:
    seen, complaints = requests_of(page), complaints_of(page)
    for name in PAGES:
        response = page.goto(address + name, wait_until="networkidle")
        assert response is not None
        assert response.ok, name
    outside = [url for url in seen if not url.startswith((address, "data:", "blob:"))]
    assert outside == []
    assert complaints == []


def test_it_works_from_the_file_system(page: Page, built_site: Path) -> None:
    seen, complaints = requests_of(page), complaints_of(page)
    page.goto((built_site / "index.html").as_uri(), wait_until="networkidle")
    assert [url for url in seen if not url.startswith(("file:", "data:", "blob:"))] == []
    assert complaints == []


def test_search_finds_a_page_without_a_server(page: Page, built_site: Path) -> None:
    page.goto((built_site / "index.html").as_uri(), wait_until="networkidle")
    page.keyboard.press("/")
    page.keyboard.type("reproach")
    results = page.locator(".md-search-result__link")
    results.first.wait_for(timeout=10_000)
    assert "start/grading.html" in str(results.first.get_attribute("href"))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways(browser: Browser, address: str, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    wide = {}
    for name in PAGES:
        page.goto(address + name)
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            wide[name] = needed
    body = page.locator("body")
    assert (
        body.get_attribute("data-md-color-scheme") == {"light": "default", "dark": "slate"}[scheme]
    )
    context.close()
    assert wide == {}
