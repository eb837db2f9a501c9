/* TLS without cryptography, in the place of src/tls/session*.c and with their manners (tls/session.h): see
 * veil.h. It keeps the same limits, returns the same events in the same states, and consumes input and
 * appends output as they do. What a handshake costs is time of the simulated clock. */
#include "tls/session.h"

#include "base/error.h"
#include "internal.h"
#include "tests/sim/veil.h"

#include <stdlib.h>

/* What the steps of a handshake take, in microseconds. */
#define SIGN_US      200
#define SIGN_SLOW_US 2500
#define FINISH_US    100

/* The server's flight is as long as the hello says, by chance. */
#define FLIGHT_BYTES_MIN 100
#define FLIGHT_BYTES_MAX 5000

struct tls_handshake {
    struct buffer record; /* as much of the next one as is there */
    struct buffer hello;
    struct buffer produced; /* by the other thread */
    size_t bytes;           /* from the client until the handshake is complete */
    unsigned flags;         /* enum veil_hello_flag */
    bool is_flight_made;
    struct veil_key to_server, to_client;
};

const unsigned tls_one_in = 4;

const struct tls_names *tls_begin(struct tls_limits *limits)
{
    (void)limits;
    return NULL;
}

void tls_end(void)
{
}

void tls_session_init(struct tls_session *session)
{
    *session = (struct tls_session){
        .state = TLS_STATE_HELLO, .alert_sent = TLS_ALERT_NONE, .alert_received = TLS_ALERT_NONE};
}

void tls_session_finish(struct tls_session *session)
{
    struct tls_handshake *handshake = session->handshake;
    assert(session->state != TLS_STATE_WORK);
    if (handshake) {
        buffer_finish(&handshake->record);
        buffer_finish(&handshake->hello);
        buffer_finish(&handshake->produced);
        free(handshake);
    }
    tls_session_init(session);
}

static bool veil_ensure(struct tls_session *session)
{
    if (session->handshake)
        return true;
    struct tls_handshake *handshake = calloc(1, sizeof(*handshake));
    if (handshake == NULL)
        return false;
    buffer_init(&handshake->record, VEIL_RECORD_MAX);
    buffer_init(&handshake->hello, SIZE_MAX / 2);
    buffer_init(&handshake->produced, SIZE_MAX / 2);
    handshake->to_client.direction = 1;
    session->handshake = handshake;
    return true;
}

static void put_alert(struct tls_session *session, enum veil_alert alert, struct buffer *output)
{
    char text[2] = {1, (char)alert}, head[VEIL_HEAD_BYTES];
    struct slice content = slice_make(text, sizeof(text));
    if (tls_session_is_ready(session)) {
        veil_seal(&session->handshake->to_client, VEIL_ALERT, content, output);
        return;
    }
    veil_head(VEIL_ALERT, content.length, head);
    buffer_append(output, slice_make(head, sizeof(head)));
    buffer_append(output, content);
}

static enum tls_event veil_break(struct tls_session *session, enum veil_alert alert, const char *fault,
                                 struct buffer *output)
{
    if (!session->has_closed)
        put_alert(session, alert, output);
    session->alert_sent = (int16_t)alert;
    session->fault = fault;
    session->state = TLS_STATE_BROKEN;
    return TLS_ERROR;
}

/* Contexts refer to src/tls/session_bio.c, which is linked and asks for this, and is never called. */
enum tls_event session_break(struct tls_session *session, const char *fault);
enum tls_event session_break(struct tls_session *session, const char *fault)
{
    (void)session, (void)fault;
    UNREACHABLE();
}

/* ---- records ---- */

static bool take_until(struct buffer *record, size_t length, struct slice *input)
{
    struct slice part = slice_take(*input, MIN(input->length, length - record->length));
    if (!buffer_append(record, part))
        return false;
    *input = slice_skip(*input, part.length);
    return record->length == length;
}

enum record_result { RECORD_MORE, RECORD_WHOLE, RECORD_LONG, RECORD_NO_MEMORY };

/* The next record, as far as the input has it. */
static enum record_result take_record(struct tls_handshake *handshake, struct slice *input)
{
    struct buffer *record = &handshake->record;
    if (record->length < VEIL_HEAD_BYTES && !take_until(record, VEIL_HEAD_BYTES, input))
        return record->failed ? RECORD_NO_MEMORY : RECORD_MORE;
    size_t length = VEIL_HEAD_BYTES + veil_length(buffer_slice(record));
    if (length > VEIL_RECORD_MAX)
        return RECORD_LONG;
    if (!take_until(record, length, input))
        return record->failed ? RECORD_NO_MEMORY : RECORD_MORE;
    return RECORD_WHOLE;
}

