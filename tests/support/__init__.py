"""Helpers for tests and benchmarks: clients, sites, servers and images. None of them is a test."""
