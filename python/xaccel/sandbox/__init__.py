"""Processes that decode images in a cage, which they enter before they see the first image.

Each process of the app has a pool (`pool`), which starts one launcher (`launcher`). The launcher
loads the native module and the decoders, and never sees an image. It forks the workers (`worker`),
reports how each one ends, and ends with the app's process.
"""
