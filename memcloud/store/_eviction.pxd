"""Eviction: which entry goes next. The policies are told in sampling.py, lfu.py and s3fifo.py.

S3-FIFO walks over the logs: its queues are the segments in their order, and an entry that goes
around once more is copied to the young end. The policies that rank draw some entries at random,
from all keys or from those with a deadline, and take the lowest. If so few may be evicted that
draws do not find one, the oldest in the logs goes instead.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from ._cleaning cimport relink
from ._entries cimport deadline_of, entry_bytes, key_of
from ._ghosts cimport ghost_add, ghosts_forget
from ._logs cimport log_added, log_append, log_drop, log_kill
from ._segments cimport segment_clear, segment_of
from ._spaces cimport (
    Place,
    accessed_ms,
    decayed,
    may_go,
    note_removed,
    random_below,
    space_find,
    space_remove,
)
from ._structs cimport (
    BY_CHANCE,
    BY_DEADLINE,
    BY_LFU,
    BY_S3FIFO,
    DEAD,
    DEADLINE,
    GROUPS,
    MAIN,
    SEGMENT_BYTES,
    SMALL,
    UNTRACKED,
    VOLATILE_MAY_GO,
    Directory,
    Entry,
    Log,
    Segment,
    Space,
    State,
    Table,
)
from ._tables cimport entry_in, find_due

cdef enum:
    SAMPLES = 10
    DRAWS_MAX = 64
    PROMOTION_COUNT = 2
    SMALL_SHARE = 10


cdef inline uint64_t tracked_count(const Space* space) noexcept nogil:
    """How many entries may be evicted."""
    cdef uint64_t count = space.cache_count
    if space.state.may_go:
        count += space.policy_volatile_count
        if space.state.may_go != VOLATILE_MAY_GO:
            count += space.policy_count
    return count


cdef inline uint32_t _random_slot(
    State* state, const uint32_t* counts, const uint64_t* groups, uint64_t total
) noexcept nogil:
    """A slot, each as likely as it has entries; there is one."""
    cdef uint64_t place = random_below(state, total)
    cdef uint32_t group = 0
    cdef uint32_t slot
    while place >= groups[group]:
        place -= groups[group]
        group += 1
    slot = group * GROUPS
    while place >= counts[slot]:
        place -= counts[slot]
        slot += 1
    return slot


cdef inline Table* _random_table(State* state, const Space* space, uint32_t slot) noexcept nogil:
    """A table of a slot that has keys; large ones are about as large as each other."""
    cdef size_t cell = space.tables[slot]
    cdef Directory* directory
    cdef Table* table = NULL
    if not cell & 1:
        return <Table*>cell
    directory = <Directory*>(cell & ~<size_t>1)
    while table == NULL or table.count == 0:
        table = directory.tables[random_below(state, <uint64_t>1 << directory.depth)]
    return table


cdef inline Entry* random_entry(State* state, const Space* space) noexcept nogil:
    """Any entry, each with the same chance; there must be one."""
    cdef uint32_t slot = _random_slot(state, space.counts, space.groups, space.count)
    cdef Table* table = _random_table(state, space, slot)
    cdef uint64_t bucket = 0
    while not bucket:
        bucket = table.buckets[random_below(state, table.room)]
    return entry_in(bucket)


cdef inline Entry* _random_volatile(State* state, const Space* space) noexcept nogil:
    """An entry with a deadline; NULL if the draw was in vain."""
    cdef uint32_t slot
    cdef Table* table
    slot = _random_slot(state, space.volatile_counts, space.volatile_groups, space.volatile_count)
    table = _random_table(state, space, slot)
    if table.due == NULL or table.due.count == 0:
        return NULL
    return find_due(table, table.due.items[random_below(state, table.due.count)])


cdef inline uint64_t _rank(const State* state, const Entry* entry) noexcept nogil:
    """The entry with the lowest goes first."""
    cdef uint64_t accessed = <uint64_t>accessed_ms(state, entry)
    if state.kind == BY_DEADLINE:
        return <uint64_t>deadline_of(entry) if entry.flags & DEADLINE else <uint64_t>1 << 63
    if state.kind == BY_LFU:
        return <uint64_t>decayed(state, entry) << 48 | accessed
    return accessed


cdef inline Entry* _lowest_of_some(State* state, Space* space) noexcept nogil:
    """The lowest of some entries drawn at random, of those that may go; NULL if none was drawn."""
    cdef Entry* lowest = NULL
    cdef Entry* entry
    cdef uint64_t rank
    cdef uint64_t lowest_rank = 0
    cdef int found = 0
    cdef int draw
    cdef bint is_volatile = state.may_go == VOLATILE_MAY_GO
    if is_volatile and space.volatile_count == 0:
        return NULL
    for draw in range(DRAWS_MAX):
        entry = _random_volatile(state, space) if is_volatile else random_entry(state, space)
        if entry == NULL or not may_go(state, entry.flags):
            continue
        rank = _rank(state, entry)
        if lowest == NULL or rank < lowest_rank:
            lowest, lowest_rank = entry, rank
        found += 1
        if found == SAMPLES or state.kind == BY_CHANCE:
            break
    return lowest


cdef inline Entry* _at_hand(State* state, Log* log) noexcept nogil:
    """The oldest live entry of a log that the hand has not passed; NULL if there is none."""
    cdef Segment* segment
    cdef Entry* entry
    while log.oldest != NULL:
        segment = log.oldest
        while log.hand < segment.used_bytes:
            entry = <Entry*>(<char*>segment + log.hand)
            if not entry.flags & DEAD:
                return entry
            log.hand += entry_bytes(entry)
        if segment == log.youngest and segment.size_bytes == SEGMENT_BYTES:
            state.dead_bytes -= segment.used_bytes - sizeof(Segment)
            segment_clear(segment)
            log.hand = sizeof(Segment)
            return NULL
        log_drop(state, segment)
    return NULL


cdef inline bint _carry(State* state, Log* log, Entry* entry) noexcept:
    """Copy an entry to the young end of a log; False without memory."""
    cdef size_t size = entry_bytes(entry)
    cdef Entry* copy = log_append(state, log, size)
    if copy == NULL:
        return False
    memcpy(copy, entry, size)
    relink(log.space, entry, copy)
    log_added(log, copy)
    log_kill(state, entry, False)
    return True


cdef inline Entry* _next_of_fifo(State* state, Space* space, bint is_s3) noexcept:
    """The next to go by the order of the logs; NULL if none may."""
    cdef Log* small = &space.logs[SMALL]
    cdef Log* main = &space.logs[MAIN]
    cdef Log* target
    cdef Entry* entry
    cdef bint from_small
    while True:
        from_small = (
            small.accounted_bytes * SMALL_SHARE > small.accounted_bytes + main.accounted_bytes
            or main.accounted_bytes == 0
        )
        entry = _at_hand(state, small if from_small else main)
        if entry == NULL:
            from_small = not from_small
            entry = _at_hand(state, small if from_small else main)
            if entry == NULL:
                return NULL
        if not may_go(state, entry.flags):
            target = &space.logs[UNTRACKED]
        elif not is_s3 or entry.counter < (PROMOTION_COUNT if from_small else 1):
            return entry
        else:
            entry.counter = 0 if from_small else entry.counter - 1
            target = main
        if not _carry(state, target, entry):
            return NULL


cdef inline bint _is_on_trial(const Entry* entry) noexcept nogil:
    cdef Log* log = segment_of(entry).log
    return log == &log.space.logs[SMALL]


cdef inline bint space_evict(Space* space) noexcept:
    """Evict one entry of a space; False if none may go."""
    cdef State* state = space.state
    cdef Place place
    cdef Entry* entry = NULL
    cdef uint64_t count
    if tracked_count(space) == 0:
        return False
    if state.kind != BY_S3FIFO:
        entry = _lowest_of_some(state, space)
    if entry == NULL:
        entry = _next_of_fifo(state, space, state.kind == BY_S3FIFO)
    if entry == NULL:
        return False
    space_find(space, key_of(entry), entry.key_bytes, &place)
    if state.kind == BY_S3FIFO and _is_on_trial(entry):
        count = tracked_count(space)
        ghost_add(&space.ghosts, place.hash, count - count // SMALL_SHARE)
    state.evicted_keys += 1
    note_removed(space, entry)
    space_remove(space, &place)
    return True


cdef inline void space_join_logs(Space* space) noexcept nogil:
    """Begin anew after a change of the policy: all entries are one queue, the oldest ones first.

    Those that may not go under the new policy are set aside when the hand comes to them.
    """
    cdef Log* main = &space.logs[MAIN]
    cdef Log* log
    cdef Segment* segment
    cdef Segment* youngest
    cdef int i
    ghosts_forget(&space.ghosts)
    main.survivors = NULL
    for i in range(MAIN):
        log = &space.logs[MAIN - 1 - i]
        log.survivors = NULL
        if log.youngest != NULL and log.youngest.live_bytes == 0:
            log_drop(space.state, log.youngest)
        youngest = log.youngest
        if youngest == NULL:
            continue
        segment = youngest
        while segment != NULL:
            segment.log = main
            segment = segment.older
        youngest.younger = main.oldest
        if main.oldest != NULL:
            main.oldest.older = youngest
        else:
            main.youngest = youngest
        main.oldest = log.oldest
        main.hand = log.hand
        main.accounted_bytes += log.accounted_bytes
        log.oldest = log.youngest = log.survivors = log.cursor = NULL
        log.accounted_bytes = 0
