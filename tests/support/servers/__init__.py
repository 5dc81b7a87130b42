"""Real servers for tests, the apps behind them, and the files that they serve."""
