"""Private files, independent of any framework. Turns a request into a response."""
