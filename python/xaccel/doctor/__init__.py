"""`xaccel doctor`, a module for each topic that it checks. No web worker imports it."""
