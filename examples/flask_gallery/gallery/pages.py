"""The pages, and the private files."""

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from xaccel.flask import send_private_file

from gallery import catalogue
from gallery.auth import is_member
from gallery.settings import PHOTOS, PRIVATE

photos = catalogue.load(PHOTOS / "photos.toml")

blueprint = Blueprint("pages", __name__)


@blueprint.app_context_processor
def what_serves() -> dict[str, str]:
    """Provide every page with the name of the web server in front."""
    return {"server": current_app.config["XACCEL"]["SERVER"]}


@blueprint.get("/")
def index() -> str:
    """Show all photographs."""
    return render_template("index.html", photos=photos)


@blueprint.get("/photo/<int:number>")
def photo(number: int) -> str:
    """Show one photograph, counted from 1."""
    if not 1 <= number <= len(photos):
        abort(404)
    return render_template("photo.html", photos=photos, number=number)


@blueprint.get("/members")
def members() -> ResponseReturnValue:
    """Show the page for members only."""
    if not is_member():
        return redirect(url_for("auth.login_form"))
    return render_template(
        "members.html",
        film="Bergwanderung – 山歩き.mp4",  # noqa: RUF001
        invitation="Einladung – Größe & Licht.pdf",  # noqa: RUF001
    )


@blueprint.get("/files/<path:name>")
def private_file(name: str) -> Response:
    """Serve a private file: the app decides who may see it, the web server sends it."""
    if not is_member():
        abort(403)
    return send_private_file(name, root=PRIVATE, as_attachment="download" in request.args)


@blueprint.app_errorhandler(400)
@blueprint.app_errorhandler(403)
@blueprint.app_errorhandler(404)
def error(problem: HTTPException) -> ResponseReturnValue:
    """Show an error page in the style of the gallery."""
    return render_template("error.html", problem=problem), problem.code or 500
