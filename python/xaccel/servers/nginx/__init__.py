"""nginx's configuration.

`configuration` writes the files. Each part of the files has its own module: `http` and `server`
write the blocks with these names, `basics` writes the parts that any app behind nginx needs,
`secure_link` verifies signatures, `thumbnails` sends finished thumbnails, `image_filter` makes
nginx render them, `remotes` and `origins` fetch from other servers, `proxy` passes requests to the
app, `balancer` writes the configuration of a load balancer, and `syntax` quotes values.
"""
