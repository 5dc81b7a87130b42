"""Private files, independent of any framework: a request in; status, headers and body out."""
