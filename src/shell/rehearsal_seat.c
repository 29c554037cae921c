/* rehearsal_seat.c: connections of a rehearsal that wait while it is another one's turn. */
#include "base/mem.h"
#include "shell/rehearsal_parts.h"

/* What of a rehearsal is of one connection. */
struct rehearsal_seat {
	struct fw_conn *conn;
	struct fw_addr address;
	struct rehearsal_end client, server;
	bool proxied, admitted, upgraded, open, over, held;
	uint8_t session_key[32];
};

struct rehearsal_seat *rehearsal_seat_new(void)
{
	return mem_zero(1, sizeof(struct rehearsal_seat));
}

static void put_away(struct rehearsal *r, struct rehearsal_seat *seat)
{
	*seat = (struct rehearsal_seat){ r->conn,     r->address,  r->client, r->server, r->proxied,
					 r->admitted, r->upgraded, r->open,   r->over,	 r->held };
	memcpy(seat->session_key, r->session_key, sizeof(seat->session_key));
}

static void take_up(struct rehearsal *r, const struct rehearsal_seat *seat)
{
	r->conn = seat->conn;
	r->address = seat->address;
	r->client = seat->client;
	r->server = seat->server;
	r->proxied = seat->proxied;
	r->admitted = seat->admitted;
	r->upgraded = seat->upgraded;
	r->open = seat->open;
	r->over = seat->over;
	r->held = seat->held;
	memcpy(r->session_key, seat->session_key, sizeof(r->session_key));
}

void rehearsal_sit(struct rehearsal *r, struct rehearsal_seat *seat)
{
	static const struct rehearsal_seat nobody = { .conn = NULL };

	if (seat == r->seat)
		return;
	if (r->seat == NULL && r->own == NULL && r->conn == NULL)
		; /* it has none that would have to wait */
	else if (r->seat == NULL && r->own == NULL && (r->own = rehearsal_seat_new()) == NULL)
		rehearsal_leave(r);
	else
		put_away(r, r->seat != NULL ? r->seat : r->own);
	r->seat = seat;
	if (seat == NULL)
		seat = r->own;
	take_up(r, seat != NULL ? seat : &nobody);
}

struct rehearsal_seat *rehearsal_seat_free(struct rehearsal *r, struct rehearsal_seat *seat)
{
	struct rehearsal_seat *before = r->seat;

	if (seat == NULL)
		return NULL;
	rehearsal_sit(r, seat);
	rehearsal_leave(r);
	rehearsal_sit(r, before != seat ? before : NULL);
	mem_free(seat);
	return NULL;
}
