"""What the drop-ins for other thumbnail packages share."""
