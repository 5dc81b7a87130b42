"""Template tag libraries, under both names that easy-thumbnails uses."""
