"""What tests and benchmarks share: clients, sites, servers and images. Nothing here is a test."""
