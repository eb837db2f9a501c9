/* One HTTP/2 connection as the oracle sees it: the counterpart of conversation.h, with the same judges for
 * the responses. Told of each byte in both directions, it checks that
 *
 *  - each stream whose request was sent completely gets exactly one response, well-formed and right, or is
 *    reset, or the connection ends, for a reason that dialog_ends.c knows;
 *  - frames are legal: their sizes, the states of streams, what comes before what, the windows;
 *  - every PING and SETTINGS is acknowledged, GOAWAY has a reason and never takes a stream back;
 *  - a stream that may send does not wait for one that may not: see dialog_check_time.
 *
 * The client decides what is sent; its frames are queued here, in `outbox`. Acknowledgements are queued by
 * the dialog itself. It knows no sockets: h2_client.c drives it, and its own test drives it without a server.
 */
#ifndef SIM_CLIENTS_DIALOG_H
#define SIM_CLIENTS_DIALOG_H

#include "conversation.h"
#include "frames.h"
#include "h2_ask.h"

struct nghttp2_hd_inflater;

#define DIALOG_STREAMS_MAX  40
#define DIALOG_SETTINGS_MAX 16

struct dialog_stream {
    struct h2_ask ask;
    uint32_t id;
    /* Positions in all that the client sends, behind the frames that these are in; 0: not queued. */
    uint64_t head_begin, head_end, end;
    uint64_t reset_end; /* of our RST_STREAM */
    size_t content_sent;
    int64_t send_window; /* for us */
    int64_t window;      /* for the server */
    uint64_t window_us;  /* when it was last opened, or content came */
    uint64_t starved_us; /* since when it has been closed; 0: it is open */
    bool was_starved;    /* at some time a window was too small for the response */
    bool is_gone;        /* the server has seen our RST_STREAM: no frame of the stream may follow */
    bool has_head, has_end;
    bool is_reset; /* by the server */
    uint32_t reset_code;
    struct buffer inbox; /* the response, in the form of HTTP/1 */
    uint64_t content_bytes;
    uint64_t content_granted; /* of these, the windows were opened again for so many */
};

/* What our SETTINGS said that the server has not acknowledged. */
struct dialog_settings {
    uint32_t window;     /* INITIAL_WINDOW_SIZE */
    uint32_t table_size; /* HEADER_TABLE_SIZE */
};

struct dialog {
    struct scene *scene;
    unsigned number;
    struct verdict verdict;
    struct nghttp2_hd_inflater *inflater;
    struct dialog_stream *streams[DIALOG_STREAMS_MAX]; /* the one with the number 2i + 1 at i */
    size_t stream_count;

    struct buffer outbox;
    uint64_t waiting_bytes; /* that were sent before the last frame came, and had not arrived then */
    uint64_t queued_bytes, sent_bytes;
    uint64_t preface_end;
    struct buffer inbox;
    struct buffer block;                /* headers that are continued */
    struct dialog_stream *block_stream; /* whose they are; NULL: none are */
    bool block_ends_stream;

    int64_t send_window; /* for us */
    int64_t window;      /* for the server */
    uint64_t granted_bytes, content_bytes;
    uint32_t our_window; /* INITIAL_WINDOW_SIZE that the server knows */
    struct dialog_settings settings[DIALOG_SETTINGS_MAX];
    size_t settings_count, settings_known;
    uint64_t settings_us;   /* when the oldest that is not acknowledged was sent; 0: none, or not yet */
    uint32_t server_window; /* INITIAL_WINDOW_SIZE */
    uint32_t streams_max;
    bool is_introduced; /* SETTINGS came */

    uint64_t ping_end; /* position behind our PING; 0: none is on its way */
    uint64_t ping_us;  /* when it was sent; 0: not yet */
    uint32_t ping_number;

    unsigned goaways;
    uint32_t last_stream; /* of the GOAWAYs so far */
    bool said_last;       /* with a GOAWAY that is not the warning before the last one */

