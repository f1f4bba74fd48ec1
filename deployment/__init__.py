"""What stands around a deployment: looked at before, cleared away after. It speaks to AWS with your credentials."""
