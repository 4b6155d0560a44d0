"""What nodes say to each other: messages and frames. No I/O."""