static enum veil_type type_of(const struct buffer *record)
{
    return (enum veil_type)(unsigned char)record->data[0];
}

static struct slice payload_of(const struct buffer *record)
{
    return slice_skip(buffer_slice(record), VEIL_HEAD_BYTES);
}

/* A session that waits for nothing holds no buffers. */
static void end_record(struct tls_handshake *handshake)
{
    buffer_finish(&handshake->record);
    handshake->record.failed = false;
}

/* ---- the handshake ---- */

static bool is_letter(char byte)
{
    return byte >= 'A' && byte <= 'Z';
}

/* A part of the hello. TLS_READY: it is whole. */
static enum tls_event take_hello(struct tls_session *session, const struct tls_call *call)
{
    struct tls_handshake *handshake = session->handshake;
    struct buffer *hello = &handshake->hello;
    struct slice part = payload_of(&handshake->record);
    bool is_right = type_of(&handshake->record) == VEIL_HANDSHAKE && part.length > 0;
    if (!buffer_append(hello, part))
        return veil_break(session, VEIL_UNEXPECTED, "out of memory", call->output);
    end_record(handshake);
    if (!is_right || hello->data[0] != VEIL_HELLO)
        return veil_break(session, VEIL_UNEXPECTED, "no hello", call->output);
    if (hello->length > call->limits->hello_bytes)
        return veil_break(session, VEIL_OVERFLOW, "the hello is too long", call->output);
    if (hello->length < VEIL_HELLO_BYTES_MIN)
        return TLS_MORE;
    size_t length = 4 + ((size_t)(unsigned char)hello->data[2] << 8 | (unsigned char)hello->data[3]);
    handshake->flags = (unsigned char)hello->data[4];
    return hello->length < length ? TLS_MORE : TLS_READY;
}

/* The server's flight, with its signature unless the client has a ticket. */
static void make_flight(struct tls_handshake *handshake, struct buffer *output)
{
    char head[VEIL_HEAD_BYTES];
    bool is_resumed = handshake->flags & VEIL_RESUMES;
    size_t length = FLIGHT_BYTES_MIN;
    if (!is_resumed)
        length += (size_t)handshake->hello.length * 7 % (FLIGHT_BYTES_MAX - FLIGHT_BYTES_MIN);
    veil_head(VEIL_HANDSHAKE, length, head);
    buffer_append(output, slice_make(head, sizeof(head)));
    for (size_t i = 0; i < length; i++)
        buffer_append_byte(output, i == 0 ? VEIL_FLIGHT : (char)i);
    handshake->is_flight_made = true;
    buffer_finish(&handshake->hello);
}

static enum tls_event begin_flight(struct tls_session *session, const struct tls_call *call)
{
    struct tls_handshake *handshake = session->handshake;
    bool is_slow = (handshake->flags & (VEIL_SLOW | VEIL_RESUMES)) == VEIL_SLOW;
    session->state = TLS_STATE_HANDSHAKE;
    if (is_slow && call->may_work) {
        session->state = TLS_STATE_WORK;
        return TLS_WORK;
    }
    time_spend(is_slow ? SIGN_SLOW_US : SIGN_US);
    make_flight(handshake, call->output);
    return TLS_MORE;
}

void tls_session_work(struct tls_session *session)
{
    assert(session->state == TLS_STATE_WORK);
    make_flight(session->handshake, &session->handshake->produced);
    session->state = TLS_STATE_WORKED;
}

static enum tls_event end_work(struct tls_session *session, const struct tls_call *call)
{
    struct buffer *produced = &session->handshake->produced;
    session->state = TLS_STATE_HANDSHAKE;
    if (produced->failed || !buffer_append(call->output, buffer_slice(produced)))
        return veil_break(session, VEIL_UNEXPECTED, "out of memory", call->output);
    buffer_finish(produced);
    return TLS_MORE;
}

