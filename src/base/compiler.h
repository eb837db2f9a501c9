/* What the compiler is told beyond the language: attributes, branch hints, assertion of impossible places.
 *
 * Assertions guard our own mistakes only and stay on in release builds; a peer's mistake is a reply, never an
 * assert. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <assert.h>
#include <stddef.h>

#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* The result must be looked at. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Argument number `at` (from 1) is a printf format whose values begin at `first`. */
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

/* The object that contains `member` at `pointer`. */
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* A branch that cannot be taken unless vif itself is wrong. */
#define UNREACHABLE()            \
    do {                         \
        assert(!"unreachable");  \
        __builtin_unreachable(); \
    } while (0)

/* Memory that is free but still mapped is poisoned under AddressSanitizer, so that arena and pool bugs are
 * found as if every object had come from malloc. */
#if defined(__SANITIZE_ADDRESS__)
#define VIF_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VIF_ASAN 1
#endif
#endif

#ifdef VIF_ASAN
#include <sanitizer/asan_interface.h>
/* gcc 12 takes what is poisoned for something that is read, and warns that nothing was written there: it must
 * not see where the address comes from. */
#define POISON(address, size)                         \
    do {                                              \
        const void *poisoned_ = (address);            \
        __asm__("" : "+r"(poisoned_));                \
        __asan_poison_memory_region(poisoned_, size); \
    } while (0)
#define UNPOISON(address, size) __asan_unpoison_memory_region(address, size)
#else
#define POISON(address, size)   ((void)(address), (void)(size))
#define UNPOISON(address, size) ((void)(address), (void)(size))
#endif

#endif
