/* rehearsal_seat.c: connections of a rehearsal that wait while it is another one's turn. */
#include "base/mem.h"
#include "shell/rehearsal_parts.h"

struct rehearsal_seat *rehearsal_seat_new(void)
{
	return mem_zero(1, sizeof(struct rehearsal_seat));
}

void rehearsal_sit(struct rehearsal *r, struct rehearsal_seat *seat)
{
	r->seat = seat != NULL ? seat : &r->own;
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
