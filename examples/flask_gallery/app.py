"""The module that a WSGI server imports: `gunicorn app:app`."""

from gallery import create_app

app = create_app()
