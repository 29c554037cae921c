/* other_device.c: an honest device through its days: it waits for a presence, connects, logs in, talks, is cut off and
 * comes again. A step gives one event or none. */
#include "other_world.h"

#include <string.h>

static struct other_person *owner(const struct other *world, const struct other_device *device)
{
	return world->people + device->person;
}

static bool is_program(const struct other_person *person)
{
	return person->persona == OTHER_BOT || person->persona == OTHER_AGENT;
}

static void say(const struct other_device *device, enum traffic_what what, struct traffic_event *ret_event)
{
	ret_event->at = (uint64_t)device->at;
	ret_event->connection = device->connection;
	ret_event->address = device->address;
	ret_event->user = device->known;
	ret_event->session = device->shown;
	ret_event->what = (uint8_t)what;
}

/* A password is asked for. Most know it, some mistype it; and some clients go on with what is no longer good. */
static void meet_login(struct other *world, struct other_device *device)
{
	struct other_dice *dice = &device->dice;
	double u = other_unit(dice);

	if (device->session && device->session_until && other_chance(dice, 0.007)) {
		device->retries = 4 + other_below(dice, 18);
		device->retries_done = 0;
		device->retry_slowly = false;
		device->retry_session = device->session;
		return;
	}
	if (is_program(owner(world, device)))
		return;
	device->due += 1500 + (int64_t)other_lognormal(dice, 3000, 0.6);
	if (u < 0.002)
		device->wrong = 4 + other_below(dice, 5);
	else if (u < 0.055)
		device->wrong = 1 + other_chance(dice, 0.25);
}

static void next_presence(struct other_device *device)
{
	device->presence++;
	device->place_kept = false;
	if (device->presence < device->presence_count && device->presences[device->presence].from > device->at)
		device->due = device->presences[device->presence].from;
	else
		device->due = device->at;
}

/* A tab and a second worker use the token of the first device, while it is there. */
static bool borrow_token(const struct other *world, struct other_device *device)
{
	const struct other_device *desk = world->devices + owner(world, device)->device;
	int64_t *to = &device->presences[device->presence].to;

	if (desk->state != OTHER_ONLINE)
		return false;
	if (*to > desk->presences[desk->presence].to)
		*to = desk->presences[desk->presence].to;
	device->session = desk->session;
	device->session_until = OTHER_NEVER;
	device->address = desk->address;
	device->at_office = desk->at_office;
	return true;
}

static bool come(struct other *world, struct other_device *device, struct traffic_event *ret_event)
{
	struct other_dice *dice = &device->dice;
	const struct other_presence *presence = device->presences + device->presence;
	int64_t now = device->at, outage_end;
	bool borrows = device->kind == OTHER_TAB || device->kind == OTHER_NODE, moves;

	if (device->presence >= device->presence_count) {
		if (device->day > world->days) {
			device->state = OTHER_GONE;
			return false;
		}
		other_plan_day(world, device, device->day + 1);
		device->due = now;
		if (device->presence_count && device->presences[0].from > now)
			device->due = device->presences[0].from;
		return false;
	}
	if (now < presence->from) {
		device->due = presence->from;
		return false;
	}
	if (now >= presence->to - 5 * OTHER_SECOND) {
		next_presence(device);
		return false;
	}
	outage_end = other_outage_end(world, now);
	if (outage_end) {
		device->due = outage_end + (int64_t)other_lognormal(dice, 8000, 0.9);
		return false;
	}
	if (borrows && !borrow_token(world, device)) {
		if (device->kind == OTHER_TAB)
			next_presence(device);
		else
			device->due = now + OTHER_MINUTE;
		return false;
	}
	moves = device->kind != OTHER_DESK || is_program(owner(world, device)) || !device->place_kept;
	if (device->kind != OTHER_TAB && moves)
		other_go_to_place(world, device, now);
	device->place_kept = true;
	device->connection = other_new_connection(world, true);
	device->known = TRAFFIC_NOBODY;
	device->shown = 0;
	say(device, TRAFFIC_OPEN, ret_event);
	device->state = OTHER_OPENED;
	device->due = now + 20 + (int64_t)other_lognormal(dice, 150, 0.5);
	device->wrong = 0;
	if (!device->retries && device->session_until <= now)
		meet_login(world, device);
	return true;
}

static void start_talking(struct other *world, struct other_device *device)
{
	const struct other_person *person = owner(world, device);
	struct other_dice *dice = &device->dice;
	int64_t now = device->at, cut = other_next_cut(world, device, now);
	double stays = device->kind != OTHER_PHONE ? 14 * 3600 : device->on_wifi ? 3 * 3600 : 25 * 60;

	device->state = OTHER_ONLINE;
	device->answer_at = OTHER_NEVER;
	device->next_action = now + 400 + other_below(dice, 5000);
	if (person->persona == OTHER_BOT)
		device->next_action = now + (int64_t)(person->beat * other_unit(dice)) + 50;
	device->next_incoming = now + 200 + other_below(dice, 20000);
	device->next_ping = person->ping_seconds ? now + person->ping_seconds * OTHER_SECOND : OTHER_NEVER;
	device->next_refresh = person->refresh_seconds && device->kind == OTHER_DESK
				       ? now + person->refresh_seconds * OTHER_SECOND
				       : OTHER_NEVER;
	device->drop_at = now + 20 * OTHER_SECOND + (int64_t)(1000 * other_exponential(dice, stays));
	if (now >= device->flaky_from && now < device->flaky_to)
		device->drop_at = now + 12 * OTHER_SECOND + (int64_t)(1000 * other_exponential(dice, 45));
	device->cut = cut < device->drop_at;
	if (device->cut)
		device->drop_at = cut + other_below(dice, 3000);
}

