"""All or nothing, also when killed.

The order is the promise:
1. `lock`: one setup per home; the kernel releases it when the process dies.
2. `recover`: an existing journal belongs to a setup that was killed; it is undone first.
3. `Transaction.apply`: every target is checked against its snapshot; then the journal, with exact copies of
   all that will be replaced, is on disk (synced) before the first change; then each target is checked
   again and replaced in one step, each step durable before the next (a config is never durable before the
   key that it points to).
4. `rollback` and `recover` are the same code and look only at the journal and the disk, so they need not
   know how far the setup came: what is as before is not touched, what we wrote is put back, and what
   somebody else wrote, moved or removed since is kept. A kept config with a part of the setup in it is
   reported, and the copy of what it was before is kept too.
5. `commit` removes the journal. From that moment on the setup is permanent.
"""

from __future__ import annotations

from foundation.transaction.changes import Delete, Protect, Role, TargetChanged, Write
from foundation.transaction.lock import lock
from foundation.transaction.rollback import Left, Recovery, recover
from foundation.transaction.transaction import Transaction

__all__ = [
    "Delete",
    "Left",
    "Protect",
    "Recovery",
    "Role",
    "TargetChanged",
    "Transaction",
    "Write",
    "lock",
    "recover",
]
