/* The one table of errors. A function that can fail returns 0 or a negative code: either one of these, or
 * -errno as `sys/` hands it on. The two ranges do not meet. Low layers return and stay silent; the layer that
 * decides logs. */
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

/* What the code means, for a person; never NULL, lives for ever (for -errno: until the thread's next call).
 */
const char *error_text(int error);

#endif
