"""What is deployed: one construct or stack a file, flat; only ``*_stack.py`` hold a stack."""
