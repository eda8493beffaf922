"""Further users of a Label Studio that the walk started."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from tests.walk.conftest import RunningStudio

PASSWORD = "walk-Passw0rd!"


@dataclass(frozen=True)
class Person:
    email: str
    token: str


def sign_up(studio: RunningStudio) -> Person:
    """A new user; the owner's invitation lets them in."""
    email = f"{uuid.uuid4().hex[:10]}@example.test"
    with httpx.Client(base_url=studio.url, follow_redirects=True, timeout=60) as owner:
        send_form(owner, "/user/login/", studio.info.email, studio.info.password)
        link = owner.get("/api/invite").json()["invite_url"]
    with httpx.Client(base_url=studio.url, follow_redirects=True, timeout=60) as guest:
        send_form(guest, link, email, PASSWORD)
        assert guest.get("/api/current-user/whoami").json()["email"] == email
        return Person(email, guest.get("/api/current-user/token").json()["token"])


def send_form(session: httpx.Client, path: str, email: str, password: str) -> None:
    """Log in or sign up."""
    session.get(path)
    form = {"email": email, "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
    session.post(path, data=form, headers={"Referer": str(session.base_url)})
