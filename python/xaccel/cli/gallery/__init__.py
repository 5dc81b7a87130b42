"""The gallery of `xaccel serve`: a directory of pictures as web pages, for development.

Written like any app that uses this package and the standard library: its pages sign the URLs of
thumbnails, `xaccel.wsgi.Thumbnails` answers them, and the files are private files, confined to the
directory. Hidden files and folders (`.git`, `.ssh`) are not shown.
"""