static void log_in(struct other *world, struct other_device *device, struct traffic_event *ret_event)
{
	const struct other_person *person = owner(world, device);
	struct other_dice *dice = &device->dice;
	int64_t now = device->at;
	double wait;

	device->known = device->person;
	if (device->retries) {
		device->shown = device->retry_session;
		say(device, TRAFFIC_LOGIN_FAILED, ret_event);
		wait = device->retries_done < 5 ? (double)(1u << device->retries_done) : 30;
		wait = (device->retry_slowly ? 1200 : wait) * other_between(dice, 0.7, 1.3);
		device->retries--;
		device->retries_done++;
		device->session_until = 0;
		device->state = OTHER_CLOSING;
		device->due = now + 30 + other_below(dice, 200);
		device->reopen = device->due + (int64_t)(wait * 1000);
		return;
	}
	if (device->wrong) {
		device->wrong--;
		say(device, TRAFFIC_LOGIN_FAILED, ret_event);
		device->due = now + 2500 + (int64_t)other_lognormal(dice, 4500, 0.6);
		return;
	}
	if (device->session_until <= now) {
		device->session = other_new_session(world, true);
		device->session_until = now + (int64_t)(person->token_hours[device->kind == OTHER_PHONE] * OTHER_HOUR *
							other_between(dice, 0.95, 1));
	}
	device->shown = device->session;
	say(device, TRAFFIC_LOGIN, ret_event);
	start_talking(world, device);
}

/* The network went: the service sees it at once, or only when the phone has long come by another way. */
static bool drop(struct other_device *device, struct traffic_event *ret_event)
{
	struct other_dice *dice = &device->dice;
	int64_t now = device->at;

	device->state = OTHER_AWAY;
	if (device->cut)
		device->due = now + 500 + (int64_t)other_lognormal(dice, 4000, 0.9);
	else if (now >= device->flaky_from && now < device->flaky_to)
		device->due = now + 1500 + (int64_t)other_exponential(dice, 12000);
	else
		device->due = now + 700 + (int64_t)other_exponential(dice, 3000);
	if (device->kind == OTHER_PHONE && !device->cut) {
		if (other_chance(dice, 0.4))
			device->on_wifi = !device->on_wifi;
		if (device->ghost_at == OTHER_NEVER && other_chance(dice, 0.35)) {
			device->ghost_at = now + 4000 + other_below(dice, 50 * OTHER_SECOND);
			device->ghost_connection = device->connection;
			device->ghost_address = device->address;
			device->ghost_session = device->shown;
			return false;
		}
	}
	say(device, TRAFFIC_CLOSE, ret_event);
	return true;
}

static void send(struct other *world, struct other_device *device, int type, struct traffic_event *ret_event)
{
	struct other_dice *dice = &device->dice;

	say(device, TRAFFIC_MESSAGE, ret_event);
	ret_event->type = (uint8_t)type;
	ret_event->size = other_message_size(type, dice);
	if (other_chance(dice, 0.0001)) {
		ret_event->what = TRAFFIC_REFUSED;
		ret_event->cause = TRAFFIC_INVALID;
	} else if (!other_permits(owner(world, device)->role, type)) {
		ret_event->what = TRAFFIC_REFUSED;
		ret_event->cause = TRAFFIC_PERMISSION;
	} else if (other_reads(type)) {
		device->answer_at = device->at + 30 + (int64_t)other_exponential(dice, 90);
		device->answer_type = type;
	}
}

static void act(struct other *world, struct other_device *device, struct traffic_event *ret_event)
{
	const struct other_person *person = owner(world, device);
	struct other_dice *dice = &device->dice;
	int64_t now = device->at, wait;
	double rate = person->rate * device->mood;

	if (device->kind == OTHER_PHONE && rate < 45)
		rate = 45;
	if (device->kind == OTHER_TAB)
		rate /= 2;
	wait = other_gap(rate, person->persona == OTHER_AGENT, dice);
	if (person->persona == OTHER_BOT)
		wait = (int64_t)(person->beat * (1 + person->beat_jitter * other_normal(dice)));
	if (device->burst && now >= device->burst_at) {
		device->burst--;
		wait = 1500 + (int64_t)other_lognormal(dice, 14000, 0.8);
		send(world, device, device->burst_type, ret_event);
		if (ret_event->what == TRAFFIC_MESSAGE && other_chance(dice, 0.01)) {
			ret_event->what = TRAFFIC_REFUSED;
			ret_event->cause = TRAFFIC_RATE;
			device->answer_at = OTHER_NEVER;
		}
	} else if (device->refused && other_chance(dice, 0.15)) {
		device->refused--;
		send(world, device, device->refused_type, ret_event);
		if (ret_event->what == TRAFFIC_MESSAGE) { /* of an exporter who lost the right, till tomorrow */
			ret_event->what = TRAFFIC_REFUSED;
			ret_event->cause = TRAFFIC_PERMISSION;
			device->answer_at = OTHER_NEVER;
		}
	} else {
		send(world, device, other_pick_type(world, person, dice, now), ret_event);
	}
	device->next_action = now + wait;
	if (device->answer_at != OTHER_NEVER && device->next_action <= device->answer_at)
		device->next_action = device->answer_at + 5;
}

