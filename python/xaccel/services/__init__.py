"""Files that start the app: units of systemd, and so on, written from the app's settings."""
