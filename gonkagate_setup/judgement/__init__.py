"""Whether opencode uses GonkaGate, and what keeps it from it: values in, findings out."""
