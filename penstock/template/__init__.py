"""The synthesized template, read: from a cloud assembly to frozen models. The one place that resolves intrinsics."""
