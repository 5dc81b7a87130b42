"""What `xaccel doctor` checks, by asking a running site. No web worker imports it."""
