"""The web servers.

The running app uses `dialects`, which defines how to make each server send a file. The other
modules generate server configurations for `xaccel config`. An app's workers never load them.
"""
