/* other_plans.c: the numbers of the attacks, from fine to coarse. README.md says why each can be told. */
#include "other_plans.h"

#define OWN OTHER_PLACE_OWN
#define NEAR OTHER_PLACE_NEAR
#define FAR OTHER_PLACE_FAR
#define HOSTING OTHER_PLACE_HOSTING

static const struct other_plan plans[KINDS][TRAFFIC_STRENGTHS] = {
	/* hands, rounds, messages; gap, its sigma; between rounds; lasts; much; place */
	[KIND_SPRAY] = { /* much: how many of the passwords fit */
		{ 6, 12, 6, 5, 0.5, 450, 95, 0.005, FAR },
		{ 3, 30, 6, 4, 0.5, 60, 33, 0.005, HOSTING },
		{ 1, 120, 6, 3, 0.5, 1.5, 4, 0.01, HOSTING } },
	[KIND_STUFFING] = { /* much: the same */
		{ 20, 6, 6, 5, 0.5, 400, 45, 0.02, FAR },
		{ 8, 15, 6, 4, 0.5, 45, 14, 0.02, HOSTING },
		{ 2, 60, 6, 3, 0.5, 3, 5, 0.03, HOSTING } },
	[KIND_SLOW_BRUTE] = { /* much: whether the last one fits */
		{ 8, 10, 8, 8, 0.5, 1800, 330, 0.3, FAR },
		{ 3, 50, 8, 5, 0.5, 180, 165, 0.3, HOSTING },
		{ 1, 300, 8, 3, 0.5, 8, 45, 0.3, HOSTING } },
	[KIND_STOLEN_SESSION] = { /* much: share of reading beyond the owner's habit */
		{ 1, 1, 26, 52, 0.7, 10, 30, 0.4, NEAR },
		{ 1, 2, 34, 20, 0.7, 60, 30, 0.6, FAR },
		{ 1, 2, 80, 5, 0.6, 30, 18, 0.8, HOSTING } },
	[KIND_SCRIPTED] = { /* much: jitter of the beat, as a share of it; gap: the shortest beat */
		{ 1, 1, 120, 12, 0, 10, 45, 0.04, OWN },
		{ 1, 1, 160, 8, 0, 10, 40, 0.015, OWN },
		{ 1, 1, 260, 3, 0, 10, 25, 0, FAR } },
	[KIND_EXFILTRATION] = { /* much: how many usual days' octets */
		{ 1, 1, 230, 10, 0.5, 10, 50, 30, OWN },
		{ 1, 1, 400, 4, 0.5, 10, 35, 80, OWN },
		{ 1, 1, 600, 1.5, 0.4, 10, 20, 200, OWN } },
	[KIND_PROBING] = { /* much: share of messages that his role does not permit */
		{ 1, 1, 34, 50, 0.6, 10, 40, 0.5, OWN },
		{ 1, 1, 50, 9, 0.6, 10, 12, 0.85, OWN },
		{ 1, 1, 200, 1.2, 0.4, 10, 6, 1, OWN } },
	[KIND_RECONNECT] = {
		{ 1, 240, 0, 1, 0, 3, 20, 0, OWN },
		{ 1, 500, 0, 1, 0, 1.2, 24, 0, OWN },
		{ 6, 300, 0, 1, 0, 0.4, 12, 0, OWN } },
	[KIND_TYPE_SHIFT] = { /* much: share of types he never sent */
		{ 1, 1, 40, 26, 0.8, 10, 25, 0.8, OWN },
		{ 4, 1, 45, 10, 0.8, 10, 15, 0.8, OWN },
		{ 12, 1, 80, 3, 0.7, 10, 10, 0.9, OWN } },
	[KIND_TOKEN_SHARING] = { /* much: share of reading beyond the owner's habit */
		{ 2, 1, 24, 50, 0.8, 10, 30, 0.1, NEAR },
		{ 4, 1, 30, 30, 0.8, 10, 25, 0.1, FAR },
		{ 12, 1, 40, 12, 0.8, 10, 15, 0.1, FAR } },
	[KIND_INSIDER] = {
		{ 1, 1, 44, 40, 0.8, 10, 45, 1, OWN },
		{ 1, 1, 100, 16, 0.8, 10, 40, 1, OWN },
		{ 1, 1, 240, 6, 0.7, 10, 35, 1, OWN } },
	[KIND_LOW_SLOW] = { /* much: how many usual answers' octets in one */
		{ 1, 6, 26, 300, 0.35, 200, 13.5 * 60, 1, NEAR },
		{ 1, 6, 50, 156, 0.35, 200, 13.5 * 60, 1, FAR },
		{ 1, 7, 90, 82, 0.3, 200, 15 * 60, 1.5, HOSTING } },
};

const struct other_plan *other_plan_of(enum traffic_kind kind, unsigned strength)
{
	return &plans[kind][strength - 1];
}
