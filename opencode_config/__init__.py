"""What opencode 1.x does with its configuration: read, predict, edit without loss, and ask the real one."""
