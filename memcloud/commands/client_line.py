"""The line of a connection in CLIENT LIST."""

from __future__ import annotations

from memcloud.session import Session

# What a session costs besides its buffers; measured with tracemalloc on CPython 3.11.
SESSION_BYTES = 1400


def describe(session: Session, now_ms: int) -> bytes:
    """Return the line of a session in CLIENT LIST.

    What exists in Redis and not here (subscriptions, transactions, buffers of fixed size) is
    there with the value that it has in an idle Redis, since programs split the line at blanks.
    """
    query_bytes, output_bytes = session.parser.buffered_bytes, session.output_pending_bytes
    fields = (
        f"id={session.id} addr={session.address} laddr={session.local_address} "
        f"fd={session.file_descriptor} name={session.name.decode()} "
        f"age={(now_ms - session.created_ms) // 1000} "
        f"idle={(now_ms - session.traffic.last_active_ms) // 1000} flags={_flags(session)} "
        f"db={session.database} sub=0 psub=0 ssub=0 multi=-1 qbuf={query_bytes} qbuf-free=0 "
        f"argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll={len(session.replies.waiting)} "
        f"omem={output_bytes} tot-mem={SESSION_BYTES + query_bytes + output_bytes} events=r "
        f"cmd={session.traffic.last_command} user={session.user} redir=-1 resp={session.protocol} "
        f"lib-name={session.library_name.decode()} lib-ver={session.library_version.decode()}\n"
    )
    return fields.encode("utf-8", "surrogateescape")


def _flags(session: Session) -> str:
    flags = (
        ("b", bool(session.replies.waiting)),
        ("c", session.is_closing),
        ("U", session.is_unix),
        ("e", session.no_evict),
        ("T", session.no_touch),
    )
    return "".join(letter for letter, is_set in flags if is_set) or "N"
