"""Benches and endurance runs: speed as ratios, and replays of real news with crashes."""
