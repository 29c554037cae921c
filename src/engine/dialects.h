/* dialects.h: messages of a dialect (codec/dialect.h) on their way through the stages. */
#ifndef ENGINE_DIALECTS_H
#define ENGINE_DIALECTS_H
#include "engine/conn_state.h"
#include "engine/message.h"

/* The client was answered 101 with that subprotocol: it may say in which dialect it speaks. */
void dialects_choose(struct fw_conn *conn, struct fw_slice subprotocol);
/* NULL: plain JSON, which the stages read themselves. */
const struct dialect *dialects_of(const struct fw_conn *conn);

/* Is a binary message one that an event announced? Then it belongs to that, is not judged, and goes where it went. */
enum attachment dialects_attachment(struct fw_conn *conn, enum fw_side from);
enum verdict dialects_read(struct message *message);  /* in place of the JSON stage */
enum verdict dialects_route(struct message *message); /* and of the route stage */
/* A unit of the message has passed: is there another? *ret_verdict: what becomes of the message if not. */
bool dialects_next(struct message *message, enum verdict *ret_verdict);
/* The message was dealt with. */
void dialects_done(const struct message *message, bool passed);
/* The message with its fields written anew. data NULL: memory is short. */
struct fw_slice dialects_write(const struct message *message, struct fw_slice fields);
/* Tells the client in its dialect. False: it speaks plain JSON, or there is nothing that could be said. */
bool dialects_refuse(struct fw_conn *conn, const struct answer *answer, struct fw_slice data);

/* A message of the server: what stands behind the first in its frame is cut off where fields are hidden, and returned.
 */
struct fw_slice dialects_outbound(struct message *message);
/* By which name the policy knows the type of a message that was read. */
struct fw_slice dialects_type(const struct message *message);
#endif
