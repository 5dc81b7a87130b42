"""Private files, whatever the framework: request facts in; status, headers and body out."""
