"""Tables: from the keys of a slot to their entries.

A bucket is one word: 16 bits of the hash, the *tag*, above the 48 bits of a pointer. The tag says
where its bucket would best be (its *home*, tag * homes / 2**16), and buckets stand in the order of
their tags with gaps in between (ordered hash tables, Amble and Knuth, 1974, without wrapping
around). So a search ends at the first larger tag, found or not; growing and shrinking are a walk
over the buckets that touches no entry; and a load of 7/8 costs few steps, which with steps of an
eighth in size makes 8 to 10 bytes a key.

16 bits tell some thousand keys apart. A slot with more (a hash tag that a whole application uses)
is split by further bits of the hash into a directory of tables (extendible hashing, Fagin et al.,
1979), one table at a time, so that no growth takes long.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy, memmove

from ._entries cimport deadline_of, key_of
from ._hashing cimport sip_hash
from ._segments cimport check, segment_of
from ._structs cimport DEADLINE, Directory, Due, Entry, Space, State, Table

cdef enum:
    TABLE_COUNT_MAX = 8192  # keys, before a table is split
    DEPTH_MAX = 24
    TAG_SHIFT = 48
    HOMES_MIN = 4
    TAIL = 4  # buckets behind the homes, for what has no room in front of its successors


cdef inline Entry* entry_in(uint64_t bucket) noexcept nogil:
    return <Entry*><uintptr_t>(bucket & 0xFFFFFFFFFFFFULL)


cdef inline uint64_t bucket_for(uint64_t hash, const Entry* entry) noexcept nogil:
    check(<uintptr_t>entry >> TAG_SHIFT == 0)
    return (hash >> TAG_SHIFT) << TAG_SHIFT | <uintptr_t>entry


cdef inline uint32_t _home(const Table* table, uint64_t bucket) noexcept nogil:
    return <uint32_t>(((bucket >> TAG_SHIFT) * table.homes) >> 16)


cdef inline uint64_t hash_of(const State* state, const Entry* entry) noexcept nogil:
    return sip_hash(key_of(entry), entry.key_bytes, state.secret_0, state.secret_1)


cdef inline Directory* _directory(size_t cell) noexcept nogil:
    return <Directory*>(cell & ~<size_t>1)


cdef inline Table* table_for(const Space* space, uint32_t slot, uint64_t hash) noexcept nogil:
    """The table in which a key of the slot would be; NULL if there is none."""
    cdef size_t cell
    if space.tables == NULL:
        return NULL
    cell = space.tables[slot]
    if cell & 1:
        return _directory(cell).tables[hash & ((<uint64_t>1 << _directory(cell).depth) - 1)]
    return <Table*>cell


cdef inline uint64_t* find_bucket(
    Table* table, uint64_t hash, const char* key, size_t key_bytes
) noexcept nogil:
    """The bucket of a key, NULL if it is not there."""
    cdef uint64_t tag = hash >> TAG_SHIFT
    cdef uint64_t* bucket
    cdef Entry* entry
    if table == NULL:
        return NULL
    bucket = table.buckets + ((tag * table.homes) >> 16)
    while bucket[0] >> TAG_SHIFT <= tag and bucket[0]:
        if bucket[0] >> TAG_SHIFT == tag:
            entry = entry_in(bucket[0])
            if entry.key_bytes == key_bytes and memcmp(key_of(entry), key, key_bytes) == 0:
                return bucket
        bucket += 1
    return NULL


cdef inline Entry* likely_entry(Table* table, uint64_t hash) noexcept nogil:
    """The first entry with the tag of a key, which is its own with rare exceptions; or NULL."""
    cdef uint64_t tag = hash >> TAG_SHIFT
    cdef uint64_t* bucket = table.buckets + ((tag * table.homes) >> 16)
    while bucket[0] >> TAG_SHIFT < tag and bucket[0]:
        bucket += 1
    return entry_in(bucket[0]) if bucket[0] >> TAG_SHIFT == tag else NULL


cdef inline uint64_t* bucket_of(Table* table, uint64_t hash, const Entry* entry) noexcept nogil:
    """The bucket of an entry that is there."""
    cdef uint64_t wanted = bucket_for(hash, entry)
    cdef uint64_t* bucket = table.buckets + _home(table, wanted)
    while bucket[0] != wanted:
        check(bucket[0] != 0)
        bucket += 1
    return bucket


cdef inline Table* _table_new(uint32_t homes, uint8_t depth) noexcept nogil:
    cdef uint32_t room = homes + homes // 32 + TAIL
    cdef Table* table = <Table*>calloc(1, sizeof(Table) + room * sizeof(uint64_t))
    if table != NULL:
        table.homes = homes
        table.room = room + 1  # with the one in the struct
        table.depth = depth
    return table


cdef inline size_t table_bytes(const Table* table) noexcept nogil:
    return sizeof(Table) + (table.room - 1) * sizeof(uint64_t)


cdef inline void table_release(Table* table) noexcept nogil:
    """Free a table whose heap of deadlines is somebody else's."""
    if table.is_packed:
        segment_of(table).live_bytes -= table_bytes(table)
    else:
        free(table)


