"""The web servers.

`dialects` is what the running app knows of them: how each is asked to send a file. The other
modules write their configurations, for `xaccel config`; a worker of an app never loads those.
"""
