"""Logging in and out: one demonstration member, a signed session cookie, a form token."""

import secrets

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

NAME, PASSWORD = "demo", "xaccel"

blueprint = Blueprint("auth", __name__)


@blueprint.app_template_global()
def is_member() -> bool:
    """Return whether the visitor has logged in."""
    return session.get("member") == NAME


@blueprint.app_template_global()
def form_token() -> str:
    """Return the token that every form of this session has to send back."""
    token: str = session.setdefault("form_token", secrets.token_urlsafe(16))
    return token


@blueprint.get("/login")
def login_form() -> str:
    """Show the login form, with the name and password to enter."""
    return render_template("login.html", name=NAME, password=PASSWORD)


@blueprint.post("/login")
def login() -> ResponseReturnValue:
    """Log a member in."""
    _check_form_token()
    right_name = _same(request.form.get("name", ""), NAME)
    right_password = _same(request.form.get("password", ""), PASSWORD)
    if not (right_name and right_password):
        page = render_template("login.html", name=NAME, password=PASSWORD, failed=True)
        return page, 401
    session.clear()
    session["member"] = NAME
    return redirect(url_for("pages.members"))


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Log the visitor out."""
    _check_form_token()
    session.clear()
    return redirect(url_for("pages.index"))


def _check_form_token() -> None:
    if not _same(request.form.get("token", ""), form_token()):
        abort(400, "This form has expired. Go back, reload the page and try again.")


def _same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode(), expected.encode())
