"""The view of the other members, and the calls to them. No sockets: messages in, messages out."""
