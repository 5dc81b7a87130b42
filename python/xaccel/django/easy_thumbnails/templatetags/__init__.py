"""Template tag libraries, under both names that easy-thumbnails has for them."""
