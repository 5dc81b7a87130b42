"""The checks of `xaccel doctor`, with one module per topic. No web worker imports them."""
