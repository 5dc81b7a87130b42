"""Template tag libraries, under both names that sorl-thumbnail uses."""
