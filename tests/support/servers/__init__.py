"""Real servers for tests, the apps behind them, and what they serve."""
