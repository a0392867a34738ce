"""Floor 4.

The worker process: takes tasks from the queue, keeps their leases, and has films made in a child
process.
"""
