"""The command line. No web worker imports it."""
