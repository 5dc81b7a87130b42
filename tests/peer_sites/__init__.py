"""Small Django sites, each written for another thumbnail package, which also run on its drop-in."""
