"""Gunicorn's settings in production."""

wsgi_app = "photosite.wsgi"
# nginx passes on the whole path.
raw_env = ["SCRIPT_NAME=/shop"]
workers = 2
threads = 4
