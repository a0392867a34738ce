"""The page as a reader of it: one browser window, what went wrong in it, and its usual ways."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from serving import ServerUnderTest

PATIENCE_MS = 30_000


@dataclass
class Reading:
    """The page in one browser window, and what went wrong in it unasked."""

    page: Any
    server: ServerUnderTest
    faults: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()
    """Parts of console errors that a test provokes on purpose."""

    async def sign_in(self) -> None:
        """Come in by the door."""
        await self.page.get_by_label("API key").fill(token_of(self.server))
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.get_by_role("button", name="Make the film").wait_for()

    async def go(self, name: str) -> None:
        """Choose a view by its name."""
        await self.page.get_by_role("navigation").get_by_role("link", name=name).click()
        await self.page.get_by_role("heading", name=name, level=1).wait_for()

    async def make(self, prompt: str, *, resolution: str = "480p") -> None:
        """Ask for a film in the studio."""
        await self.page.get_by_label("What the film shows").fill(prompt)
        await self.page.get_by_label(resolution, exact=True).check()
        await self.page.get_by_role("button", name="Make the film").click()

    async def film_ends(self) -> None:
        """Wait until the screen shows the film."""
        await self.page.locator(".screen video").wait_for()

    async def until(self, condition: str) -> None:
        """Look again until an expression is true. (The page's policy forbids wait_for_function.)"""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while not await self.page.evaluate(condition):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)

    async def barriers(self) -> list[str]:
        """What axe calls serious or worse."""
        from axe_playwright_python.async_playwright import Axe

        # Fading parts have no colour of their own yet.
        await self.page.evaluate(
            "Promise.all(document.getAnimations()"
            ".filter(a => a.effect.getTiming().iterations !== Infinity)"
            ".map(a => a.finished.catch(() => null)))"
        )
        found = await Axe().run(self.page)
        return [
            f"{one['id']}: {node['html'][:160]}"
            for one in found.response["violations"]
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"]
        ]


def token_of(server: ServerUnderTest) -> str:
    """The key that the server made for this machine."""
    return (server.data / "client.key").read_text().strip()


Reader = Callable[..., Awaitable[Reading]]
"""Opens the page: what the fixture `read` gives."""
