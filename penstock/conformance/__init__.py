"""Replays the recorded behaviour of AWS (``penstock conform``): a virtual world around the mapping core."""