static void hear(struct other *world, struct other_device *device, struct traffic_event *ret_event)
{
	const struct other_person *person = owner(world, device);
	struct other_dice *dice = &device->dice;
	double an_hour = person->incoming * device->mood;
	bool quote = person->persona == OTHER_TRADER && other_chance(dice, 0.85);

	say(device, TRAFFIC_DELIVERED, ret_event);
	ret_event->type = quote ? TYPE_SUBSCRIBE : TYPE_CHAT;
	ret_event->size = (uint32_t)other_lognormal(dice, quote ? 240 : 120, quote ? 0.3 : 0.8) + 8;
	if (an_hour < 0.5)
		an_hour = 0.5;
	device->next_incoming = device->at + 150 + (int64_t)other_exponential(dice, 3600e3 / an_hour);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_due(const struct other_device *device)
{
	int64_t due = least(device->next_action, device->next_incoming);

	due = least(due, least(device->next_ping, device->next_refresh));
	due = least(due, least(device->answer_at, device->drop_at));
	return least(due, device->presences[device->presence].to);
}

static bool be_online(struct other *world, struct other_device *device, struct traffic_event *ret_event)
{
	const struct other_person *person = owner(world, device);
	int64_t now = device->at;

	if (device->drop_at <= now)
		return drop(device, ret_event);
	if (device->presences[device->presence].to <= now) {
		say(device, TRAFFIC_CLOSE, ret_event);
		device->state = OTHER_AWAY;
		next_presence(device);
		return true;
	}
	if (device->answer_at <= now) {
		say(device, TRAFFIC_DELIVERED, ret_event);
		ret_event->type = (uint8_t)device->answer_type;
		ret_event->size = other_answer_size(device->answer_type, person->scale, &device->dice);
		device->answer_at = OTHER_NEVER;
	} else if (device->next_ping <= now) {
		say(device, TRAFFIC_MESSAGE, ret_event);
		ret_event->type = TYPE_PING;
		ret_event->size = 24;
		device->next_ping = now + person->ping_seconds * OTHER_SECOND + other_below(&device->dice, 40);
	} else if (device->next_refresh <= now) {
		send(world, device, TYPE_HISTORY, ret_event);
		device->next_refresh = now + person->refresh_seconds * OTHER_SECOND + other_below(&device->dice, 60);
	} else if (device->next_incoming <= now) {
		hear(world, device, ret_event);
	} else {
		act(world, device, ret_event);
	}
	device->due = next_due(device);
	return true;
}

/* What is due when; the record ends with everybody's close. */
static void settle(struct other_device *device)
{
	if (device->due < device->at)
		device->due = device->at;
	if (device->state == OTHER_AWAY && device->due >= device->stop)
		device->state = OTHER_GONE;
	if (device->state == OTHER_GONE) {
		device->due = OTHER_NEVER;
	} else if (device->state != OTHER_AWAY && device->due >= device->stop) {
		device->state = OTHER_CLOSING;
		device->due = device->reopen = device->stop;
	}
	if (device->ghost_at != OTHER_NEVER && device->ghost_at > device->stop)
		device->ghost_at = device->stop;
	device->at = least(device->due, device->ghost_at);
}

bool other_device_step(struct other *world, struct other_device *device, struct traffic_event *ret_event)
{
	bool gave = true;

	memset(ret_event, 0, sizeof *ret_event);
	if (device->ghost_at <= device->at) {
		say(device, TRAFFIC_CLOSE, ret_event);
		ret_event->connection = device->ghost_connection;
		ret_event->address = device->ghost_address;
		ret_event->session = device->ghost_session;
		ret_event->user = device->person;
		device->ghost_at = OTHER_NEVER;
		settle(device);
		return true;
	}
	switch (device->state) {
	case OTHER_AWAY:
		gave = come(world, device, ret_event);
		break;
	case OTHER_OPENED:
		log_in(world, device, ret_event);
		if (device->state == OTHER_ONLINE)
			device->due = next_due(device);
		break;
	case OTHER_ONLINE:
		gave = be_online(world, device, ret_event);
		break;
	case OTHER_CLOSING:
		say(device, TRAFFIC_CLOSE, ret_event);
		device->state = OTHER_AWAY;
		device->due = device->reopen;
		break;
	case OTHER_GONE:
		gave = false;
		break;
	}
	settle(device);
	return gave;
}
