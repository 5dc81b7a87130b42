"""Thumbnails: their URLs, the endpoint that answers them, and the sources of the images."""
