/* Stacks made by makecontext(3), changed by setjmp(3).
 *
 * setjmp puts the registers aside and says 0; longjmp takes them up, and the same setjmp says 1, a second
 * time. As the stack pointer is one of the registers, that is a change of stacks when the two were put aside
 * on different ones. Of makecontext and setcontext only the first step is needed, which has no registers to
 * take up yet. QEMU does it like this. Going and coming back took 35 ns here, against 520 ns by
 * swapcontext(3), which makes a system call each way for the mask of signals, and 14 ns by Boost.Context,
 * whose assembly has no interface for C (docs/dependencies.md).
 *
 * AddressSanitizer must be told of each change, or takes it for an overflow. */
#undef _FORTIFY_SOURCE /* its longjmp takes a change of stacks for a mistake */

#include "lab/coroutine.h"

#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

/* Sanitizers make stacks larger. */
#ifdef VIF_ASAN
#include <sanitizer/common_interface_defs.h>
#define STACK_BYTES ((size_t)512 << 10)
#else
#define STACK_BYTES ((size_t)64 << 10)
#endif

#define GUARD_BYTES ((size_t)4096)

struct lab_coroutine {
    jmp_buf inside;  /* where it yielded */
    jmp_buf outside; /* where it was resumed */
    void (*run)(void *argument);
    void *argument;
    char *memory; /* the guard, and above it the stack */
    bool has_begun;
    bool is_over;
    const void *outer_stack; /* for the sanitizer */
    size_t outer_stack_bytes;
    void *inner_fake_stack, *outer_fake_stack;
};

static _Thread_local struct lab_coroutine *current;

/* ---- what the sanitizer is told: leaving for a stack, and having come to one ---- */

static void tell_going_in(struct lab_coroutine *coroutine)
{
#ifdef VIF_ASAN
    __sanitizer_start_switch_fiber(&coroutine->outer_fake_stack, coroutine->memory + GUARD_BYTES,
                                   STACK_BYTES);
#else
    (void)coroutine;
#endif
}

static void tell_gone_in(struct lab_coroutine *coroutine)
{
#ifdef VIF_ASAN
    __sanitizer_finish_switch_fiber(coroutine->inner_fake_stack, &coroutine->outer_stack,
                                    &coroutine->outer_stack_bytes);
#else
    (void)coroutine;
#endif
}

static void tell_going_out(struct lab_coroutine *coroutine)
{
#ifdef VIF_ASAN
    __sanitizer_start_switch_fiber(coroutine->is_over ? NULL : &coroutine->inner_fake_stack,
                                   coroutine->outer_stack, coroutine->outer_stack_bytes);
#else
    (void)coroutine;
#endif
}

static void tell_gone_out(struct lab_coroutine *coroutine)
{
#ifdef VIF_ASAN
    __sanitizer_finish_switch_fiber(coroutine->outer_fake_stack, NULL, NULL);
#else
    (void)coroutine;
#endif
}

/* ---- life ---- */

struct lab_coroutine *lab_coroutine_create(void (*run)(void *argument), void *argument)
{
    struct lab_coroutine *coroutine = calloc(1, sizeof(*coroutine));
    if (coroutine == NULL)
        return NULL;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE;
    char *memory = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_NONE, flags, -1, 0);
    if (memory == MAP_FAILED) {
        free(coroutine);
        return NULL;
    }
    coroutine->run = run;
    coroutine->argument = argument;
    coroutine->memory = memory;
    if (mprotect(memory + GUARD_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE) == 0)
        return coroutine;
    munmap(memory, GUARD_BYTES + STACK_BYTES);
    free(coroutine);
    return NULL;
}

static void destroy(struct lab_coroutine *coroutine)
{
    UNPOISON(coroutine->memory + GUARD_BYTES, STACK_BYTES);
    munmap(coroutine->memory, GUARD_BYTES + STACK_BYTES);
    free(coroutine);
}

/* The lowest frame of every coroutine's stack. */
static void begin(void)
{
    struct lab_coroutine *coroutine = current;
    tell_gone_in(coroutine);
    coroutine->run(coroutine->argument);
    coroutine->is_over = true;
    tell_going_out(coroutine);
    _longjmp(coroutine->outside, 1);
}

static void go_in_first(struct lab_coroutine *coroutine)
{
    static _Thread_local ucontext_t context; /* on a stack it would be in a frame that nobody returns from */
    getcontext(&context);
    context.uc_stack.ss_sp = coroutine->memory + GUARD_BYTES;
    context.uc_stack.ss_size = STACK_BYTES;
    context.uc_link = NULL;
    makecontext(&context, begin, 0);
    setcontext(&context);
}

static void go_in(struct lab_coroutine *coroutine)
{
    tell_going_in(coroutine);
    if (coroutine->has_begun)
        _longjmp(coroutine->inside, 1);
    coroutine->has_begun = true;
    go_in_first(coroutine);
}

/* The coroutine yielded or returned. This is a separate function, since values that a function keeps in
 * registers across the switch are not reliable. */
static bool gone_out(void)
{
    struct lab_coroutine *coroutine = current;
    current = NULL;
    tell_gone_out(coroutine);
    bool is_over = coroutine->is_over;
    if (is_over)
        destroy(coroutine);
    return !is_over;
}

bool lab_coroutine_resume(struct lab_coroutine *coroutine)
{
    assert(current == NULL);
    current = coroutine;
    if (_setjmp(coroutine->outside) == 0)
        go_in(coroutine);
    return gone_out();
}

void lab_coroutine_yield(void)
{
    struct lab_coroutine *coroutine = current;
    tell_going_out(coroutine);
    if (_setjmp(coroutine->inside) == 0)
        _longjmp(coroutine->outside, 1);
    tell_gone_in(current);
}
