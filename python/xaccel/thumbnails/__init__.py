"""Thumbnails: their URLs, the endpoint that responds with them, and the sources of the images."""
