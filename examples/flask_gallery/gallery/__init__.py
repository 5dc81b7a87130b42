"""A photo gallery with public thumbnails, and private files for members."""

from pathlib import Path

from flask import Flask
from xaccel.flask import XAccel

from gallery import auth, pages, settings


def create_app() -> Flask:
    """Create the application from environment variables; see `gallery.settings`."""
    app = Flask(__name__)
    app.config.from_mapping(settings.from_environment(default_data=Path(app.instance_path)))
    XAccel(app)
    app.register_blueprint(auth.blueprint)
    app.register_blueprint(pages.blueprint)
    return app
