"""A browser for tests: it keeps cookies, and fills in our forms as they are."""

import re
from typing import Any

import httpx

from regulars.testing.app import App

__all__ = ["Browser"]

FORM_TOKEN = re.compile(r'name="form_token" value="([^"]*)"')


class Browser:
    """Visits pages of the app over https, and follows no redirect unless it is told to."""

    def __init__(self, app: App) -> None:
        self.client = app.browser()
        self.page: httpx.Response | None = None

    @property
    def form_token(self) -> str:
        """Return what the forms of the page that was seen last carry."""
        assert self.page is not None
        found = FORM_TOKEN.search(self.page.text)
        assert found is not None, self.page.text
        return found[1]

    async def visit(self, path: str) -> httpx.Response:
        """Return the page at this path."""
        self.page = await self.client.get(path)
        return self.page

    async def send(self, path: str, **fields: Any) -> httpx.Response:
        """Return the answer to the form of the last page, with its token."""
        return await self.client.post(path, data={"form_token": self.form_token, **fields})

    async def sign_in(self, key: str, *, next: str = "") -> httpx.Response:
        """Sign in with a key, as a person does."""
        await self.visit("/console/sign-in")
        return await self.send("/console/sign-in", key=key, next=next)

    async def sign_in_elsewhere(self, next: str = "") -> httpx.Response:
        """Sign in at the identity provider, and come back as it says; return the answer to coming back."""
        leaving = await self.client.get("/console/sign-in/provider", params={"next": next})
        async with httpx.AsyncClient() as outside:
            sent_back = await outside.get(leaving.headers["location"])
        return await self.client.get(sent_back.headers["location"])

    async def close(self) -> None:
        """Close it."""
        await self.client.aclose()
