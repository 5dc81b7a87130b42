"""The command-line interface. Web workers never import it."""
