"""Private files, independent of any framework: this package turns requests into responses."""
