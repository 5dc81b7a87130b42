"""Files that start the app, such as systemd units, written from the app's settings."""