cdef inline void table_free(Table* table) noexcept nogil:
    free(table.due)
    table_release(table)


cdef inline bint _place(Table* table, uint64_t new) noexcept nogil:
    """Put a bucket where its order wants it; False if there is no room for that."""
    cdef uint64_t* end = table.buckets + table.room - 1
    cdef uint64_t* place = table.buckets + _home(table, new)
    cdef uint64_t* gap
    while place[0] and place[0] >> TAG_SHIFT <= new >> TAG_SHIFT:
        place += 1
    gap = place
    while gap[0]:
        gap += 1
    if gap >= end:
        return False
    memmove(place + 1, place, (gap - place) * sizeof(uint64_t))
    place[0] = new
    table.count += 1
    return True


cdef inline Table* _resized(Table* table, uint32_t homes) noexcept nogil:
    """The same buckets in a table of another size; the old one is freed. NULL without memory."""
    cdef Table* fresh
    cdef uint32_t i
    cdef bint fits = False
    while not fits:
        fresh = _table_new(homes, table.depth)
        if fresh == NULL:
            return NULL
        fits = True
        for i in range(table.room):
            if table.buckets[i] and not _place(fresh, table.buckets[i]):
                fits = False
                homes += homes // 4 + 4
                free(fresh)
                break
    fresh.due = table.due
    table_release(table)
    return fresh


cdef inline void replace_table(
    Space* space, uint32_t slot, uint64_t hash, Table* fresh
) noexcept nogil:
    """Let the slot know a table by its new address."""
    cdef size_t cell = space.tables[slot]
    cdef Directory* directory
    cdef uint64_t i
    if not cell & 1:
        space.tables[slot] = <size_t>fresh
        return
    directory = _directory(cell)
    i = hash & ((<uint64_t>1 << fresh.depth) - 1)
    while i < <uint64_t>1 << directory.depth:
        directory.tables[i] = fresh
        i += <uint64_t>1 << fresh.depth


cdef inline Directory* _deeper(Space* space, uint32_t slot) noexcept nogil:
    """The directory of a slot with one bit more, made from a single table if need be."""
    cdef size_t cell = space.tables[slot]
    cdef uint32_t depth = _directory(cell).depth if cell & 1 else 0
    cdef uint64_t length = <uint64_t>1 << depth
    cdef Directory* fresh
    fresh = <Directory*>malloc(sizeof(Directory) + 2 * length * sizeof(Table*))
    if fresh == NULL:
        return NULL
    fresh.depth = depth + 1
    if cell & 1:
        memcpy(fresh.tables, _directory(cell).tables, length * sizeof(Table*))
        free(_directory(cell))
    else:
        fresh.tables[0] = <Table*>cell
    memcpy(fresh.tables + length, fresh.tables, length * sizeof(Table*))
    space.tables[slot] = <size_t>fresh | 1
    return fresh


# Deadlines of a table. An item names a tag and a deadline; it stands for any entry of the table
# with both. One whose entry is gone or has another deadline by now is stale: it costs eight bytes
# until it comes up, or until there are more stale items than others.


cdef inline uint64_t due_item(uint64_t tag, int64_t deadline_ms) noexcept nogil:
    """0 for a deadline that no clock will see."""
    if deadline_ms >= <int64_t>1 << TAG_SHIFT:
        return 0
    return <uint64_t>(deadline_ms if deadline_ms > 1 else 1) << 16 | tag


