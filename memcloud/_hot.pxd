"""The hot commands: each does exactly what its handler in `memcloud.commands` does.

They take their arguments from where they were received and write their replies behind those before.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memset

from memcloud.store._entries cimport (
    deadline_of, key_of, object_bytes, object_of, put_object, value_of,
)
from memcloud.store._hashing cimport slot_of
from memcloud.store._spaces cimport (
    Content,
    Place,
    count_deadline_again,
    note_access,
    space_resized,
    space_find_live,
    space_find_live_at,
    space_insert,
    space_remove,
    space_replace,
)
from memcloud.store._store_c cimport Keyspace
from memcloud.store._structs cimport (
    CACHE,
    DEADLINE,
    INLINE_BYTES_MAX,
    OBJECT,
    PINNED,
    Entry,
    Space,
    State,
)

from ._floats cimport FLOAT_BYTES_MAX, add_floats
from ._output cimport Output, put, put_nil, put_number, put_string
from ._requests cimport Argument, parse_integer, read_integer, write_integer
from ._session_c cimport Engine, Request

cdef extern from "Python.h":
    # With pointers instead of objects, since each reference counts.
    Py_ssize_t references "Py_REFCNT"(PyObject*)
    int is_exact_bytes "PyBytes_CheckExact"(PyObject*)
    int resize "_PyBytes_Resize"(PyObject**, Py_ssize_t) except -1
    char* bytes_of "PyBytes_AS_STRING"(PyObject*)

cdef enum:
    OBJECT_OVERHEAD_BYTES = 64
    EMBEDDED_BYTES_MAX = 44  # see commands/object.py
    SCAN_COUNT_DEFAULT = 10

cdef extern from *:
    """
    #define MEMCLOUD_AMOUNT_MAX 1000000000000LL
    """
    # Far beyond any deadline that makes sense, and far from the ends of 64 bits.
    const int64_t AMOUNT_MAX "MEMCLOUD_AMOUNT_MAX"

cdef enum Number:
    GET
    SET
    MGET
    MSET
    DEL
    UNLINK
    EXISTS
    TOUCH
    INCR
    DECR
    INCRBY
    DECRBY
    APPEND
    STRLEN
    GETRANGE
    SUBSTR
    SETRANGE
    SETNX
    SETEX
    PSETEX
    GETSET
    GETDEL
    GETEX
    TYPE
    TTL
    PTTL
    EXPIRETIME
    PEXPIRETIME
    EXPIRE
    PEXPIRE
    EXPIREAT
    PEXPIREAT
    PERSIST
    PING
    ECHO
    OBJECT_ENCODING
    INCRBYFLOAT
    MSETNX
    COPY
    RENAME
    RENAMENX
    DBSIZE
    RANDOMKEY
    SCAN


cdef inline bint is_word(const Argument* argument, const char* word, size_t size) noexcept nogil:
    """Whether an argument is that word of small letters, in any case."""
    cdef size_t i
    if argument.size != size:
        return False
    for i in range(size):
        if argument.data[i] | 0x20 != word[i]:
            return False
    return True


cdef inline int key_count(int number, int count) noexcept nogil:
    """How many keys a command of so many arguments has."""
    if number in (PING, ECHO, DBSIZE, RANDOMKEY, SCAN):
        return 0
    if number in (MGET, DEL, UNLINK, EXISTS, TOUCH):
        return count - 1
    if number in (MSET, MSETNX):
        return count // 2
    return 2 if number in (COPY, RENAME, RENAMENX) else 1


cdef inline bint is_served_here(Engine engine, const Request* request) noexcept:
    """Whether all that a command is about lives here."""
    cdef Argument* key
    cdef uint32_t slot
    cdef int i
    if engine.is_alone and request.key_count != 1:
        return True
    for i in range(request.key_count):
        if i < request.place_count:
            slot = request.places[i].slot
        else:
            key = &request.arguments[request.first_key + i * request.key_step]
            slot = slot_of(key.data, key.size)
        if engine.direct[slot] < request.hot.leave:
            return False
        # Only some commands may have keys of several slots.
        if slot != request.places[0].slot and request.hot.number in (COPY, RENAME, RENAMENX, MSETNX):
            return False
    return request.key_count > 0 or request.hot.number in (PING, ECHO)


cdef inline Entry* find_key(Engine engine, Space* space, int number, Place* place) noexcept:
    """The live entry of a key of the command that is run, by its number from 0."""
    cdef Request* request = engine.request
    cdef Argument* key = &engine.arguments[request.first_key + number * request.key_step]
    if number < request.place_count:
        place.slot = request.places[number].slot
        place.hash = request.places[number].hash
        return space_find_live_at(space, key.data, key.size, place)
    return space_find_live(space, key.data, key.size, place)


cdef inline bint is_string(const Entry* entry) noexcept:
    return not entry.flags & OBJECT or type(<object>object_of(entry)) is bytes


cdef inline bint is_served(Engine engine, const Entry* entry) noexcept:
    """Whether a value can be the reply: a string, and for another member not a large one."""
    if not entry.flags & OBJECT:
        return True
    return not engine.is_serving and type(<object>object_of(entry)) is bytes


cdef inline size_t string_bytes(const Entry* entry) noexcept:
    """The length of a value that is a string."""
    if entry.flags & OBJECT:
        return PyBytes_GET_SIZE(<object>object_of(entry))
    return entry.value_bytes


cdef inline const char* string_data(const Entry* entry) noexcept:
    if entry.flags & OBJECT:
        return PyBytes_AS_STRING(<object>object_of(entry))
    return value_of(entry)


cdef inline int put_value(Engine engine, const Entry* entry) except -1:
    if entry.flags & OBJECT:
        engine.put_object(<object>object_of(entry))
    else:
        put_string(&engine.output, value_of(entry), entry.value_bytes)
    return 0


cdef inline void count_access(State* state, Entry* entry) noexcept:
    """What `Keyspace.get` does to statistics and to the entry."""
    if entry == NULL:
        state.misses += 1
    else:
        state.hits += 1
        note_access(state, entry)


cdef inline int store_value(
    Space* space, const Argument* key, Place* place, Entry* entry, const Argument* value,
    uint8_t flags, int64_t deadline_ms,
) except -1:
    """What `Keyspace.set` does, to the entry that was found (or not)."""
    cdef Content content
    cdef object large
    content.flags = flags
    content.deadline_ms = deadline_ms
    content.value = value.data
    content.value_bytes = value.size
    content.object = NULL
    content.object_bytes = 0
    if value.size > INLINE_BYTES_MAX:
        large = PyBytes_FromStringAndSize(value.data, value.size)
        content.value_bytes = 0
        content.object = <PyObject*>large
        content.object_bytes = value.size + OBJECT_OVERHEAD_BYTES
    if entry == NULL:
        entry = space_insert(space, key.data, key.size, place, &content)
    else:
        note_access(space.state, entry)
        entry = space_replace(space, key.data, key.size, place, &content)
    if entry == NULL:
        raise MemoryError("no memory for a key")
    return 0


cdef inline uint8_t kept_flags(const Space* space, const Entry* entry) noexcept:
    """The flags that an entry has for `Keyspace.replace`."""
    return space.retention if entry == NULL else entry.flags & (DEADLINE | PINNED | CACHE)


cdef inline int64_t kept_deadline(const Entry* entry) noexcept:
    return deadline_of(entry) if entry != NULL and entry.flags & DEADLINE else 0


cdef inline bint run_get(Engine engine, Space* space, int protocol) except -1:
    cdef Place place
    cdef Entry* entry
    entry = find_key(engine, space, 0, &place)
    if entry != NULL and not is_served(engine, entry):
        return False
    count_access(space.state, entry)
    if entry == NULL:
        put_nil(&engine.output, protocol)
    else:
        put_value(engine, entry)
    return True


cdef inline bint run_set(Engine engine, Space* space, int count, int protocol) except -1:
    cdef Argument* arguments = engine.arguments
    cdef Argument* option
    cdef Place place
    cdef Entry* entry
    cdef int64_t amount = 0
    cdef int64_t deadline_ms = 0
    cdef bint is_new_only = False
    cdef bint is_old_only = False
    cdef bint is_getting = False
    cdef bint is_keeping = False
    cdef bint has_deadline = False
    cdef uint8_t flags
    cdef int i = 3
    while i < count:
        option = &arguments[i]
        if is_word(option, b"nx", 2) and not is_old_only:
            is_new_only = True
        elif is_word(option, b"xx", 2) and not is_new_only:
            is_old_only = True
        elif is_word(option, b"get", 3):
            is_getting = True
        elif is_word(option, b"keepttl", 7) and not has_deadline:
            is_keeping = True
        elif (
            not has_deadline
            and not is_keeping
            and i + 1 < count
            and (is_word(option, b"ex", 2) or is_word(option, b"px", 2))
        ):
            if not read_integer(&arguments[i + 1], &amount) or not 0 < amount < AMOUNT_MAX:
                return False
            has_deadline = True
            deadline_ms = space.state.now_ms + (
                amount * 1000 if option.data[0] | 0x20 == c"e" else amount
            )
            i += 1
        else:
            return False
        i += 1
    entry = find_key(engine, space, 0, &place)
    if is_getting:
        if entry != NULL and not is_served(engine, entry):
            return False
        count_access(space.state, entry)
        if entry != NULL:
            put_value(engine, entry)
    if is_getting and entry == NULL:
        put_nil(&engine.output, protocol)
    if (is_new_only and entry != NULL) or (is_old_only and entry == NULL):
        if not is_getting:
            put_nil(&engine.output, protocol)
        return True
    flags = space.retention
    if is_keeping and entry != NULL and entry.flags & DEADLINE:
        flags |= DEADLINE
        deadline_ms = deadline_of(entry)
    elif has_deadline:
        flags |= DEADLINE
    store_value(space, &arguments[1], &place, entry, &arguments[2], flags, deadline_ms)
    if not is_getting:
        put(&engine.output, b"+OK\r\n", 5)
    return True


cdef inline bint run_add(Engine engine, Space* space, int number) except -1:
    cdef Argument* key = &engine.arguments[1]
    cdef Argument text
    cdef char digits[24]
    cdef Place place
    cdef Entry* entry
    cdef int64_t amount = 1
    cdef int64_t total = 0
    if number in (INCRBY, DECRBY) and not read_integer(&engine.arguments[2], &amount):
        return False
    if number in (DECR, DECRBY):
        if amount == -0x7FFFFFFFFFFFFFFF - 1:
            return False
        amount = -amount
    entry = find_key(engine, space, 0, &place)
    if entry != NULL:
        if entry.flags & OBJECT or not parse_integer(value_of(entry), entry.value_bytes, &total):
            return False
    if amount > 0 and total > 0x7FFFFFFFFFFFFFFF - amount:
        return False
    if amount < 0 and total < -0x7FFFFFFFFFFFFFFF - 1 - amount:
        return False
    total += amount
    text.data = digits
    text.size = write_integer(digits, total)
    store_value(space, key, &place, entry, &text, kept_flags(space, entry), kept_deadline(entry))
    put_number(&engine.output, c":", total)
    return True


cdef inline bint run_mget(Engine engine, Space* space, int count, int protocol) except -1:
    cdef Place place
    cdef Entry* entry
    cdef int i
    if engine.is_serving:
        return False
    put_number(&engine.output, c"*", count - 1)
    for i in range(count - 1):
        entry = find_key(engine, space, i, &place)
        count_access(space.state, entry)
        if entry != NULL and is_string(entry):
            put_value(engine, entry)
        else:
            put_nil(&engine.output, protocol)
    return True


cdef inline int store_all(Engine engine, Space* space, int count) except -1:
    """Set the keys of MSET or MSETNX."""
    cdef Argument* key
    cdef Place place
    cdef Entry* entry
    cdef int i
    for i in range(count // 2):
        key = &engine.arguments[1 + 2 * i]
        entry = find_key(engine, space, i, &place)
        store_value(space, key, &place, entry, key + 1, space.retention, 0)
    return 0


cdef inline bint run_mset(Engine engine, Space* space, int count) except -1:
    if count % 2 == 0:
        return False
    store_all(engine, space, count)
    put(&engine.output, b"+OK\r\n", 5)
    return True


cdef inline bint run_msetnx(Engine engine, Space* space, int count) except -1:
    cdef Place place
    cdef int i
    if count % 2 == 0:
        return False
    for i in range(count // 2):
        if find_key(engine, space, i, &place) != NULL:
            put_number(&engine.output, c":", 0)
            return True
    store_all(engine, space, count)
    put_number(&engine.output, c":", 1)
    return True


cdef inline bint run_counted(Engine engine, Space* space, int number, int count) except -1:
    cdef Place place
    cdef Entry* entry
    cdef int found = 0
    cdef int i
    for i in range(count - 1):
        entry = find_key(engine, space, i, &place)
        if number == TOUCH:
            count_access(space.state, entry)
        if entry != NULL:
            found += 1
            if number in (DEL, UNLINK):
                space_remove(space, &place)
    put_number(&engine.output, c":", found)
    return True


cdef inline bint run_get_and(Engine engine, Space* space, int number, int protocol) except -1:
    """GETSET and GETDEL."""
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry = find_key(engine, space, 0, &place)
    if entry != NULL and not is_served(engine, entry):
        return False
    count_access(space.state, entry)
    if entry == NULL:
        put_nil(&engine.output, protocol)
    else:
        put_value(engine, entry)
    if number == GETSET:
        store_value(space, key, &place, entry, key + 1, space.retention, 0)
    elif number == GETDEL and entry != NULL:
        space_remove(space, &place)
    return True


cdef inline bint run_getex(Engine engine, Space* space, int count, int protocol) except -1:
    """GETEX, but with EXAT or PXAT."""
    cdef Argument* option = &engine.arguments[2]
    cdef Place place
    cdef Entry* entry
    cdef int64_t amount = 0
    cdef int64_t unit_ms = 0
    if count == 3 and not is_word(option, b"persist", 7):
        return False
    if count == 4:
        if is_word(option, b"ex", 2):
            unit_ms = 1000
        elif is_word(option, b"px", 2):
            unit_ms = 1
        else:
            return False
        if not read_integer(option + 1, &amount) or not 0 < amount < AMOUNT_MAX:
            return False
    if count > 4:
        return False
    entry = find_key(engine, space, 0, &place)
    if entry != NULL and not is_served(engine, entry):
        return False
    count_access(space.state, entry)
    if entry == NULL:
        put_nil(&engine.output, protocol)
        return True
    put_value(engine, entry)
    if unit_ms:
        put_deadline(space, &place, entry, space.state.now_ms + amount * unit_ms, True)
    elif count == 3 and entry.flags & DEADLINE:
        put_deadline(space, &place, entry, 0, False)
    return True


cdef inline bint run_set_kin(Engine engine, Space* space, int number) except -1:
    """SETNX, SETEX, PSETEX."""
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry
    cdef int64_t amount = 0
    if number != SETNX:
        if not read_integer(key + 1, &amount) or not 0 < amount < AMOUNT_MAX:
            return False
        entry = find_key(engine, space, 0, &place)
        amount = space.state.now_ms + (amount * 1000 if number == SETEX else amount)
        store_value(space, key, &place, entry, key + 2, space.retention | DEADLINE, amount)
        put(&engine.output, b"+OK\r\n", 5)
        return True
    entry = find_key(engine, space, 0, &place)
    if entry == NULL:
        store_value(space, key, &place, entry, key + 1, space.retention, 0)
    put_number(&engine.output, c":", entry == NULL)
    return True


cdef inline bint run_change(Engine engine, Space* space, int number) except -1:
    """APPEND and SETRANGE, as long as the result is kept inline."""
    cdef Argument* key = &engine.arguments[1]
    cdef Argument* patch = key + (1 if number == APPEND else 2)
    cdef Argument text
    cdef char scratch[INLINE_BYTES_MAX]
    cdef Place place
    cdef Entry* entry
    cdef int64_t offset = 0
    cdef int64_t size = 0
    cdef int64_t before
    if number == SETRANGE and (not read_integer(key + 1, &offset) or offset < 0 or not patch.size):
        return False
    entry = find_key(engine, space, 0, &place)
    if entry != NULL:
        if entry.flags & OBJECT:
            return number == APPEND and append_to_object(engine, space, entry, patch)
        size = entry.value_bytes
    if number == APPEND:
        offset = size
    if offset > INLINE_BYTES_MAX or offset + <int64_t>patch.size > INLINE_BYTES_MAX:
        return False
    before = size
    if before:
        memcpy(scratch, value_of(entry), before)
    if offset > before:
        memset(scratch + before, 0, offset - before)
    memcpy(scratch + offset, patch.data, patch.size)
    size = max(size, offset + <int64_t>patch.size)
    text.data = scratch
    text.size = size
    store_value(space, key, &place, entry, &text, kept_flags(space, entry), kept_deadline(entry))
    put_number(&engine.output, c":", size)
    return True


cdef inline bint append_to_object(
    Engine engine, Space* space, Entry* entry, const Argument* patch
) except -1:
    """APPEND to a large value, in place if nobody is being sent it, so that it costs no copy."""
    cdef PyObject* value = object_of(entry)
    cdef Py_ssize_t before
    cdef Py_ssize_t size
    if not is_exact_bytes(value) or references(value) != 1:
        return False
    before = string_bytes(entry)
    size = before + patch.size
    if size > engine.limits.bulk_bytes_max:
        return False
    # Without memory for it the old value is gone, so the entry has another one meanwhile.
    Py_INCREF(engine.empty)
    put_object(entry, <PyObject*>engine.empty, OBJECT_OVERHEAD_BYTES + before)
    resize(&value, size)
    Py_DECREF(engine.empty)
    memcpy(bytes_of(value) + before, patch.data, patch.size)
    put_object(entry, value, OBJECT_OVERHEAD_BYTES + before)
    space_resized(space, entry, OBJECT_OVERHEAD_BYTES + size)
    note_access(space.state, entry)
    put_number(&engine.output, c":", size)
    return True


cdef inline bint run_part(Engine engine, Space* space, int number) except -1:
    """STRLEN, GETRANGE, SUBSTR."""
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry
    cdef int64_t first = 0
    cdef int64_t last = 0
    cdef int64_t size = 0
    if number != STRLEN and not (read_integer(key + 1, &first) and read_integer(key + 2, &last)):
        return False
    entry = find_key(engine, space, 0, &place)
    if entry != NULL:
        if not (is_string(entry) if number == STRLEN else is_served(engine, entry)):
            return False
        size = string_bytes(entry)
    count_access(space.state, entry)
    if number == STRLEN:
        put_number(&engine.output, c":", size)
        return True
    if first < 0 and last < 0 and first > last:
        put(&engine.output, b"$0\r\n\r\n", 6)
        return True
    first = max(0, first + size if first < 0 else first)
    last = min(size - 1, max(0, last + size if last < 0 else last))
    if first > last:
        put(&engine.output, b"$0\r\n\r\n", 6)
    else:
        put_string(&engine.output, string_data(entry) + first, last - first + 1)
    return True


cdef inline bint run_remaining(Engine engine, Space* space, int number) except -1:
    """TTL, PTTL, EXPIRETIME, PEXPIRETIME."""
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry = find_key(engine, space, 0, &place)
    cdef int64_t shown_ms
    if entry == NULL:
        put_number(&engine.output, c":", -2)
    elif not entry.flags & DEADLINE:
        put_number(&engine.output, c":", -1)
    else:
        if number in (TTL, PTTL):
            shown_ms = deadline_of(entry) - space.state.now_ms
        else:
            shown_ms = deadline_of(entry) + <int64_t>engine.clock.unix_offset_ms()
        shown_ms = max(0, shown_ms)
        if number in (TTL, EXPIRETIME):
            shown_ms = shown_ms // 1000 + (shown_ms % 1000 >= 500)
        put_number(&engine.output, c":", shown_ms)
    return True


cdef inline bint run_expire(Engine engine, Space* space, int number) except -1:
    """EXPIRE and its kin, without conditions."""
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry
    cdef int64_t amount = 0
    cdef int64_t deadline_ms
    if not read_integer(key + 1, &amount) or not -AMOUNT_MAX < amount < AMOUNT_MAX:
        return False
    deadline_ms = amount * 1000 if number in (EXPIRE, EXPIREAT) else amount
    if number in (EXPIRE, PEXPIRE):
        deadline_ms += space.state.now_ms
    else:
        deadline_ms -= <int64_t>engine.clock.unix_offset_ms()
    entry = find_key(engine, space, 0, &place)
    if entry != NULL:
        if deadline_ms <= space.state.now_ms:
            space_remove(space, &place)
        else:
            put_deadline(space, &place, entry, deadline_ms, True)
    put_number(&engine.output, c":", entry != NULL)
    return True


cdef inline bint run_persist(Engine engine, Space* space) except -1:
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry = find_key(engine, space, 0, &place)
    cdef bint has_deadline = entry != NULL and entry.flags & DEADLINE != 0
    if has_deadline:
        put_deadline(space, &place, entry, 0, False)
    put_number(&engine.output, c":", has_deadline)
    return True


cdef inline int put_deadline(
    Space* space, Place* place, Entry* entry, int64_t deadline_ms, bint has_deadline
) except -1:
    """What `Keyspace.set_deadline` does to an entry that was found."""
    cdef Content content
    if has_deadline and entry.flags & DEADLINE:
        if not count_deadline_again(space, place, entry, deadline_ms):
            raise MemoryError("no memory for a deadline")
        return 0
    memset(&content, 0, sizeof(Content))
    content.flags = entry.flags & (PINNED | CACHE)
    if has_deadline:
        content.flags |= DEADLINE
        content.deadline_ms = deadline_ms
    if entry.flags & OBJECT:
        content.object = object_of(entry)
        content.object_bytes = object_bytes(entry)
    else:
        content.value = value_of(entry)
        content.value_bytes = entry.value_bytes
    if space_replace(space, key_of(entry), entry.key_bytes, place, &content) == NULL:
        raise MemoryError("no memory for a deadline")
    return 0


cdef inline bint run_type(Engine engine, Space* space) except -1:
    cdef Argument* key = &engine.arguments[1]
    cdef Place place
    cdef Entry* entry = find_key(engine, space, 0, &place)
    if entry == NULL:
        put(&engine.output, b"+none\r\n", 7)
    elif is_string(entry):
        put(&engine.output, b"+string\r\n", 9)
    else:
        return False
    return True


cdef inline bint run_encoding(Engine engine, Space* space, int protocol) except -1:
    """OBJECT ENCODING."""
    cdef Place place
    cdef Entry* entry = find_key(engine, space, 0, &place)
    cdef size_t size
    cdef int64_t number = 0
    if entry == NULL:
        put_nil(&engine.output, protocol)
        return True
    if not is_string(entry):
        return False
    size = string_bytes(entry)
    if parse_integer(string_data(entry), size, &number):
        put_string(&engine.output, b"int", 3)
    elif size <= EMBEDDED_BYTES_MAX:
        put_string(&engine.output, b"embstr", 6)
    else:
        put_string(&engine.output, b"raw", 3)
    return True


cdef inline bint run_add_float(Engine engine, Space* space) except -1:
    """INCRBYFLOAT of numbers that are written as usual, where a long double is that of x86."""
    cdef Argument* key = &engine.arguments[1]
    cdef Argument text
    cdef char digits[FLOAT_BYTES_MAX + FLOAT_BYTES_MAX]
    cdef Place place
    cdef Entry* entry = find_key(engine, space, 0, &place)
    cdef const char* before = b"0"
    cdef size_t before_bytes = 1
    cdef int size
    if entry != NULL:
        if entry.flags & OBJECT:
            return False
        before, before_bytes = value_of(entry), entry.value_bytes
    size = add_floats(before, before_bytes, key[1].data, key[1].size, digits, sizeof(digits))
    if size <= 0:
        return False
    text.data = digits
    text.size = size
    store_value(space, key, &place, entry, &text, kept_flags(space, entry), kept_deadline(entry))
    put_string(&engine.output, digits, size)
    return True


cdef inline bytes as_bytes(const Argument* argument):
    return PyBytes_FromStringAndSize(argument.data, argument.size)


cdef inline bint run_copy(Engine engine, Keyspace keyspace, int count) except -1:
    """COPY within a database."""
    cdef bytes source = as_bytes(&engine.arguments[1])
    cdef bytes destination = as_bytes(&engine.arguments[2])
    cdef bint is_replacing = count == 4
    if source == destination or count > 4:
        return False
    if is_replacing and not is_word(&engine.arguments[3], b"replace", 7):
        return False
    value = keyspace.get(source)
    if value is None or (not is_replacing and destination in keyspace):
        put_number(&engine.output, c":", 0)
    else:
        keyspace.set(
            destination, value, keyspace.deadline_ms(source), keyspace.retention(source)
        )
        put_number(&engine.output, c":", 1)
    return True


cdef inline bint run_rename(Engine engine, Keyspace keyspace, int number) except -1:
    """RENAME, RENAMENX."""
    cdef bytes old = as_bytes(&engine.arguments[1])
    cdef bytes new = as_bytes(&engine.arguments[2])
    if old not in keyspace:
        return False
    if number == RENAMENX and new in keyspace:
        put_number(&engine.output, c":", 0)
        return True
    keyspace.rename(old, new)
    if number == RENAMENX:
        put_number(&engine.output, c":", 1)
    else:
        put(&engine.output, b"+OK\r\n", 5)
    return True


cdef inline bint run_randomkey(Engine engine, Keyspace keyspace, int protocol) except -1:
    key = keyspace.random_key()
    if key is None:
        put_nil(&engine.output, protocol)
    else:
        put_string(&engine.output, PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key))
    return True


cdef inline bint run_scan(Engine engine, Keyspace keyspace, int count) except -1:
    """SCAN, at most with COUNT."""
    cdef char digits[24]
    cdef int64_t cursor = 0
    cdef int64_t wanted = SCAN_COUNT_DEFAULT
    cdef list found
    if not read_integer(&engine.arguments[1], &cursor) or cursor < 0:
        return False
    if count != 2:
        if count != 4 or not is_word(&engine.arguments[2], b"count", 5):
            return False
        if not read_integer(&engine.arguments[3], &wanted) or wanted < 1:
            return False
    next_cursor, found = keyspace.scan(cursor, wanted)
    put_number(&engine.output, c"*", 2)
    if next_cursor > 0x7FFFFFFFFFFFFFFF:
        text = b"%d" % next_cursor
        put_string(&engine.output, PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
    else:
        put_string(&engine.output, digits, write_integer(digits, <int64_t>next_cursor))
    put_number(&engine.output, c"*", len(found))
    for key in found:
        put_string(&engine.output, PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key))
    return True


cdef inline bint run_hot(
    Engine engine, Request* request, Keyspace keyspace, int protocol
) except -1:
    """Run one command; False, and nothing has happened, if it is none for us."""
    cdef int number = request.hot.number
    cdef int count = request.count
    cdef Space* space = &keyspace.space
    cdef Output* output = &engine.output
    cdef Argument* first = &request.arguments[1]
    engine.request = request
    engine.arguments = request.arguments
    if not is_served_here(engine, request):
        return False
    if request.hot.needs_memory and not engine.store.keep_limit(engine.store.limit_now):
        return False
    if number == PING:
        if count > 2:
            return False
        if count == 2:
            put_string(output, first.data, first.size)
        else:
            put(output, b"+PONG\r\n", 7)
        return True
    if number == ECHO:
        put_string(output, first.data, first.size)
        return True
    if number == GET:
        return run_get(engine, space, protocol)
    if number == SET:
        return run_set(engine, space, count, protocol)
    if number in (INCR, DECR, INCRBY, DECRBY):
        return run_add(engine, space, number)
    if number == MGET:
        return run_mget(engine, space, count, protocol)
    if number == MSET:
        return run_mset(engine, space, count)
    if number in (DEL, UNLINK, EXISTS, TOUCH):
        return run_counted(engine, space, number, count)
    if number in (GETSET, GETDEL):
        return run_get_and(engine, space, number, protocol)
    if number == GETEX:
        return run_getex(engine, space, count, protocol)
    if number in (SETNX, SETEX, PSETEX):
        return run_set_kin(engine, space, number)
    if number in (APPEND, SETRANGE):
        return run_change(engine, space, number)
    if number in (STRLEN, GETRANGE, SUBSTR):
        return run_part(engine, space, number)
    if number in (TTL, PTTL, EXPIRETIME, PEXPIRETIME):
        return run_remaining(engine, space, number)
    if number in (EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT):
        return count == 3 and run_expire(engine, space, number)
    if number == PERSIST:
        return run_persist(engine, space)
    if number == TYPE:
        return run_type(engine, space)
    if number == OBJECT_ENCODING:
        return run_encoding(engine, space, protocol)
    if number == INCRBYFLOAT:
        return run_add_float(engine, space)
    if number == MSETNX:
        return run_msetnx(engine, space, count)
    if number == COPY:
        return run_copy(engine, keyspace, count)
    if number in (RENAME, RENAMENX):
        return run_rename(engine, keyspace, number)
    if number == DBSIZE:
        put_number(output, c":", space.count)
        return True
    if number == RANDOMKEY:
        return run_randomkey(engine, keyspace, protocol)
    if number == SCAN:
        return run_scan(engine, keyspace, count)
    return False
