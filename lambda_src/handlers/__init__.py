"""One thin file per function: wiring, record handler, Lambda handler."""
