/* visit.c: one connection from its begin to its end. */
#include <math.h>

#include "world.h"

enum { RUSH_LASTS = 30 * MINUTE };

/* Octets of what is sent, and of what is answered: medians; answers are spread over more than a decade. */
static const struct {
	float sent, answered;
} octets[TYPES] = {
	[TYPE_PING] = { 20, 0 },	  [TYPE_CHAT] = { 90, 0 },	   [TYPE_JOIN] = { 40, 0 },
	[TYPE_LEAVE] = { 40, 0 },	  [TYPE_TYPING] = { 30, 0 },	   [TYPE_HISTORY] = { 60, 9000 },
	[TYPE_SEARCH] = { 80, 4000 },	  [TYPE_FETCH] = { 60, 6000 },	   [TYPE_UPLOAD] = { 20000, 0 },
	[TYPE_EDIT] = { 400, 0 },	  [TYPE_DELETE] = { 50, 0 },	   [TYPE_PROFILE] = { 200, 500 },
	[TYPE_SUBSCRIBE] = { 60, 0 },	  [TYPE_EXPORT] = { 100, 200000 }, [TYPE_ADMIN_LIST] = { 60, 20000 },
	[TYPE_ADMIN_CHANGE] = { 150, 0 },
};

static uint64_t pause_of(struct world *world, struct visit *visit)
{
	double gap = visit->gap * exp(visit->spread * dice_normal(&visit->dice));
	unsigned day = (unsigned)(visit->at / DAY);
	if (visit->person && day < DAYS_MOST && visit->at - world->rush[day] < RUSH_LASTS)
		gap /= 2.5; /* news that all talk about */
	return (uint64_t)(gap < 1 ? 1 : gap > 6 * (double)HOUR ? 6 * (double)HOUR : gap);
}

/* Plans what comes in `pause`; a restart of the service in between ends all connections within two seconds. */
static void plan(struct world *world, struct visit *visit, uint64_t pause)
{
	uint64_t next = visit->at + pause;
	unsigned day = (unsigned)(visit->at / DAY);
	uint64_t restart = day < DAYS_MOST ? world->restart[day] : 0;
	visit->cut = restart > visit->at && restart <= next;
	visit->at = visit->cut ? restart + dice_below(&visit->dice, 2000) : next;
	if (!visit->cut && visit->at >= visit->until && visit->stage == VISIT_TALK && !visit->reply) {
		visit->stage = VISIT_CLOSE;
		if (visit->until + 1 > next - pause)
			visit->at = visit->until + 1;
	}
}

void visit_begin(struct world *world, struct visit *visit, uint64_t at, uint64_t until)
{
	visit->at = at;
	visit->until = until;
	visit->stage = VISIT_OPEN;
	visit->connection = ++world->connections;
	visit->reply = 0;
	visit->cut = false;
}

static void talk(struct world *world, struct visit *visit, struct traffic_event *event)
{
	if (visit->reply) {
		event->what = TRAFFIC_DELIVERED;
		event->type = visit->type;
		event->size = visit->reply;
		visit->reply = 0;
		plan(world, visit, pause_of(world, visit));
		return;
	}
	const float *mix =
		visit->other_mix && dice_unit(&visit->dice) < visit->other_share ? visit->other_mix : visit->mix;
	float chosen = (float)dice_unit(&visit->dice) * mix[TYPES - 1];
	uint8_t type = 0;
	while (type < TYPES - 1 && chosen >= mix[type])
		type++;
	event->type = visit->type = type;
	event->what = TRAFFIC_MESSAGE;
	event->size = (uint32_t)(2 + octets[type].sent * visit->size * exp(0.6 * dice_normal(&visit->dice)));
	double luck = dice_unit(&visit->dice);
	if (luck < visit->refused) {
		event->what = TRAFFIC_REFUSED;
		event->cause = TRAFFIC_PERMISSION;
		if (dice_below(&visit->dice, 3)) /* what he would like to be: one of those that his role lacks */
			event->type = dice_below(&visit->dice, 2) ? TYPE_ADMIN_LIST : TYPE_ADMIN_CHANGE;
	} else if (visit->person && luck > 0.9996) {
		event->what = TRAFFIC_REFUSED;
		event->cause = luck > 0.9999 ? TRAFFIC_RATE : TRAFFIC_INVALID;
	} else if (octets[type].answered > 0) {
		double answer = octets[type].answered * visit->content * exp(1.1 * dice_normal(&visit->dice));
		visit->reply = (uint32_t)(answer < 20 ? 20 : answer > 50e6 ? 50e6 : answer);
		plan(world, visit, 5 + dice_below(&visit->dice, 200));
		return;
	}
	plan(world, visit, pause_of(world, visit));
}

void visit_step(struct world *world, struct visit *visit, struct traffic_event *event)
{
	*event = (struct traffic_event){
		.at = visit->at, .connection = visit->connection, .user = TRAFFIC_NOBODY, .address = visit->address
	};
	if (visit->stage == VISIT_CLOSE || visit->cut) {
		event->what = TRAFFIC_CLOSE;
		event->user = visit->user;
		event->session = visit->session;
		visit->stage = VISIT_NONE;
	} else if (visit->stage == VISIT_OPEN) {
		event->what = TRAFFIC_OPEN;
		visit->stage = VISIT_LOGIN;
		plan(world, visit, 80 + dice_below(&visit->dice, 800));
	} else if (visit->stage == VISIT_LOGIN) {
		event->user = visit->user;
		event->what = visit->fails ? TRAFFIC_LOGIN_FAILED : TRAFFIC_LOGIN;
		event->session = visit->fails ? 0 : visit->session;
		if (visit->fails) {
			visit->fails--;
			plan(world, visit, 2500 + dice_below(&visit->dice, 12000)); /* he types it again */
		} else {
			visit->stage = VISIT_TALK;
			plan(world, visit, 200 + dice_below(&visit->dice, 3000));
		}
	} else {
		event->user = visit->user;
		event->session = visit->session;
		talk(world, visit, event);
	}
}
