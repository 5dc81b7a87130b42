//! Decode a JPEG at one eighth of its size from the DC coefficients alone.