static enum tls_event take_finished(struct tls_session *session, const struct tls_call *call)
{
    struct tls_handshake *handshake = session->handshake;
    size_t length = 0;
    bool is_right = type_of(&handshake->record) == VEIL_HANDSHAKE &&
                    veil_open(&handshake->to_server, VEIL_HANDSHAKE, payload_of(&handshake->record),
                              call->room, &length) &&
                    length > 0 && call->room[0] == VEIL_FINISHED;
    end_record(handshake);
    if (!is_right)
        return veil_break(session, VEIL_BAD_RECORD, "no finished", call->output);
    char ticket[] = {VEIL_TICKET, 't', 'i', 'c', 'k', 'e', 't'};
    time_spend(FINISH_US);
    session->state = TLS_STATE_OPEN;
    veil_seal(&handshake->to_client, VEIL_HANDSHAKE, slice_make(ticket, sizeof(ticket)), call->output);
    return TLS_READY;
}

static enum tls_event take_of_handshake(struct tls_session *session, const struct tls_call *call)
{
    enum tls_event event = TLS_MORE;
    if (session->state == TLS_STATE_HANDSHAKE)
        return take_finished(session, call);
    event = take_hello(session, call);
    return event == TLS_READY ? begin_flight(session, call) : event;
}

/* ---- behind the handshake ---- */

static void count_veiled(struct tls_session *session, size_t length)
{
    session->interruption_bytes += (uint32_t)length;
    if (session->interruption_bytes >= TLS_INTERRUPTION_BYTES)
        session->interruption_bytes = session->interruptions = 0;
}

static enum tls_event take_key_update(struct tls_session *session, const struct tls_call *call, size_t length)
{
    struct tls_handshake *handshake = session->handshake;
    if (length != 2 || call->room[0] != VEIL_KEY_UPDATE || ++session->interruptions > TLS_INTERRUPTIONS_MAX)
        return veil_break(session, VEIL_UNEXPECTED, "too many messages", call->output);
    veil_change_key(&handshake->to_server);
    if (call->room[1] == 1 && !session->has_closed) {
        char update[] = {VEIL_KEY_UPDATE, 0};
        veil_seal(&handshake->to_client, VEIL_HANDSHAKE, slice_make(update, sizeof(update)), call->output);
        veil_change_key(&handshake->to_client);
    }
    return TLS_MORE;
}

static enum tls_event take_veiled(struct tls_session *session, const struct tls_call *call,
                                  struct slice *ret_plaintext)
{
    struct tls_handshake *handshake = session->handshake;
    enum veil_type type = type_of(&handshake->record);
    char room[VEIL_CONTENT_MAX + VEIL_SUM_BYTES];
    size_t length = 0;
    call_got_on(); /* the loop may have a system call made for each record */
    bool is_right = veil_open(&handshake->to_server, type, payload_of(&handshake->record), room, &length);
    end_record(handshake);
    if (!is_right || length > call->room_size)
        return veil_break(session, VEIL_BAD_RECORD, "a record that was changed", call->output);
    memcpy(call->room, room, length);
    if (type == VEIL_HANDSHAKE)
        return take_key_update(session, call, length);
    if (type == VEIL_ALERT && length == 2 && room[1] == VEIL_CLOSE_NOTIFY) {
        session->state = TLS_STATE_ENDED;
        return TLS_END;
    }
    if (type != VEIL_DATA)
        return veil_break(session, VEIL_UNEXPECTED, "an alert", call->output);
    count_veiled(session, length);
    *ret_plaintext = slice_make(call->room, length);
    return length > 0 ? TLS_DATA : TLS_MORE;
}

static bool is_over_limit(struct tls_session *session, const struct tls_limits *limits, size_t taken)
{
    session->handshake->bytes += taken;
    return session->state <= TLS_STATE_HANDSHAKE && session->handshake->bytes > limits->handshake_bytes;
}

static enum tls_event take_next(struct tls_session *session, const struct tls_call *call, struct slice *input,
                                struct slice *ret_plaintext)
{
    size_t before = input->length;
    enum record_result result = take_record(session->handshake, input);
    if (is_over_limit(session, call->limits, before - input->length))
        return veil_break(session, VEIL_OVERFLOW, "a handshake that is too long", call->output);
    if (result == RECORD_MORE)
        return TLS_MORE;
    if (result != RECORD_WHOLE)
        return veil_break(session, VEIL_OVERFLOW,
                          result == RECORD_LONG ? "a record that is too long" : "out of memory",
                          call->output);
    return session->state == TLS_STATE_OPEN ? take_veiled(session, call, ret_plaintext)
                                            : take_of_handshake(session, call);
}

