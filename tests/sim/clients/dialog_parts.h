/* Shared by the files of the dialog. */
#ifndef SIM_CLIENTS_DIALOG_PARTS_H
#define SIM_CLIENTS_DIALOG_PARTS_H

#include "answer.h"
#include "dialog.h"

/* Queues a frame. */
void dialog_queue(struct dialog *dialog, uint8_t type, uint8_t flags, uint32_t stream, struct slice payload);

/* The response to the stream, complete or cut off, is judged. */
void dialog_judge_response(struct dialog *dialog, struct dialog_stream *stream, bool is_cut);

/* The stream's windows changed, or content took some of them. */
void dialog_note_windows(struct dialog *dialog);

/* A frame from the server is judged by its reason: RST_STREAM, GOAWAY. */
void dialog_judge_reset(struct dialog *dialog, struct dialog_stream *stream, uint32_t code);
void dialog_judge_goaway(struct dialog *dialog, uint32_t code);

#endif
