"""The gallery of `xaccel serve`: a directory of pictures as web pages, for development.

The gallery is an ordinary app that uses this package and the standard library. Its pages contain
signed URLs of thumbnails, which `xaccel.wsgi.Thumbnails` serves. The files are served as private
files with the directory as their only root. Hidden files and folders (`.git`, `.ssh`) are not
shown.
"""
