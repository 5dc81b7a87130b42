"""The web servers.

`dialects` is used by the running app: it defines how to make each server send a file. The other
modules generate server configurations for `xaccel config`. An app's workers never load them.
"""
