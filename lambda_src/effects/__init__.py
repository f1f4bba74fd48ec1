"""The AWS calls of the functions, one module per resource; each says which rung of the idempotency ladder it is."""
