"""nginx's configuration.

`configuration` writes the files. Their parts have a module each: `http` and `server` are the
blocks of these names, `basics` is what any app behind nginx needs, `secure_link` verifies
signatures, `thumbnails` sends finished thumbnails, `image_filter` makes nginx render them,
`remotes` and `origins` fetch from other servers, `proxy` passes requests on, `balancer` is the
configuration of a load balancer, and `syntax` quotes values.
"""