    uint64_t began_us;
    uint64_t asked_us;      /* when the last byte of a request was sent */
    uint64_t moved_us;      /* when the last byte went either way */
    uint64_t content_us;    /* when the last content came */
    uint64_t starved_us;    /* since when the connection's window has been closed; 0: it is open */
    bool was_starved;       /* at some time that window was closed */
    bool turned_away;       /* 503 in the place of a connection */
    bool is_half_sent;      /* we do not send the rest of a frame */
    bool is_provoked;       /* we broke the protocol: */
    uint32_t provoked_code; /* what the server says to that */
    uint64_t provoked_begin, provoked_end; /* positions before and behind that frame */
    uint64_t provoked_from_us;             /* when the first byte of it was sent; 0: not yet */
    uint64_t provoked_us;                  /* the same of all of it */
    bool said_goaway;                      /* we did */
    bool is_finished;                      /* we sent FIN */
    bool is_abandoned;                     /* we sent RST, or closed: nothing is owed any more */
    bool is_slow;                          /* we did not take what was there for a while */
    struct harms harms;                    /* what hit this connection, or anybody */
    bool has_ended;                        /* FIN or RST came */
    uint64_t ended_us;                     /* when the server said that; 0: not known yet */
    uint64_t read_bytes;   /* that the server had read of what was sent in the clear; 0: nobody knows */
    bool is_shaking_hands; /* the handshake of TLS was not complete when the connection ended */
    bool had_time;         /* the server had had everything for a while by then */
};

void dialog_begin(struct dialog *dialog, struct scene *scene, unsigned number);
void dialog_finish(struct dialog *dialog);

/* ---- what the client sends (dialog_send.c) ---- */

/* The preface with the first SETTINGS. */
void dialog_introduce(struct dialog *dialog, uint32_t window, uint32_t table_size);

/* Room for the next request: make stream->ask, then send it. NULL if there is none. */
struct dialog_stream *dialog_open(struct dialog *dialog);

/* The head, in frames of at most `piece_bytes`. */
void dialog_send_head(struct dialog *dialog, struct dialog_stream *stream, size_t piece_bytes);

/* The next content, as much as `most` and the windows allow. Returns whether there was any. */
bool dialog_send_content(struct dialog *dialog, struct dialog_stream *stream, size_t most);

void dialog_reset(struct dialog *dialog, struct dialog_stream *stream, enum frame_code code);

/* Opens the stream's window, or that of the connection if `stream` is NULL. */
void dialog_grant(struct dialog *dialog, struct dialog_stream *stream, uint32_t bytes);

/* True if another one may be on its way. */
bool dialog_may_send_settings(const struct dialog *dialog);
void dialog_send_settings(struct dialog *dialog, uint32_t window, uint32_t table_size);
void dialog_send_ping(struct dialog *dialog);
void dialog_send_priority(struct dialog *dialog, const struct dialog_stream *stream, unsigned urgency,
                          bool is_incremental);
void dialog_send_goaway(struct dialog *dialog);

/* A frame after which the server must end the connection. */
void dialog_break(struct dialog *dialog, uint8_t type, uint32_t stream, struct slice payload, uint32_t code);

/* What is to be given to the network next; it took so many bytes of it. */
struct slice dialog_unsent(const struct dialog *dialog);
void dialog_sent(struct dialog *dialog, size_t count);

/* ---- what comes ---- */

void dialog_received(struct dialog *dialog, struct slice bytes);

/* The server ended the connection, by FIN or by RST. */
void dialog_ended(struct dialog *dialog, bool by_reset);

/* It has ended, and nothing was outstanding. */
bool dialog_owes_nothing(const struct dialog *dialog);

/* Some wait has lasted longer than it may. To be asked now and then. */
void dialog_check_time(struct dialog *dialog);

/* ---- questions ---- */

/* The stream is over for the server, too, as far as we know. */
static inline bool dialog_is_over(const struct dialog_stream *stream)
{
    return stream->has_end || stream->is_reset || stream->reset_end > 0;
}

/* Streams that count against the server's limit. */
size_t dialog_open_streams(const struct dialog *dialog);

/* The request was sent, and the server has not finished its response. */
bool dialog_owes(const struct dialog *dialog, const struct dialog_stream *stream);

/* A fault may have ended the connection. */
bool dialog_has_fault(const struct dialog *dialog);

/* There were so many connections that the server may have refused or closed this one to make room. */
bool dialog_may_be_crowded(const struct dialog *dialog);

/* The log is told what the client saw of it. */
void dialog_note(const struct dialog *dialog, const struct sim_socket *socket);

#endif
