"""Thumbnails: their URLs, the endpoint that serves them, and the sources of the images."""
