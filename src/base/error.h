/* The table of errors. A function that can fail returns 0 or a negative code: either one of these, or
 * -errno as returned by `sys/`. The two ranges do not overlap. Low layers return errors without logging;
 * the layer that decides what to do logs. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/*  name, text */
#define ERROR_TABLE(X)                               \
    X(CLOSED, "the peer closed the connection")      \
    X(LIMIT, "a limit was reached")                  \
    X(CHANGED, "the file changed while it was used") \
    X(REFUSED, "refused by the configuration")       \
    X(SYNTAX, "syntax error")

enum error {
    ERROR_FIRST = -5000,
#define X(name, text) ERROR_##name,
    ERROR_TABLE(X)
#undef X
};

/* A description of the code for people. Never NULL; static, except for -errno codes: those are valid until
 * the thread's next call. */
const char *error_text(int error);

#endif