enum tls_event tls_session_next(struct tls_session *session, const struct tls_call *call, struct slice *input,
                                struct slice *ret_plaintext)
{
    assert(call->room_size >= TLS_RECORD_BYTES_MAX && session->state != TLS_STATE_WORK);
    if (session->state == TLS_STATE_BROKEN)
        return TLS_ERROR;
    if (session->state == TLS_STATE_ENDED) {
        *input = slice_skip(*input, input->length);
        return TLS_MORE;
    }
    if (!veil_ensure(session)) {
        session->state = TLS_STATE_BROKEN;
        session->fault = "out of memory";
        return TLS_ERROR;
    }
    if (session->handshake->bytes == 0 && input->length > 0 && is_letter(input->data[0])) {
        session->state = TLS_STATE_BROKEN;
        session->fault = "the client speaks plain HTTP";
        return TLS_HTTP;
    }
    enum tls_event event = TLS_MORE;
    if (session->state == TLS_STATE_WORKED)
        event = end_work(session, call);
    while (event == TLS_MORE && input->length > 0)
        event = take_next(session, call, input, ret_plaintext);
    return event;
}

enum tls_event tls_session_end(struct tls_session *session)
{
    if (session->state == TLS_STATE_ENDED)
        return TLS_END;
    session->state = TLS_STATE_BROKEN;
    session->fault = "the client ended the connection without a close_notify";
    return TLS_ERROR;
}

/* ---- writing ---- */

/* The next bytes of the pieces; short pieces share records. */
static size_t gather(const struct slice *pieces, size_t count, size_t skip, char *out, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < count && length < size; i++) {
        struct slice piece = slice_skip(pieces[i], MIN(skip, pieces[i].length));
        skip -= MIN(skip, pieces[i].length);
        piece = slice_take(piece, MIN(piece.length, size - length));
        if (piece.length > 0)
            memcpy(out + length, piece.data, piece.length);
        length += piece.length;
    }
    return length;
}

static size_t next_size(struct tls_session *session, uint64_t now_ms)
{
    if (now_ms - session->written_ms >= TLS_IDLE_MS)
        session->records = 0;
    if (session->records >= 2 * TLS_RECORDS_OF_A_SIZE)
        return TLS_RECORD_BYTES_MAX;
    return session->records++ < TLS_RECORDS_OF_A_SIZE ? TLS_RECORD_BYTES_FIRST : TLS_RECORD_BYTES_SECOND;
}

ssize_t tls_session_write(struct tls_session *session, const struct tls_call *call,
                          const struct slice *pieces, size_t piece_count)
{
    size_t taken = 0;
    if (!tls_session_is_ready(session) || session->has_closed)
        return ERROR_CLOSED;
    while (true) {
        size_t size = next_size(session, call->now_ms);
        size_t length = gather(pieces, piece_count, taken, call->room, size);
        bool has_room = call->output->length_max - call->output->length >= length + TLS_RECORD_OVERHEAD_MAX;
        session->written_ms = call->now_ms;
        if (length == 0 || !has_room)
            return (ssize_t)taken;
        veil_seal(&session->handshake->to_client, VEIL_DATA, slice_make(call->room, length), call->output);
        if (call->output->failed)
            return ERROR_CLOSED;
        count_veiled(session, length);
        taken += length;
    }
}

void tls_session_close(struct tls_session *session, const struct tls_call *call)
{
    if (!tls_session_is_ready(session) || session->has_closed)
        return;
    put_alert(session, VEIL_CLOSE_NOTIFY, call->output);
    session->has_closed = true;
}

/* ---- to other servers, which are not simulated ---- */

bool tls_session_connect(struct tls_session *session, struct tls_context *context,
                         const struct tls_target *target, const struct tls_call *call)
{
    (void)session, (void)context, (void)target, (void)call;
    UNREACHABLE();
}

bool tls_session_distrusts(const struct tls_session *session)
{
    (void)session;
    UNREACHABLE();
}

/* ---- what is known of it ---- */

void tls_session_info(const struct tls_session *session, struct tls_info *ret_info)
{
    unsigned flags = session->handshake->flags;
    *ret_info = (struct tls_info){
        .protocol = flags & VEIL_H2 ? SLICE("h2") : SLICE("http/1.1"),
        .version = "TLSv1.3",
        .cipher = "none",
        .group = "",
        .is_resumed = flags & VEIL_RESUMES,
    };
}

bool tls_session_client(const struct tls_session *session, struct arena *arena, struct tls_client *ret_client)
{
    (void)session, (void)arena, (void)ret_client;
    return false;
}
