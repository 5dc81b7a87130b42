"""The checks of `xaccel doctor`, with one module per topic. Web workers never import them."""
