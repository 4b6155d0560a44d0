"""Requests, read where they arrived: commands whose arguments are all here, written as usual.

What is unusual in any way (inline commands, odd numbers, limits passed, very many arguments) is
left to the parser, which knows every corner.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

cdef enum:
    ARGUMENTS_MAX = 1024
    # A command that is not whole is read from its beginning again when more has come. Beyond this
    # the parser has it, which never reads a byte twice.
    REREAD_BYTES_MAX = 65536

    INCOMPLETE = 0
    UNUSUAL = -1


cdef struct Argument:
    const char* data
    size_t size


cdef inline const char* _read_count(const char* position, const char* end, int64_t* count) noexcept nogil:
    """A number of up to nine digits and its CR LF: where it ends, ``end`` if more is needed, NULL
    if it is unusual."""
    cdef int64_t number = 0
    cdef int digits = 0
    while position < end and c"0" <= position[0] <= c"9":
        number = number * 10 + position[0] - c"0"
        position += 1
        digits += 1
        if digits > 9:
            return NULL
    if end - position < 2:
        return end
    if digits == 0 or position[0] != c"\r" or position[1] != c"\n":
        return NULL
    if (position - digits)[0] == c"0" and digits > 1:
        return NULL
    count[0] = number
    return position + 2


cdef inline int read_request(
    const char* start,
    const char* end,
    int64_t bulk_bytes_max,
    Argument* arguments,
    int arguments_max,
    const char** behind,
) noexcept nogil:
    """The number of arguments of the request that begins at ``start``, or why there is none."""
    cdef const char* position = start
    cdef int64_t count = 0
    cdef int64_t size = 0
    cdef int i
    if position >= end:
        return INCOMPLETE
    if position[0] != c"*":
        return UNUSUAL
    position = _read_count(position + 1, end, &count)
    if position == NULL or count == 0 or count > arguments_max:
        return UNUSUAL
    for i in range(<int>count):
        if position >= end:
            return INCOMPLETE if end - start < REREAD_BYTES_MAX else UNUSUAL
        if position[0] != c"$":
            return UNUSUAL
        position = _read_count(position + 1, end, &size)
        if position == NULL or size > bulk_bytes_max:
            return UNUSUAL
        if end - position < size + 2:
            # The parser receives what is large in its final place.
            return INCOMPLETE if end - start + size < REREAD_BYTES_MAX else UNUSUAL
        arguments[i].data = position
        arguments[i].size = size
        position += size + 2
    behind[0] = position
    return <int>count


cdef inline bint read_integer(const Argument* argument, int64_t* number) noexcept nogil:
    """The 64-bit integer that the argument is the one spelling of; False if it is none."""
    return parse_integer(argument.data, argument.size, number)


cdef inline bint parse_integer(const char* text, size_t size, int64_t* number) noexcept nogil:
    cdef uint64_t total = 0
    cdef size_t i = 0
    cdef bint is_negative = size > 0 and text[0] == c"-"
    cdef uint64_t largest = 0x7FFFFFFFFFFFFFFFULL
    if is_negative:
        i = 1
        largest += 1
    if size == i or size - i > 19:
        return False
    if text[i] == c"0" and size > 1:
        return False
    while i < size:
        if not c"0" <= text[i] <= c"9":
            return False
        total = total * 10 + <uint64_t>(text[i] - c"0")
        i += 1
    if total > largest:
        return False
    number[0] = <int64_t>(0 - total) if is_negative else <int64_t>total
    return True


cdef inline bint read_word(const Argument* argument, uint64_t* word) noexcept nogil:
    """Up to 16 letters in lower case as two numbers; False if it is longer."""
    cdef size_t size = argument.size
    word[0] = word[1] = 0
    if size == 0 or size > 16:
        return False
    memcpy(word, argument.data, size)
    # Letters become small ones. What is no letter becomes none, so nothing else turns into a word.
    if size >= 8:
        word[0] |= 0x2020202020202020ULL
        if size > 8:
            word[1] |= 0x2020202020202020ULL >> (64 - 8 * (size - 8))
    else:
        word[0] |= 0x2020202020202020ULL >> (64 - 8 * size)
    return True


cdef inline int write_integer(char* text, int64_t number) noexcept nogil:
    """Write a number, at most 20 bytes; how many there are."""
    cdef char digits[20]
    cdef uint64_t rest = <uint64_t>number if number >= 0 else 0 - <uint64_t>number
    cdef int count = 0
    cdef int size = 0
    while True:
        digits[count] = <char>(c"0" + rest % 10)
        rest //= 10
        count += 1
        if not rest:
            break
    if number < 0:
        text[0] = c"-"
        size = 1
    while count:
        count -= 1
        text[size] = digits[count]
        size += 1
    return size
