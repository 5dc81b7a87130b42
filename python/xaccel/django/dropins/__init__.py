"""The shared code of the drop-ins for other thumbnail packages."""
