"""Processes that decode images in a cage, which they enter before they see the first image.

The app's process has a pool (`pool`). The pool starts one launcher per process (`launcher`), which
loads the module and the decoders and never sees an image. The launcher forks the workers
(`worker`), reports how each one ends, and ends with the app's process.
"""