cdef inline void _sift_up(Due* due, uint32_t child) noexcept nogil:
    cdef uint64_t item = due.items[child]
    while child and due.items[(child - 1) // 2] > item:
        due.items[child] = due.items[(child - 1) // 2]
        child = (child - 1) // 2
    due.items[child] = item


cdef inline uint64_t due_pop(Due* due) noexcept nogil:
    """Take the item of the earliest deadline from a heap that has one."""
    cdef uint64_t top = due.items[0]
    cdef uint64_t item
    cdef uint32_t parent = 0
    cdef uint32_t child = 1
    due.count -= 1
    item = due.items[due.count]
    while child < due.count:
        if child + 1 < due.count and due.items[child + 1] < due.items[child]:
            child += 1
        if due.items[child] >= item:
            break
        due.items[parent] = due.items[child]
        parent = child
        child = 2 * parent + 1
    due.items[parent] = item
    return top


cdef inline void _push(Due* due, uint64_t item) noexcept nogil:
    if item:
        check(due.count < due.room)
        due.items[due.count] = item
        due.count += 1
        _sift_up(due, due.count - 1)


cdef inline Due* _due_grown(Due* due, uint32_t room) noexcept nogil:
    cdef bint is_new = due == NULL
    due = <Due*>realloc(due, sizeof(Due) + room * sizeof(uint64_t))
    if due != NULL:
        due.room = room
        if is_new:
            due.count = 0
            due.volatile_count = 0
    return due


cdef inline Due* _due_made(const Table* table) noexcept nogil:
    """A heap of the deadlines that the entries of a table have now; NULL without memory."""
    cdef Due* due
    cdef uint32_t i
    cdef uint32_t volatile_count = 0
    cdef Entry* entry
    for i in range(table.room):
        if table.buckets[i] and entry_in(table.buckets[i]).flags & DEADLINE:
            volatile_count += 1
    due = _due_grown(NULL, volatile_count + volatile_count // 2 + 4)
    if due == NULL:
        return NULL
    due.volatile_count = volatile_count
    for i in range(table.room):
        if table.buckets[i]:
            entry = entry_in(table.buckets[i])
            if entry.flags & DEADLINE:
                _push(due, due_item(table.buckets[i] >> TAG_SHIFT, deadline_of(entry)))
    return due


cdef inline bint due_reserve(Table* table) noexcept nogil:
    """Have room to note one more deadline; False without memory."""
    cdef Due* due = table.due
    if due == NULL:
        due = _due_grown(NULL, 4)
    elif due.count < due.room:
        return True
    elif due.count > 2 * due.volatile_count + 8:
        due = _due_made(table)
        if due != NULL:
            due.volatile_count = table.due.volatile_count
            free(table.due)
    else:
        due = _due_grown(due, due.room + due.room // 2)
    if due == NULL:
        return False
    table.due = due
    return True


cdef inline void due_add(Table* table, uint64_t item) noexcept nogil:
    """Note the deadline that an entry of the table has now; `due_reserve` came before."""
    table.due.volatile_count += 1
    _push(table.due, item)


cdef inline void due_drop(Table* table) noexcept nogil:
    """An entry has no deadline any more, or another one."""
    check(table.due != NULL and table.due.volatile_count > 0)
    table.due.volatile_count -= 1


cdef inline void due_release(Table* table) noexcept nogil:
    """Do without a heap if no entry has a deadline."""
    if table.due != NULL and table.due.volatile_count == 0:
        free(table.due)
        table.due = NULL


cdef inline Table* _half(const State* state, const Table* table, bint upper) noexcept nogil:
    """The keys of a table whose hashes have the next bit set, or do not; NULL without memory."""
    cdef Table* half = _table_new(table.count, table.depth + 1)
    cdef Table* grown
    cdef uint64_t bucket
    cdef uint32_t i
    for i in range(table.room):
        if half == NULL:
            return NULL
        bucket = table.buckets[i]
        if not bucket or (hash_of(state, entry_in(bucket)) >> table.depth & 1) != upper:
            continue
        while not _place(half, bucket):
            grown = _resized(half, half.homes + half.homes // 8)
            if grown == NULL:
                table_free(half)
                return NULL
            half = grown
    if half != NULL and table.due != NULL:
        half.due = _due_made(half)
        if half.due == NULL:
            table_free(half)
            return NULL
        due_release(half)
    return half


cdef inline bint _split(Space* space, uint32_t slot, uint64_t hash, Table* table) noexcept nogil:
    """Part the keys of a table by the next bit of their hashes; False without memory."""
    cdef size_t cell = space.tables[slot]
    cdef uint64_t bit = <uint64_t>1 << table.depth
    cdef Table* lower
    cdef Table* upper
    if not cell & 1 or _directory(cell).depth == table.depth:
        if _deeper(space, slot) == NULL:
            return False
    lower = _half(space.state, table, False)
    upper = _half(space.state, table, True)
    if lower == NULL or upper == NULL:
        if lower != NULL:
            table_free(lower)
        if upper != NULL:
            table_free(upper)
        return False
    replace_table(space, slot, hash & (bit - 1), lower)
    replace_table(space, slot, (hash & (bit - 1)) | bit, upper)
    table_free(table)
    return True


cdef inline bint insert_bucket(
    Space* space, uint32_t slot, uint64_t hash, const Entry* entry, Table** where
) noexcept nogil:
    """Enter a key that is not there. ``where`` is its table then; False without memory."""
    cdef Table* table
    cdef Table* fresh
    if space.tables[slot] == 0:
        fresh = _table_new(HOMES_MIN, 0)
        if fresh == NULL:
            return False
        space.tables[slot] = <size_t>fresh
    table = table_for(space, slot, hash)
    while (
        table.count * <uint64_t>8 >= table.homes * <uint64_t>7
        or not _place(table, bucket_for(hash, entry))
    ):
        if table.count > TABLE_COUNT_MAX and table.depth < DEPTH_MAX:
            if not _split(space, slot, hash, table):
                return False
            table = table_for(space, slot, hash)
            continue
        fresh = _resized(table, table.homes + table.homes // 8 + 4)
        if fresh == NULL:
            return False
        replace_table(space, slot, hash, fresh)
        table = fresh
    where[0] = table
    return True


cdef inline void remove_bucket(Table* table, uint64_t* bucket) noexcept nogil:
    """Empty a bucket, and let those behind it move towards their homes."""
    cdef uint64_t* behind = bucket + 1
    while behind[0] and table.buckets + _home(table, behind[0]) < behind:
        behind += 1
    memmove(bucket, bucket + 1, (behind - bucket - 1) * sizeof(uint64_t))
    (behind - 1)[0] = 0
    table.count -= 1


cdef inline void free_slot(size_t cell) noexcept nogil:
    cdef Directory* directory
    cdef uint64_t i
    if cell & 1:
        directory = _directory(cell)
        # A table that several places share is freed at the first of them, which is met last.
        i = <uint64_t>1 << directory.depth
        while i:
            i -= 1
            if i < <uint64_t>1 << directory.tables[i].depth:
                table_free(directory.tables[i])
        free(directory)
    elif cell:
        table_free(<Table*>cell)


cdef inline void shrink_table(Space* space, uint32_t slot, uint64_t hash, Table* table) noexcept nogil:
    """Give memory back if a table has become much too large for its keys."""
    cdef Table* fresh
    cdef uint64_t before_bytes
    if space.counts[slot] == 0:
        space.state.shrunk_bytes += HOMES_MIN * sizeof(uint64_t)
        space.state.shrunk_ms = space.state.now_ms
        free_slot(space.tables[slot])
        space.tables[slot] = 0
    elif table.homes > 64 and table.count * <uint64_t>4 < table.homes:
        before_bytes = table_bytes(table)
        fresh = _resized(table, table.count * 5 // 4 + HOMES_MIN)
        if fresh != NULL:
            space.state.shrunk_bytes += before_bytes - table_bytes(fresh)
            space.state.shrunk_ms = space.state.now_ms
            replace_table(space, slot, hash, fresh)


cdef inline bint slot_next(const Space* space, uint32_t slot, uint32_t* part, Table** table) noexcept nogil:
    """Step through the tables of a slot: ``part`` begins with 0. False: there was no other."""
    cdef size_t cell = space.tables[slot]
    cdef Directory* directory
    if not cell & 1:
        table[0] = <Table*>cell
        part[0] += 1
        return cell != 0 and part[0] == 1
    directory = _directory(cell)
    while part[0] < <uint32_t>1 << directory.depth:
        table[0] = directory.tables[part[0]]
        part[0] += 1
        if part[0] <= <uint32_t>1 << table[0].depth:  # at the first of its places
            return True
    return False


cdef inline uint64_t hash_in(const Space* space, uint32_t slot, const Table* table) noexcept nogil:
    """The low bits that the hashes of all keys in a table share."""
    cdef size_t cell = space.tables[slot]
    cdef uint64_t i = 0
    if cell & 1:
        while _directory(cell).tables[i] != table:
            i += 1
    return i


cdef inline Entry* find_due(Table* table, uint64_t item) noexcept nogil:
    """An entry that an item of the heap stands for; NULL if the item is stale."""
    cdef uint64_t tag = item & 0xFFFF
    cdef uint64_t* bucket = table.buckets + ((tag * table.homes) >> 16)
    cdef Entry* entry
    while bucket[0] and bucket[0] >> TAG_SHIFT <= tag:
        if bucket[0] >> TAG_SHIFT == tag:
            entry = entry_in(bucket[0])
            if entry.flags & DEADLINE and due_item(tag, deadline_of(entry)) == item:
                return entry
        bucket += 1
    return NULL
