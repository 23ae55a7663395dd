"""Measurements that chose something: ablation, noise, what the last layer gives away."""
