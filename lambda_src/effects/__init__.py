"""The AWS calls of the functions, one module per resource, and the idempotency ladder that they stand on.

Lambda delivers at least once. Each effect takes the cheapest rung that is exact for it, and says which:

1. *by design*: `fenced_table` for rows that only move forward; a condition on the key or the status (`orders_table`),
   or a name that a repetition has as well (`statistics_table`).
2. *fold*: `fold` for the newest of each key in a batch, `window_fold` for a tumbling window.
3. *together*: `together` for a marker and an effect in one transaction.
4. *Powertools idempotency*: `idempotency` for effects outside DynamoDB.

`ordered_batch` and `queue_batch` process batches in part; `patience` says how long an invocation goes on trying.
"""
